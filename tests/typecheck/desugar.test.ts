import { expect, test } from 'vitest';
import { desugar } from '../../src/typecheck/desugar.ts';
import { runPasses } from './run-pass.ts';

test.each([
  ['$x += 2;', '$x = $x + 2;'],
  ['@a[1, 2] <<= $y;', '@a[1, 2] = @a[1, 2] << $y;'],
  ['@ -= 1;', '@ = @ - 1;'],
  ['$x = 1;', '$x = 1;'],
  ['print(pid());', 'print(pid);'],
  ['print(tid(init));', 'print(tid(init));'],
  ['print(__builtin_cpu);', 'print(cpu);'],
  ['print(__builtin_nothing);', 'print(__builtin_nothing);'],
  ['delete(@m[1]);', 'delete(@m, 1);'],
  ['delete(@m, 1);', 'delete(@m, 1);'],
  ['delete(@m[1], 2);', 'delete(@m[1], 2);'],
])('%s becomes %s', (statement, expected) => {
  expect(bodyOf(`begin { ${statement} }`)).toBe(bodyOf(`begin { ${expected} }`, false));
});

test('a compound assignment keeps its own copy of the target', () => {
  const { program } = runPasses('begin { @a[pid] += 1; }', [desugar]);
  const [statement] = program.probes[0]!.body.statements;
  if (statement?.kind !== 'assignment' || statement.value.kind !== 'binary') throw new Error('no sum is assigned');
  expect(statement.value.left).toEqual(statement.target);
  expect(statement.value.left).not.toBe(statement.target);
});

function bodyOf(text: string, desugared = true): string {
  const { program } = runPasses(text, desugared ? [desugar] : []);
  return JSON.stringify(program.probes[0]!.body, (key, value: unknown) =>
    /span$/i.test(key) || key === 'text' ? undefined : typeof value === 'bigint' ? String(value) : value,
  );
}
