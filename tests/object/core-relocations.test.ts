import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BtfWriter } from '../../src/btf/encode.ts';
import { createTypeSet } from '../../src/btf/type-set.ts';
import type { EnumType, IntType, StructType, TypeSet } from '../../src/btf/types.ts';
import { assemble } from '../../src/isa/assemble.ts';
import { encodeInsns } from '../../src/isa/codec.ts';
import { disassemble } from '../../src/isa/disassemble.ts';
import { ElfWriter } from '../../src/object/elf-writer.ts';
import { type EbpfObject, readObject } from '../../src/object/read-object.ts';
import { verifyProgram } from '../../src/verifier/verify.ts';

const int: IntType = { kind: 'int', name: 'int', size: 4, signed: true, bool: false, char: false };
const u32: IntType = { ...int, name: 'unsigned int', signed: false };
const u64: IntType = { ...u32, name: 'unsigned long', size: 8 };

const inner: StructType = {
  kind: 'struct',
  name: 'inner',
  size: 12,
  members: ['extra', 'first', 'second'].map((name, index) => ({ name, type: int, offsetBits: index * 32 })),
};
const task: StructType = { kind: 'struct', name: 'task', size: 96, members: [] };
const anonymous: StructType = {
  kind: 'struct',
  name: '',
  size: 48,
  members: [
    { name: 'pair', type: { kind: 'array', element: inner, length: 3 }, offsetBits: 0 },
    { name: 'parent', type: { kind: 'pointer', to: task }, offsetBits: 40 * 8 },
  ],
};
task.members = [
  { name: 'state', type: u64, offsetBits: 0 },
  { name: '', type: anonymous, offsetBits: 8 * 8 },
  { name: 'low', type: u32, offsetBits: 60 * 8, bitfieldSize: 3 },
  { name: 'flag', type: u32, offsetBits: 60 * 8 + 3, bitfieldSize: 5 },
];
const color: EnumType = {
  kind: 'enum',
  name: 'color',
  size: 4,
  signed: false,
  values: [
    { name: 'RED', value: 1n },
    { name: 'GREEN', value: 5n },
  ],
};

const COMPILED = readFileSync(join(import.meta.dirname, 'compiled/core.o'));
function read(kernel?: TypeSet): EbpfObject {
  const result = readObject(COMPILED, kernel);
  if (!result.ok) throw new Error(result.message);
  return result.object;
}
const relocated = read(createTypeSet({ types: [task, inner, color] }));

/** The constants that a program puts in registers, in their order. */
function constants(object: EbpfObject, name: string): number[] {
  const program = object.programs.find((found) => found.name === name)!;
  // r = imm of both widths, and the two slots of a 64-bit constant.
  return program.insns.flatMap(({ code, imm }) => (code === 0xb7 || code === 0xb4 || code === 0x18 ? [imm] : []));
}

test('without a kernel, constants stay as compiled', () => {
  expect(constants(read(), 'offsets')).toEqual([32, 8, 24, 4]);
  expect(read().coreRelocations).toEqual({ count: relocated.coreRelocations.count, missing: 0 });
});

test('members are found by their names: through anonymous structs, arrays and other sizes', () => {
  // parent: 8 + 40; pair[2].second: 8 + 2 * 12 + 8
  expect(constants(relocated, 'offsets')).toEqual([48, 8, 40, 4]);
});

test('questions about fields, types and enum values are answered, whatever the flavor of the name', () => {
  const [gone, , , parent, nowhere, blue, pairSize, size, green] = constants(relocated, 'questions');
  expect({ gone, parent, nowhere, blue, pairSize, size, green }).toEqual({
    gone: 0,
    parent: 1,
    nowhere: 0,
    blue: 0,
    pairSize: 36,
    size: 96,
    green: 5,
  });
});

test('a bit field is the word that holds it and the shifts that leave it alone', () => {
  const { insns } = relocated.programs.find(({ name }) => name === 'bits')!;
  const text = insns.map((insn) => disassemble(insn));
  expect(text[3]).toBe('r1 = 60');
  expect(text[7]).toBe('r2 = 4');
  expect(text[11]).toBe('r0 <<= 56');
  expect(text[12]).toBe('r1 = 0');
  expect(text[16]).toBe('r0 >>= 59');
});

test('a load of an unsigned field becomes as wide as the field', () => {
  const { insns } = relocated.programs.find(({ name }) => name === 'direct')!;
  expect(disassemble(insns[1]!)).toBe('r0 = *(u64 *)(r1 +0)');
});

test('what the kernel lacks becomes a call that the verifier refuses where it is reached', () => {
  expect(relocated.coreRelocations.missing).toBe(1);
  const lost = relocated.programs.find(({ name }) => name === 'lost')!;
  const verdict = verifyProgram({ ...lost, type: 'raw_tracepoint' }, relocated.maps);
  expect(verdict).toMatchObject({ verdict: 'reject', message: 'invalid func unknown#195896080' });
});

const SIZE_OF_TYPE = 9;

/** An object with one function, and for each of these slots a part of its own that asks for the size of `struct task`. */
function withParts(code: string, slots: readonly number[]): Uint8Array {
  const assembled = assemble(code);
  if (!assembled.ok) throw new Error(assembled.errors[0]!.message);
  const bytes = encodeInsns(assembled.program.insns);
  const btf = new BtfWriter();
  const type = btf.type({ ...task, size: 8, members: [] });
  const [section, path] = [btf.string('kprobe'), btf.string('0')];
  const parts = slots.flatMap((slot) => [section, 1, slot * 8, type, path, SIZE_OF_TYPE]);
  const words = [16, ...parts];
  const ext = new DataView(new ArrayBuffer(32 + words.length * 4));
  [0x0001eb9f, 32, 0, 0, 0, 0, 0, words.length * 4, ...words].forEach((word, at) => ext.setUint32(at * 4, word, true));
  const elf = new ElfWriter();
  const kprobe = elf.section({ name: 'kprobe', type: 'progbits', flags: ['alloc', 'execute'], align: 8, bytes });
  elf.symbol({ name: 'main', binding: 'global', type: 'function', section: kprobe, value: 0, size: bytes.length });
  elf.section({ name: '.BTF', type: 'progbits', flags: [], align: 4, bytes: btf.finish() });
  elf.section({ name: '.BTF.ext', type: 'progbits', flags: [], align: 4, bytes: new Uint8Array(ext.buffer) });
  return elf.finish();
}

test('several parts of relocations for one section all count', () => {
  const result = readObject(withParts('r0 = 0\nr1 = 0\nexit', [0, 1]), createTypeSet({ types: [task] }));
  if (!result.ok) throw new Error(result.message);
  expect(result.object.coreRelocations).toEqual({ count: 2, missing: 0 });
  expect(result.object.programs[0]!.insns.map((insn) => disassemble(insn))).toEqual(['r0 = 96', 'r1 = 96', 'exit']);
});

test('an operand that is a register is no place for a value', () => {
  const result = readObject(withParts('r0 = r1\nexit', [0]), createTypeSet({ types: [task] }));
  expect(result).toEqual({ ok: false, message: 'CO-RE relocation of instruction 0, which takes a register' });
});
