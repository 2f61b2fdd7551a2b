import { expect, test } from 'vitest';
import { decodeBtf } from '../../src/btf/decode.ts';
import { readForeign } from '../../src/btf/malformed.ts';

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
