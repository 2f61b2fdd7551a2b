import { describe, expect, test } from 'vitest';
import { ABIS } from '../../src/btf/abi/abis.ts';
import { disassembleProgram } from '../../src/isa/disassemble.ts';
import { compileScript } from './compile-script.ts';

describe('maps of a script', () => {
  test.each([
    ['@ = 1', { name: 'AT_', type: 'hash', keySize: 8, valueSize: 1, maxEntries: 1 }],
    ['@a[(int8)1] = "text"', { name: 'AT_a', type: 'hash', keySize: 1, valueSize: 5, maxEntries: 4096 }],
    ['@a = count()', { name: 'AT_a', type: 'percpu_hash', keySize: 8, valueSize: 8, maxEntries: 1 }],
    ['@a[comm] = avg(1)', { name: 'AT_a', type: 'percpu_hash', keySize: 16, valueSize: 16, maxEntries: 4096 }],
    ['@a = hist(1)', { name: 'AT_a', type: 'percpu_hash', keySize: 8, valueSize: 8, maxEntries: 4096 }],
    [
      '@a[comm] = lhist(1, 0, 10, 1)',
      { name: 'AT_a', type: 'percpu_hash', keySize: 24, valueSize: 8, maxEntries: 4096 },
    ],
  ])('%s makes the kernel map %o', (statement, definition) => {
    expect(compileScript(`begin { ${statement}; }`).image.maps[0]).toMatchObject(definition);
  });

  test('a declaration decides type and size', () => {
    const { image } = compileScript('let @a = lruhash(7); begin { @a[1] = 1; }');
    expect(image.maps[0]).toMatchObject({ type: 'lru_hash', maxEntries: 7 });
  });
});

test('text longer than the on-stack limit lives in an element of the scratch map, one for each program', () => {
  const { image } = compileScript('kprobe:vfs_read { $s = str(arg1); if ($s == "x") { @ = $s; } } end { @ = str(0); }');
  const scratch = image.maps.findIndex((map) => map.name === 'scratch');
  expect(image.maps[scratch]).toMatchObject({ type: 'percpu_array', keySize: 4, maxEntries: 2 });
  for (const program of image.programs)
    expect(program.relocations.filter((relocation) => relocation.map === scratch)).toHaveLength(1);
});

test('an event carries its values at the offsets that its action states', () => {
  const { resources } = compileScript('begin { printf("%d %s %d", (int8)1, comm, nsecs); }');
  expect(resources.actions).toMatchObject([
    { kind: 'printf', args: [{ offset: 8 }, { offset: 16, type: { kind: 'string', size: 16 } }, { offset: 32 }] },
  ]);
});

test('a program without a result returns 0', () => {
  const { image } = compileScript('begin { }');
  expect(image.programs[0]!.insns.at(-2)).toMatchObject({ dst: 0, imm: 0 });
});

test('every line of the script that has code is in the line table', () => {
  const { image } = compileScript('kprobe:vfs_read {\n  @a = arg0;\n  @b = arg1;\n}\n');
  expect([...new Set(image.programs[0]!.lines.map((line) => line.line))]).toEqual([1, 2, 3]);
});

test('a callback and its loop are functions of one program', () => {
  const { image } = compileScript('begin { @a[1] = 1; for ($kv : @a) { print($kv); } }');
  expect(image.programs[0]!.functions).toHaveLength(2);
});

test.each(
  Object.values(ABIS).flatMap((abi) =>
    Object.entries(abi.scriptRegisters).map(([name, offset]) => [abi.name, name, offset] as const),
  ),
)('on %s reg("%s") reads the context at offset %i', (arch, name, offset) => {
  const { image } = compileScript(`kprobe:vfs_read { @ = reg("${name}"); }`, arch);
  const text = disassembleProgram(image.programs[0]!.insns);
  expect(text).toContain(`*(u64 *)(r1 +${offset})`);
});

test('the first instruction of every function is in the line table', () => {
  const { image } = compileScript(
    'begin { @a[1] = 1; for ($kv : @a) { print($kv); } for ($i : 0..nsecs) { @b = $i; } }',
  );
  const [program] = image.programs;
  const slots = new Set(program!.lines.map((line) => line.slot));
  expect(program!.functions.map(({ slot }) => slots.has(slot))).toEqual([true, true, true]);
});

test('a loop that is never reached leaves no callback behind', () => {
  const { image } = compileScript('begin { if ("a" == "b") { for ($i : 0..100) { print($i); } } }');
  expect(image.programs[0]!.functions).toHaveLength(1);
});

test.each([
  ['if (arg0 > 5) { if (arg0 > 5) { @ = 1; } }', 1],
  ['if (arg0 > 5) { if (arg0 <= 5) { @ = 1; } }', 0],
  ['if (arg0 <= 5) { return; } @ = nsecs; if (arg0 > 5) { @b = 1; }', 1],
  ['if (arg0 > 5) { @ = 1; } if (arg0 > 5) { @b = 1; }', 2],
])('%s asks what the way here has not answered: %i times', (body, asked) => {
  const { image } = compileScript(`kprobe:vfs_read { ${body} }`);
  const code = disassembleProgram(image.programs[0]!.insns);
  expect(code.match(/ [<>]=? 0x[56] /g) ?? []).toHaveLength(asked);
});
