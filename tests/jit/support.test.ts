import fc from 'fast-check';
import { expect, test } from 'vitest';
import { highHalf, joinHalves, lowHalf, s64, u64 } from '../../src/isa/words.ts';
import type { Support } from '../../src/jit/support.ts';
import { createSupport } from '../../src/jit/support.ts';

const words = new Int32Array(1);
const support = createSupport(words, 0);

/** Words of all magnitudes, as often next to a power of two as not. */
const word = fc
  .tuple(
    fc.integer({ min: 0, max: 64 }),
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    fc.integer({ min: -2, max: 2 }),
  )
  .chain(([bits, value, delta]) =>
    fc.constantFrom(
      value & ((1n << BigInt(bits)) - 1n),
      u64((1n << BigInt(bits)) + BigInt(delta)),
      u64(value - (value % 0xffffffffn)),
    ),
  );

function run(operation: Exclude<keyof Support, 'swap32'>, a: bigint, b: bigint): bigint {
  const low = support[operation](lowHalf(a), highHalf(a), lowHalf(b), highHalf(b));
  return joinHalves(low, words[0]!);
}

const EXPECTED: Record<Exclude<keyof Support, 'swap32'>, (a: bigint, b: bigint) => bigint> = {
  udiv: (a, b) => (b === 0n ? 0n : a / b),
  umod: (a, b) => (b === 0n ? a : a % b),
  sdiv: (a, b) => (b === 0n ? 0n : u64(s64(a) / s64(b))),
  smod: (a, b) => (b === 0n ? a : u64(s64(a) % s64(b))),
};

test.each(Object.keys(EXPECTED) as (keyof typeof EXPECTED)[])('%s is exact for all magnitudes', (operation) => {
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(run(operation, a, b)).toBe(EXPECTED[operation](a, b));
    }),
    { numRuns: 1500 },
  );
});

test('quotients next to a rounding of doubles are exact', () => {
  // Dividends just below a multiple of the divisor: the rounded quotient is one too large.
  fc.assert(
    fc.property(
      fc.bigInt({ min: 1n << 32n, max: (1n << 64n) - 1n }),
      fc.bigInt({ min: 1n, max: 0xffffffffn }),
      fc.integer({ min: -2, max: 2 }),
      (divisor, factor, delta) => {
        const product = divisor * factor + BigInt(delta);
        fc.pre(product >= 0n && product < 1n << 64n);
        expect(run('udiv', product, divisor)).toBe(product / divisor);
        expect(run('umod', product, divisor)).toBe(product % divisor);
      },
    ),
    { numRuns: 1500 },
  );
});

test('swap32 reverses bytes', () => {
  expect(support.swap32(0x12345678)).toBe(0x78563412);
  expect(support.swap32(0x000000ff)).toBe(-0x01000000);
});
