import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALU, type AluOp, JUMP, type JumpOp } from '../../src/isa/opcodes.ts';
import { byteSwapped, compute, negated } from '../../src/verifier/arithmetic.ts';
import { contains32, contains64 } from '../../src/verifier/arc.ts';
import { compare } from '../../src/verifier/compare.ts';
import {
  type Scalar,
  UNKNOWN,
  constant,
  signExtended,
  signExtended32,
  signedRange,
  synced,
  truncated,
  unsignedRange,
  zeroExtended32,
} from '../../src/verifier/scalar.ts';

/** What a number may be, and one thing that it is: every operation must keep the second inside the first. */
interface Sample {
  readonly known: Scalar;
  readonly actual: bigint;
}

const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);
const s64 = (x: bigint): bigint => BigInt.asIntN(64, x);
const word = fc.oneof(
  fc.bigInt({ min: 0n, max: 300n }),
  fc.bigInt({ min: -300n, max: 0n }).map(u64),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.constantFrom(1n << 31n, (1n << 31n) - 1n, 1n << 32n, (1n << 32n) - 1n, 1n << 63n, (1n << 63n) - 1n),
);

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const greatest = (a: bigint, b: bigint): bigint => (a > b ? a : b);

const sample: fc.Arbitrary<Sample> = fc
  .tuple(word, word, word, fc.constantFrom('const', 'unsigned', 'signed', 'bits', 'low', 'unknown'))
  .map(([actual, other, mask, kind]): Sample => {
    switch (kind) {
      case 'const':
        return { known: constant(actual), actual };
      case 'unsigned':
        return { known: unsignedRange(least(actual, other), greatest(actual, other)), actual };
      case 'signed':
        return { known: signedRange(least(s64(actual), s64(other)), greatest(s64(actual), s64(other))), actual };
      case 'bits':
        return { known: synced({ value: actual & ~mask, mask }, UNKNOWN.r64, UNKNOWN.r32), actual };
      case 'low': {
        const low = Number(actual & 0xffff_ffffn);
        const size = Number(other & 0xffffn);
        const base = (low - (size >> 1)) >>> 0;
        return { known: synced(UNKNOWN.bits, UNKNOWN.r64, { base, size }), actual };
      }
      default:
        return { known: UNKNOWN, actual };
    }
  });

function admits(s: Scalar, v: bigint): boolean {
  return (
    contains64(s.r64, v) &&
    contains32(s.r32, Number(v & 0xffff_ffffn)) &&
    (v & ~s.bits.mask) === s.bits.value &&
    s.umin <= v &&
    v <= s.umax &&
    s.smin <= s64(v) &&
    s64(v) <= s.smax
  );
}

/** Arithmetic as RFC 9669 defines it. */
function concrete(op: Exclude<AluOp, 'mov'>, a: bigint, b: bigint, width: 32 | 64): bigint {
  const wrap = (x: bigint): bigint => BigInt.asUintN(width, x);
  const sign = (x: bigint): bigint => BigInt.asIntN(width, x);
  const [x, y] = [wrap(a), wrap(b)];
  const by = y & BigInt(width - 1);
  switch (op) {
    case 'add':
      return wrap(x + y);
    case 'sub':
      return wrap(x - y);
    case 'mul':
      return wrap(x * y);
    case 'div':
      return y === 0n ? 0n : x / y;
    case 'mod':
      return y === 0n ? x : x % y;
    case 'sdiv':
      return y === 0n ? 0n : wrap(sign(x) / sign(y));
    case 'smod':
      return y === 0n ? x : wrap(sign(x) % sign(y));
    case 'and':
      return x & y;
    case 'or':
      return x | y;
    case 'xor':
      return x ^ y;
    case 'lsh':
      return wrap(x << by);
    case 'rsh':
      return x >> by;
    case 'arsh':
      return wrap(sign(x) >> by);
  }
}

const OPERATIONS = (Object.keys(ALU) as AluOp[]).filter((op) => op !== 'mov');
const RUNS = { numRuns: 400 };

describe('ranges admit what really happens', () => {
  test.each(OPERATIONS.flatMap((op) => [32 as const, 64 as const].map((width) => [op, width] as const)))(
    '%s of %i bits',
    (op, width) => {
      fc.assert(
        fc.property(sample, sample, (a, b) => {
          expect(admits(compute(op, a.known, b.known, width), concrete(op, a.actual, b.actual, width))).toBe(true);
        }),
        RUNS,
      );
    },
  );

  test.each([32, 64] as const)('negation of %i bits', (width) => {
    fc.assert(
      fc.property(sample, (a) => admits(negated(a.known, width), BigInt.asUintN(width, -a.actual))),
      RUNS,
    );
  });

  test('truncation and sign extension', () => {
    fc.assert(
      fc.property(sample, fc.constantFrom(1, 2, 4), (a, bytes) => {
        const bits = bytes * 8;
        expect(admits(truncated(a.known, bytes), BigInt.asUintN(bits, a.actual))).toBe(true);
        expect(admits(signExtended(a.known, bytes), u64(BigInt.asIntN(bits, a.actual)))).toBe(true);
        if (bytes === 4) return;
        const extended = zeroExtended32(signExtended32(a.known, bytes));
        expect(admits(extended, BigInt.asUintN(32, BigInt.asIntN(bits, a.actual)))).toBe(true);
      }),
      RUNS,
    );
  });

  test('byte swaps', () => {
    const swap = (x: bigint, bytes: number): bigint =>
      Array.from({ length: bytes }, (_, i) => (x >> BigInt(8 * i)) & 0xffn).reduce(
        (all, byte) => (all << 8n) | byte,
        0n,
      );
    fc.assert(
      fc.property(sample, fc.constantFrom(16 as const, 32 as const, 64 as const), (a, bits) => {
        expect(admits(byteSwapped(a.known, 'bswap', bits), swap(a.actual, bits / 8))).toBe(true);
        expect(admits(byteSwapped(a.known, 'le', bits), BigInt.asUintN(bits, a.actual))).toBe(true);
      }),
      RUNS,
    );
  });
});

function holdsFor(op: JumpOp, a: bigint, b: bigint, width: 32 | 64): boolean {
  const [x, y] = [BigInt.asUintN(width, a), BigInt.asUintN(width, b)];
  const [p, q] = [BigInt.asIntN(width, a), BigInt.asIntN(width, b)];
  const results: Record<JumpOp, boolean> = {
    jeq: x === y,
    jne: x !== y,
    jset: (x & y) !== 0n,
    jgt: x > y,
    jge: x >= y,
    jlt: x < y,
    jle: x <= y,
    jsgt: p > q,
    jsge: p >= q,
    jslt: p < q,
    jsle: p <= q,
  };
  return results[op];
}

describe('comparisons neither lose nor invent values', () => {
  test.each(
    (Object.keys(JUMP) as JumpOp[]).flatMap((op) => [32 as const, 64 as const].map((width) => [op, width] as const)),
  )('%s of %i bits', (op, width) => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const taken = holdsFor(op, a.actual, b.actual, width);
        const result = compare(op, a.known, b.known, width, false);
        if (result.outcome !== 'unknown') {
          expect(result.outcome).toBe(taken ? 'always' : 'never');
          return;
        }
        const side = taken ? result.taken : result.fallthrough;
        expect(admits(side.left, a.actual) && admits(side.right, b.actual)).toBe(true);
      }),
      RUNS,
    );
  });

  test('an upper bound and a lower bound meet in one value', () => {
    const below = compare('jgt', UNKNOWN, constant(7n), 64, false).fallthrough.left;
    const met = compare('jlt', below, constant(7n), 64, false).fallthrough.left;
    expect(met.isConst && met.value).toBe(7n);
  });

  test('bits and range that share one value give that value', () => {
    const multipleOf8 = synced({ value: 0n, mask: 0xf8n }, UNKNOWN.r64, UNKNOWN.r32);
    const low = compare('jgt', multipleOf8, constant(9n), 64, false).fallthrough.left;
    const between = compare('jlt', low, constant(3n), 64, false).fallthrough.left;
    expect(between.isConst && between.value).toBe(8n);
  });
});
