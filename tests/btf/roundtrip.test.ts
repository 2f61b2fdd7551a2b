import { expect, test } from 'vitest';
import { decodeBtf } from '../../src/btf/decode.ts';
import { BtfWriter } from '../../src/btf/encode.ts';
import { printDeclaration, printDefinition } from '../../src/btf/print.ts';
import { createTypeSet, overlayTypeSets } from '../../src/btf/type-set.ts';
import type { CType, EnumType, FunctionProtoType, IntType, StructType, UnionType } from '../../src/btf/types.ts';

const int: IntType = { kind: 'int', name: 'int', size: 4, signed: true, bool: false, char: false };
const char: IntType = { kind: 'int', name: 'char', size: 1, signed: true, bool: false, char: true };
const u64: IntType = { kind: 'int', name: 'long unsigned int', size: 8, signed: false, bool: false, char: false };
const bool: IntType = { kind: 'int', name: '_Bool', size: 1, signed: false, bool: true, char: false };
const color: EnumType = {
  kind: 'enum',
  name: 'color',
  size: 4,
  signed: true,
  values: [
    { name: 'RED', value: -1n },
    { name: 'GREEN', value: 7n },
  ],
};
const wide: EnumType = {
  kind: 'enum',
  name: 'wide',
  size: 8,
  signed: false,
  values: [{ name: 'TOP', value: 0x8000_0000_0000_0001n }],
};

function linkedNode(): StructType {
  const node: StructType = { kind: 'struct', name: 'node', size: 56, members: [] };
  const either: UnionType = {
    kind: 'union',
    name: '',
    size: 8,
    members: [
      { name: 'word', type: u64, offsetBits: 0 },
      { name: 'bytes', type: { kind: 'array', element: char, length: 8 }, offsetBits: 0 },
    ],
  };
  const compare: FunctionProtoType = {
    kind: 'function',
    returns: int,
    parameters: [
      { name: 'a', type: { kind: 'pointer', to: { kind: 'qualifier', qualifier: 'const', type: node } } },
      { name: 'b', type: { kind: 'pointer', to: { kind: 'void' } } },
    ],
    variadic: true,
  };
  node.members = [
    { name: 'next', type: { kind: 'pointer', to: node }, offsetBits: 0 },
    { name: '', type: either, offsetBits: 64 },
    { name: 'low', type: int, offsetBits: 128, bitfieldSize: 3 },
    { name: 'high', type: int, offsetBits: 131, bitfieldSize: 29 },
    { name: 'color', type: color, offsetBits: 160 },
    { name: 'wide', type: wide, offsetBits: 192 },
    { name: 'on', type: bool, offsetBits: 256 },
    { name: 'compare', type: { kind: 'pointer', to: compare }, offsetBits: 320 },
    { name: 'name', type: { kind: 'pointer', to: char, tag: 'user' }, offsetBits: 384 },
  ];
  return node;
}

test('a cyclic struct with every kind of member survives encoding and decoding', () => {
  const writer = new BtfWriter();
  writer.type(linkedNode());
  const types = decodeBtf(writer.finish());
  const node = types.struct('node')!;
  expect(printDefinition(node)).toBe(printDefinition(linkedNode()));
  expect(node.members.map(({ offsetBits, bitfieldSize }) => [offsetBits, bitfieldSize])).toEqual(
    linkedNode().members.map(({ offsetBits, bitfieldSize }) => [offsetBits, bitfieldSize]),
  );
  const next = node.members[0]!.type;
  expect(next.kind === 'pointer' && next.to).toBe(node);
  expect(node.members.at(-1)!.type).toMatchObject({ kind: 'pointer', tag: 'user' });
  expect(types.enumerator('RED')).toMatchObject({ value: -1n, type: { name: 'color', signed: true } });
  expect(types.enumerator('TOP')!.value).toBe(0x8000_0000_0000_0001n);
  expect(types.int('_Bool')).toEqual(bool);
});

test('a function keeps its parameter names, a variable its type, a declaration its tags', () => {
  const writer = new BtfWriter();
  const prototype: FunctionProtoType = {
    kind: 'function',
    returns: { kind: 'void' },
    parameters: [{ name: 'fd', type: int }],
    variadic: false,
  };
  const id = writer.func('close_it', prototype);
  writer.declTag('bpf_kfunc', id);
  const variable = writer.variable('counter', u64);
  writer.dataSection('.data..percpu', 24, [{ variable, offset: 16, size: 8 }]);
  const types = decodeBtf(writer.finish());
  expect(types.function('close_it')).toEqual(prototype);
  expect(types.functionTags('close_it')).toEqual(['bpf_kfunc']);
  const counter = { name: 'counter', id: variable, type: u64, offset: 16 };
  expect(types.dataSection('.data..percpu')).toEqual([counter]);
  expect(types.perCpuVariable('counter')).toEqual(counter);
  expect(types.perCpuVariable(variable)).toEqual(counter);
  expect([...types.names('function')]).toEqual(['close_it']);
});

test('a refused struct is written as one forward declaration', () => {
  const secret: StructType = {
    kind: 'struct',
    name: 'secret',
    size: 4,
    members: [{ name: 'x', type: int, offsetBits: 0 }],
  };
  const holder: StructType = {
    kind: 'struct',
    name: 'holder',
    size: 16,
    members: [
      { name: 'a', type: { kind: 'pointer', to: secret }, offsetBits: 0 },
      { name: 'b', type: { kind: 'pointer', to: { kind: 'forward', name: 'secret', of: 'struct' } }, offsetBits: 64 },
    ],
  };
  const writer = new BtfWriter({ keep: (name) => name !== 'secret' });
  writer.type(holder);
  const types = decodeBtf(writer.finish());
  expect(types.struct('secret')).toBeUndefined();
  const [a, b] = types.struct('holder')!.members.map(({ type }) => type.kind === 'pointer' && type.to);
  expect(a).toEqual({ kind: 'forward', name: 'secret', of: 'struct' });
  expect(b).toBe(a);
});

test('equal inputs give equal bytes', () => {
  const bytes = () => {
    const writer = new BtfWriter();
    writer.type(linkedNode());
    return writer.finish();
  };
  expect(bytes()).toEqual(bytes());
});

test('what is in the upper set shadows the lower one, and names are listed once', () => {
  const upper: StructType = { kind: 'struct', name: 'node', size: 4, members: [] };
  const types = overlayTypeSets(createTypeSet({ types: [upper] }), createTypeSet({ types: [linkedNode(), color] }));
  expect(types.struct('node')).toBe(upper);
  expect(types.enumerator('GREEN')!.value).toBe(7n);
  expect([...types.names('struct')]).toEqual(['node']);
});

const pointer = (to: CType): CType => ({ kind: 'pointer', to });
const constant = (type: CType): CType => ({ kind: 'qualifier', qualifier: 'const', type });
test.each<[CType, string]>([
  [pointer(constant(char)), 'const char *x'],
  [constant(pointer(char)), 'char * const x'],
  [{ kind: 'array', element: pointer(char), length: 3 }, 'char *x[3]'],
  [pointer({ kind: 'array', element: char, length: 3 }), 'char (*x)[3]'],
  [pointer({ kind: 'function', returns: pointer(int), parameters: [], variadic: false }), 'int * (*x)(void)'],
  [{ kind: 'array', element: { kind: 'array', element: int, length: 2 }, length: 0 }, 'int x[0][2]'],
])('declaration %# prints as expected', (type, text) => {
  expect(printDeclaration(type, 'x')).toBe(text);
});

test.each<[string, (bytes: Uint8Array, view: DataView) => Uint8Array]>([
  ['not a BTF blob', () => new Uint8Array(4)],
  ['not a BTF blob', (bytes, view) => (view.setUint16(0, 0x9feb, true), bytes)],
  ['a section ends behind the blob', (bytes) => bytes.subarray(0, bytes.length - 1)],
  ['unknown BTF kind', (bytes, view) => (view.setUint32(24 + 4, 31 << 24, true), bytes)],
  ['BTF types overrun their section', (bytes, view) => (view.setUint32(12, 20, true), bytes)],
])('a malformed blob is refused: %s (%#)', (message, damage) => {
  const writer = new BtfWriter();
  writer.type(int);
  const bytes = writer.finish();
  expect(() => decodeBtf(damage(bytes, new DataView(bytes.buffer)))).toThrow(message);
});
