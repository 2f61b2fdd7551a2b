import { expect, test } from 'vitest';
import { checkTypes } from '../../src/btf/check-types.ts';
import { decodeBtf } from '../../src/btf/decode.ts';
import { readForeign } from '../../src/btf/malformed.ts';
import { BTF_HEADER_SIZE, BTF_KINDS, BTF_MAGIC } from '../../src/btf/wire.ts';

test('what is wrong with a blob is a result', () => {
  expect(readForeign(() => decodeBtf(new Uint8Array(3)))).toEqual({ problem: 'not a BTF blob' });
});

test('our own mistakes are not taken for the blob’s', () => {
  expect(() =>
    readForeign(() => {
      throw new Error('ours');
    }),
  ).toThrow('ours');
});

/** A type without anything behind its header, which refers to another. */
type Reference = readonly [kind: 'ptr' | 'const' | 'typedef' | 'type_tag', target: number, name?: number];

function blobOf(references: readonly Reference[], strings = '\0'): Uint8Array {
  const words = references.flatMap(([kind, target, name = 0]) => [name, BTF_KINDS[kind].code << 24, target]);
  const typeBytes = words.length * 4;
  const bytes = new Uint8Array(BTF_HEADER_SIZE + typeBytes + strings.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, BTF_MAGIC, true);
  view.setUint8(2, 1);
  [BTF_HEADER_SIZE, 0, typeBytes, typeBytes, strings.length, ...words].forEach((word, index) =>
    view.setUint32(4 + index * 4, word, true),
  );
  bytes.set(Buffer.from(strings, 'latin1'), BTF_HEADER_SIZE + typeBytes);
  return bytes;
}

const check = (bytes: Uint8Array) =>
  readForeign(() => {
    const types = decodeBtf(bytes);
    checkTypes(types);
    return types.typeCount;
  });
const chain = (kind: Reference[0], length: number): Reference[] =>
  Array.from({ length }, (_, index): Reference => [kind, index === length - 1 ? 0 : index + 2]);

test.each<[string, readonly Reference[], string]>([
  [
    'a tag that tags itself',
    [
      ['ptr', 2],
      ['type_tag', 2],
    ],
    'type 2 is reached through more than 32 others',
  ],
  [
    'tags in a ring',
    [
      ['ptr', 2],
      ['type_tag', 3],
      ['type_tag', 2],
    ],
    'type 2 is reached through more than 32 others',
  ],
  ['a tag of itself that no pointer has', [['type_tag', 1]], 'type 1 is reached through more than 32 others'],
  ['a constant of itself', [['const', 1]], 'type 1 is reached through more than 32 others'],
  ['a typedef of itself', [['typedef', 1]], 'type 1 leads through more than 32 others'],
  ['a long chain', chain('const', 40), 'type 33 is reached through more than 32 others'],
  [
    'a long chain of tags',
    [['ptr', 2], ...chain('type_tag', 40).map(([k, t]): Reference => [k, t === 0 ? 0 : t + 1])],
    'type 34 is reached through more than 32 others',
  ],
  ['a pointer to a type that is not there', [['ptr', 2]], 'there is no BTF type 2'],
  [
    'a tag of a type that is not there',
    [
      ['ptr', 2],
      ['type_tag', 99],
    ],
    'there is no BTF type 99',
  ],
  ['a constant of a type that is not there', [['const', 2]], 'BTF type 2 is no C type'],
])('%s is refused', (_, references, problem) => {
  expect(check(blobOf(references))).toEqual({ problem });
});

test('chains as long as the kernel follows are taken', () => {
  expect(check(blobOf(chain('const', 30)))).toEqual({ value: 30 });
});

test.each<[string, string, number, string]>([
  ['strings that do not begin with the empty one', 'ab\0', 0, 'the strings are not between NULs'],
  ['strings that do not end', '\0ab', 1, 'the strings are not between NULs'],
  ['no strings', '', 0, 'the strings are not between NULs'],
  ['a name of a million characters', `\0${'a'.repeat(1e6)}\0`, 1, 'no name of up to 4096 bytes at 1 of the strings'],
  ['a name behind the strings', '\0ab\0', 9, 'no name of up to 4096 bytes at 9 of the strings'],
])('%s: refused', (_, strings, name, problem) => {
  expect(check(blobOf([['typedef', 0, name]], strings))).toEqual({ problem });
});

test('what .BTF.ext refers to is cut at the limit of strings', () => {
  const types = decodeBtf(blobOf([], `\0${'a'.repeat(1e6)}\0`));
  expect([types.string(1).length, types.string(0), types.string(2e6)]).toEqual([4096, '', '']);
});
