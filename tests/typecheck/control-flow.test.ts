import { expect, test } from 'vitest';
import { checkText, messages } from './check-text.ts';

test.each<[string, readonly string[]]>([
  ['break;', ["error at break: 'break' statement is not allowed in a probe"]],
  ['return; print(1);', ['warning at print(1);: Unreachable statement.']],
  ['for ($i : 0..3) { exit() }', ["error at exit(): 'return' statement is not allowed in a for-loop"]],
  ['for ($i : 0..3) { return; }', []],
  ['unroll(101) { @ = 1 }', [expect.stringContaining('unroll maximum value is 100')]],
])('%s', (body, expected) => {
  const found = messages(`begin { ${body} }`).map((message) => message.replace(/^(error at (?:break|return));/, '$1'));
  expect(found).toEqual(expected);
});

test('an unrolled body is there as often as it runs', () => {
  const { typed } = checkText('begin { unroll(3) { @ = 1 } }');
  expect(typed!.probes[0]!.body.statements).toMatchObject([{ kind: 'block', statements: [{}, {}, {}] }]);
});

test.each([
  'fn f(): int64 { $x = 0; }',
  'fn f($x: int64): int64 { if ($x > 0) { return 0; } }',
  'fn f($x: int64): int64 { if ($x > 0) { return 0; } else { $y = 1; } }',
  'fn f($x: int64): int64 { while ($x) { return 0; } }',
])('a function that may end without its value is refused: %s', (text) => {
  expect(messages(`${text} begin { @ = 1 }`).join('\n')).toContain('Function f is of type int64, cannot return void');
});

test('a function whose branches all return is accepted', () => {
  const text = 'fn f($x: int64): int64 { if ($x > 0) { return 1; } else { return 2; } } begin { @ = f((int64)3) }';
  expect(messages(text)).toEqual([]);
});
