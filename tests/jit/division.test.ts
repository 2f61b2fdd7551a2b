import { expect, test } from 'vitest';
import { u64 } from '../../src/isa/words.ts';
import { expectSame } from './differential.ts';
import { programOf } from './programs.ts';

const WORDS = [
  0n,
  1n,
  3n,
  (1n << 32n) - 1n,
  12345678901n,
  (1n << 51n) - 1n,
  (1n << 53n) + 1n,
  987654321987654321n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
];

const input = (a: bigint, b: bigint): Uint8Array => new Uint8Array(BigUint64Array.of(a, b).buffer);
const program = (body: string): ReturnType<typeof programOf> =>
  programOf(`r0 = *(u64 *)(r1 +0)\nr1 = *(u64 *)(r1 +8)\n${body}\nexit`);

test.each<[string, string, (a: bigint, b: bigint) => bigint]>([
  ['quotients', 'r0 /= r1', (a, b) => (b === 0n ? 0n : a / b)],
  ['remainders', 'r0 %= r1', (a, b) => (b === 0n ? a : a % b)],
  [
    'both, with one division',
    'r2 = r0\nr0 /= r1\nr2 %= r1\nr0 ^= r2',
    (a, b) => (b === 0n ? a : u64((a / b) ^ (a % b))),
  ],
])('%s of any two words are what arithmetic says', (_, body, wanted) => {
  const divide = program(body);
  for (const a of WORDS) for (const b of WORDS) expect(expectSame(divide, { input: input(a, b) })).toBe(wanted(a, b));
});

test('quotients beside a multiple of the divisor are not off by one', () => {
  const divide = program('r0 /= r1');
  for (const b of [3n, 1000n, 12345678901n, (1n << 40n) + 7n]) {
    for (const quotient of [(1n << 22n) + 1n, (1n << 23n) - 1n]) {
      for (const off of [-1n, 0n, 1n]) {
        const a = b * quotient + off;
        expect(expectSame(divide, { input: input(a, b) })).toBe(a / b);
      }
    }
  }
});
