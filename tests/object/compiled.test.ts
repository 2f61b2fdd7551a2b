import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeSection } from '../../src/object/program-sections.ts';
import { readObject } from '../../src/object/read-object.ts';
import { verifyProgram } from '../../src/verifier/verify.ts';

const object = (() => {
  const read = readObject(readFileSync(join(import.meta.dirname, 'compiled/packets.o')));
  if (!read.ok) throw new Error(read.message);
  return read.object;
})();
const mapNamed = (name: string) => object.maps.find((map) => map.name === name);

test("clang's maps are ours, sizes taken from the types of keys and values", () => {
  expect(mapNamed('entries')).toEqual({
    name: 'entries',
    type: 'hash',
    keySize: 4,
    valueSize: 16,
    maxEntries: 128,
    flags: 1,
  });
  expect(mapNamed('events')).toMatchObject({ type: 'ringbuf', maxEntries: 4096 });
});

test("clang's data become arrays with one element: constants, initialised and zero", () => {
  expect(mapNamed('rodata')).toMatchObject({ valueSize: 4, flags: 128, initial: Buffer.from([7, 0, 0, 0]) });
  expect(mapNamed('data')).toMatchObject({ valueSize: 4, flags: 0, initial: Buffer.from([3, 0, 0, 0]) });
  expect(mapNamed('bss')).toMatchObject({ valueSize: 16, flags: 0 });
  expect(mapNamed('bss')).not.toHaveProperty('initial');
});

test('each program has the functions that it reaches, static, global and called back', () => {
  expect(object.programs.map(({ name, section, functions }) => [name, section, functions.map((f) => f.name)])).toEqual([
    ['count', 'xdp', ['count', 'twice', 'step', 'thrice']],
    ['second', 'xdp', ['second', 'twice']],
    ['on_read', 'kprobe/vfs_read', ['on_read']],
  ]);
});

test('the source line of an instruction is known', () => {
  const { insns, lines } = object.programs[0]!;
  const call = insns.findIndex(({ code, imm }) => code === 0x85 && imm === 181);
  expect(lines.findLast(({ slot }) => slot <= call)).toMatchObject({ text: 'bpf_loop(4, step, 0, 0);' });
  expect(lines[0]!.sourceName).toMatch(/packets\.c$/);
});

test.each(object.programs.map((program) => [program.name, program] as const))(
  'the verifier accepts %s as compiled',
  (_, program) => {
    const verdict = verifyProgram({ ...program, ...describeSection(program.section)! }, object.maps);
    expect([verdict.verdict, verdict.verdict === 'reject' ? verdict.message : '']).toEqual(['accept', '']);
  },
);
