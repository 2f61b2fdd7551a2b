import { expect, test } from 'vitest';
import {
  alignOf,
  applyLayout,
  findMember,
  findPath,
  layoutAggregate,
  resolveForward,
  sizeOf,
  stripType,
} from '../../src/btf/layout.ts';
import type { DeclaredMember } from '../../src/btf/layout.ts';
import { printDefinition } from '../../src/btf/print.ts';
import { C_INTS, intFromWords, parseTypeText } from '../../src/btf/type-text.ts';
import { createTypeSet } from '../../src/btf/type-set.ts';
import { printType } from '../../src/btf/print.ts';
import type { AggregateAttributes } from '../../src/btf/layout.ts';
import type { CType, StructType, UnionType } from '../../src/btf/types.ts';

const { char, int, long, unsignedChar, unsignedInt } = C_INTS;
const pointer: CType = { kind: 'pointer', to: { kind: 'void' } };
const array = (element: CType, length: number): CType => ({ kind: 'array', element, length });

function build(
  kind: 'struct' | 'union',
  name: string,
  members: readonly DeclaredMember[],
  attributes: AggregateAttributes = {},
) {
  const type: StructType | UnionType = { kind, name, size: 0, members: [] };
  applyLayout(type, layoutAggregate(kind, members, attributes));
  return type;
}

const inner = build('union', '', [
  { name: 'word', type: int },
  { name: 'bytes', type: array(char, 6) },
]);
const outer = build('struct', 'outer', [
  { name: 'tag', type: char },
  { name: '', type: inner },
  {
    name: 'list',
    type: array(
      build('struct', 'pair', [
        { name: 'a', type: char },
        { name: 'b', type: long },
      ]),
      3,
    ),
  },
  { name: 'low', type: unsignedInt, bits: 3 },
  { name: 'high', type: unsignedInt, bits: 29 },
]);

test('an anonymous member has its members found with the offset of both', () => {
  expect(findMember(outer, 'bytes')).toMatchObject({ offsetBits: 32, member: { name: 'bytes', offsetBits: 0 } });
  expect(findMember(outer, 'nonesuch')).toBeUndefined();
});

test.each<[readonly (string | number)[], number]>([
  [[], 0],
  [['word'], 32],
  [['bytes', 2], 48],
  [['list', 2, 'b'], 128 + 2 * 128 + 64],
  [['high'], 515],
])('path %j leads to bit %d', (path, offset) => {
  expect(findPath(outer, path)!.offsetBits).toBe(offset);
});

test('a path says the width of a bit field, and a step that does not exist ends it', () => {
  expect(findPath(outer, ['high'])).toMatchObject({ bitfieldSize: 29 });
  for (const path of [
    ['list', 'b'],
    ['tag', 0],
    ['word', 'x'],
  ])
    expect(findPath(outer, path)).toBeUndefined();
});

test.each<[string, CType, number | undefined, number]>([
  ['a pointer', pointer, 8, 8],
  ['an array', array(long, 3), 24, 8],
  ['an array without length', array(int, 0), 0, 4],
  ['a typedef', { kind: 'typedef', name: 't', type: { kind: 'qualifier', qualifier: 'const', type: int } }, 4, 4],
  ['a struct', outer, 72, 8],
  ['void', { kind: 'void' }, undefined, 1],
  ['a forward declaration', { kind: 'forward', name: 'x', of: 'struct' }, undefined, 1],
  ['an array of what has no size', array({ kind: 'void' }, 2), undefined, 1],
])('%s has its size and alignment', (_, type, size, align) => {
  expect([sizeOf(type), alignOf(type)]).toEqual([size, align]);
});

test('the alignment of a struct from BTF is what its members ask for, or 1 when they lie packed', () => {
  const member = { name: 'x', type: int, offsetBits: 8 };
  expect(alignOf({ kind: 'struct', name: 'p', size: 5, members: [member] })).toBe(1);
  expect(alignOf({ kind: 'struct', name: 'q', size: 8, members: [{ ...member, offsetBits: 32 }] })).toBe(4);
  expect(alignOf({ kind: 'struct', name: 'r', size: 6, members: [{ ...member, offsetBits: 0 }] })).toBe(1);
});

test('a forward declaration is resolved by kind and name', () => {
  const types = createTypeSet({ types: [outer] });
  expect(resolveForward({ kind: 'forward', name: 'outer', of: 'struct' }, types)).toBe(outer);
  const union: CType = { kind: 'forward', name: 'outer', of: 'union' };
  expect(resolveForward(union, types)).toBe(union);
  expect(stripType({ kind: 'typedef', name: 't', type: outer })).toBe(outer);
});

// Texts as bpftool dumps such structs.
test.each<[string, StructType | UnionType]>([
  [
    'struct gap {\n\tchar a;\n\tlong: 64;\n\tlong: 64;\n\tint b;\n};',
    {
      kind: 'struct',
      name: 'gap',
      size: 28,
      members: [
        { name: 'a', type: char, offsetBits: 0 },
        { name: 'b', type: int, offsetBits: 192 },
      ],
    },
  ],
  [
    'struct packed {\n\tchar a;\n\tint b;\n} __attribute__((packed));',
    {
      kind: 'struct',
      name: 'packed',
      size: 5,
      members: [
        { name: 'a', type: char, offsetBits: 0 },
        { name: 'b', type: int, offsetBits: 8 },
      ],
    },
  ],
  [
    'struct bits {\n\tunsigned char a: 3;\n\tchar: 2;\n\tunsigned char b: 3;\n\tunion {\n\t\tint c;\n\t\tchar d[4];\n\t};\n};',
    {
      kind: 'struct',
      name: 'bits',
      size: 8,
      members: [
        { name: 'a', type: unsignedChar, offsetBits: 0, bitfieldSize: 3 },
        { name: 'b', type: unsignedChar, offsetBits: 5, bitfieldSize: 3 },
        {
          name: '',
          type: {
            kind: 'union',
            name: '',
            size: 4,
            members: [
              { name: 'c', type: int, offsetBits: 0 },
              { name: 'd', type: array(char, 4), offsetBits: 0 },
            ],
          },
          offsetBits: 32,
        },
      ],
    },
  ],
  [
    'struct tail {\n\tlong int a;\n\tlong: 64;\n};',
    { kind: 'struct', name: 'tail', size: 16, members: [{ name: 'a', type: long, offsetBits: 0 }] },
  ],
  ['struct empty {};', { kind: 'struct', name: 'empty', size: 0, members: [] }],
])('definition %# is printed so that it lays out the same', (text, type) => {
  expect(printDefinition(type)).toBe(text);
});

test.each<[readonly string[], string | undefined]>([
  [['unsigned'], 'unsigned int'],
  [['long', 'unsigned', 'long'], 'long long unsigned int'],
  [['int', 'short'], 'short int'],
  [['signed', 'char'], 'signed char'],
  [['char', 'long'], undefined],
  [['long', 'long', 'long'], undefined],
  [['signed', 'unsigned'], undefined],
])('the words %j name %s', (words, name) => {
  expect(intFromWords(words)?.name).toBe(name);
});

test.each<[string, string | undefined]>([
  ['const char *', 'const char *'],
  ['struct outer * *', 'struct outer **'],
  ['struct far *', 'struct far *'],
  ['const struct far *const', 'const struct far * const'],
  ['unsigned long', 'long unsigned int'],
  ['char[16]', 'char[16]'],
  ['int [2][3]', 'int[2][3]'],
  ['nonesuch_t', undefined],
  ['int int_t', undefined],
  ['char[x]', undefined],
])('the text %s is read as %s', (text, printed) => {
  const type = parseTypeText(text, createTypeSet({ types: [outer] }));
  expect(type === undefined ? undefined : printType(type)).toBe(printed);
});
