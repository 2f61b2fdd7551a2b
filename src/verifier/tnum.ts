/**
 * Tracked numbers: what is known of each bit of a 64-bit value. A bit set in `mask` is unknown; the others are those of
 * `value`. Invariant: `value & mask === 0n`, both unsigned 64 bit.
 */
export interface Tnum {
  readonly value: bigint;
  readonly mask: bigint;
}

export const U64_MAX = 0xffff_ffff_ffff_ffffn;
const LOW_32 = 0xffff_ffffn;
const HIGH_32 = U64_MAX ^ LOW_32;

const wrap = (x: bigint): bigint => BigInt.asUintN(64, x);
const tnum = (value: bigint, mask: bigint): Tnum => ({ value, mask });

export const TNUM_UNKNOWN: Tnum = tnum(0n, U64_MAX);

export const tnumConst = (value: bigint): Tnum => tnum(wrap(value), 0n);
export const tnumIsConst = (a: Tnum): boolean => a.mask === 0n;

/** Number of bits needed for a non-negative value. */
export function bitLength(x: bigint): number {
  if (x <= LOW_32) return 32 - Math.clz32(Number(x));
  return 64 - Math.clz32(Number(x >> 32n));
}

/** The least tnum that holds every value of an unsigned interval. */
export function tnumRange(min: bigint, max: bigint): Tnum {
  const bits = bitLength(wrap(min ^ max));
  if (bits > 63) return TNUM_UNKNOWN;
  const delta = (1n << BigInt(bits)) - 1n;
  return tnum(wrap(min) & ~delta, delta);
}

export function tnumAdd(a: Tnum, b: Tnum): Tnum {
  const values = a.value + b.value;
  const carried = a.mask + b.mask + values;
  const mask = wrap((carried ^ values) | a.mask | b.mask);
  return tnum(wrap(values) & ~mask, mask);
}

export function tnumSub(a: Tnum, b: Tnum): Tnum {
  const difference = a.value - b.value;
  const mask = wrap(((difference + a.mask) ^ (difference - b.mask)) | a.mask | b.mask);
  return tnum(wrap(difference) & ~mask, mask);
}

export const tnumNegate = (a: Tnum): Tnum => tnumSub(tnumConst(0n), a);

export function tnumAnd(a: Tnum, b: Tnum): Tnum {
  const value = a.value & b.value;
  return tnum(value, (a.value | a.mask) & (b.value | b.mask) & ~value);
}

export function tnumOr(a: Tnum, b: Tnum): Tnum {
  const value = a.value | b.value;
  return tnum(value, (a.mask | b.mask) & ~value);
}

export function tnumXor(a: Tnum, b: Tnum): Tnum {
  const mask = a.mask | b.mask;
  return tnum((a.value ^ b.value) & ~mask, mask);
}

/** Holds every value that either argument holds. */
function tnumUnion(a: Tnum, b: Tnum): Tnum {
  const mask = (a.value ^ b.value) | a.mask | b.mask;
  return tnum(a.value & b.value & ~mask, mask);
}

/** Long multiplication; an unknown bit of `a` may or may not add the shifted `b`. */
export function tnumMul(a: Tnum, b: Tnum): Tnum {
  let sum = tnumConst(0n);
  let { value, mask } = a;
  let addend = b;
  while (value !== 0n || mask !== 0n) {
    if ((value & 1n) !== 0n) sum = tnumAdd(sum, addend);
    else if ((mask & 1n) !== 0n) sum = tnumUnion(sum, tnumAdd(sum, addend));
    value >>= 1n;
    mask >>= 1n;
    addend = tnumShiftLeft(addend, 1n);
  }
  return sum;
}

export const tnumShiftLeft = (a: Tnum, by: bigint): Tnum => tnum(wrap(a.value << by), wrap(a.mask << by));
export const tnumShiftRight = (a: Tnum, by: bigint): Tnum => tnum(a.value >> by, a.mask >> by);

/** Arithmetic shift of the low `width` bits; a 32-bit result is zero-extended. */
export function tnumShiftRightSigned(a: Tnum, by: bigint, width: 32 | 64): Tnum {
  return tnum(
    BigInt.asUintN(width, BigInt.asIntN(width, a.value) >> by),
    BigInt.asUintN(width, BigInt.asIntN(width, a.mask) >> by),
  );
}

/** What holds when both hold. Bits that disagree come out as known ones: the caller's bounds show the contradiction. */
export function tnumIntersect(a: Tnum, b: Tnum): Tnum {
  const mask = a.mask & b.mask;
  return tnum((a.value | b.value) & ~mask, mask);
}

/** False when some bit is known in both and differs. */
export function tnumOverlap(a: Tnum, b: Tnum): boolean {
  return ((a.value ^ b.value) & ~(a.mask | b.mask)) === 0n;
}

/** True when `outer` admits every value of `inner`. */
export function tnumContains(outer: Tnum, inner: Tnum): boolean {
  if ((inner.mask & ~outer.mask) !== 0n) return false;
  return outer.value === (inner.value & ~outer.mask);
}

export function tnumTruncate(a: Tnum, bytes: number): Tnum {
  const low = (1n << BigInt(bytes * 8)) - 1n;
  return tnum(a.value & low, a.mask & low);
}

export const tnumLow32 = (a: Tnum): Tnum => tnum(a.value & LOW_32, a.mask & LOW_32);
export const tnumHigh32 = (a: Tnum): Tnum => tnum(a.value & HIGH_32, a.mask & HIGH_32);
export const tnumLow32IsConst = (a: Tnum): boolean => (a.mask & LOW_32) === 0n;
/** `a` with its low half replaced. */
export function tnumWithLow32(a: Tnum, low: Tnum): Tnum {
  return tnum((a.value & HIGH_32) | (low.value & LOW_32), (a.mask & HIGH_32) | (low.mask & LOW_32));
}

export function tnumIsAligned(a: Tnum, size: number): boolean {
  return ((a.value | a.mask) & BigInt(size - 1)) === 0n;
}

function swapBytes(x: bigint, bytes: number): bigint {
  let out = 0n;
  for (let i = 0; i < bytes; i++) out |= ((x >> BigInt(8 * i)) & 0xffn) << BigInt(8 * (bytes - 1 - i));
  return out;
}

/** Byte order of the low `bits` reversed, the rest cleared. */
export function tnumByteSwap(a: Tnum, bits: 16 | 32 | 64): Tnum {
  return tnum(swapBytes(a.value, bits / 8), swapBytes(a.mask, bits / 8));
}

/**
 * The least member of `a` greater than `z`; its least member if all are greater, its greatest if none is.
 * At the highest fixed bit where z and `a` differ, either z is below (then the unknown bits under it restart at 0) or
 * above (then the unknown bits over it must be counted up).
 */
export function tnumNext(a: Tnum, z: bigint): bigint {
  const greatest = a.value | a.mask;
  if (z < a.value) return a.value;
  if (z >= greatest) return greatest;
  const differing = (z ^ a.value) & ~a.mask & U64_MAX;
  if (differing === 0n) return a.value | (((z | (U64_MAX ^ a.mask)) + 1n) & a.mask);
  const top = BigInt(bitLength(differing));
  const under = (1n << top) - 1n;
  if (((z >> (top - 1n)) & 1n) === 0n) return a.value | (z & a.mask & ~under);
  return a.value | (((z | (U64_MAX ^ a.mask) | under) + 1n) & a.mask & ~under);
}

const hex = (x: bigint): string => (x === 0n ? '0x0' : `0x${x.toString(16)}`);
const MAX_DECIMAL = { unsigned: 0xffffn, signed: 0x7fffn } as const;
const MIN_DECIMAL = -0x8000n;

/** Numbers near zero are easier to read in decimal, others in hex (kernel/bpf/log.c). */
export function formatNumber(x: bigint, sign: 'signed' | 'unsigned'): string {
  const isNear = x >= MIN_DECIMAL && x <= MAX_DECIMAL[sign];
  return isNear ? x.toString() : `0x${BigInt.asUintN(64, x).toString(16)}`;
}

/** As the kernel prints it: `(0x0; 0xff)`, a known value plainly. */
export function formatTnum(a: Tnum): string {
  if (a.mask === 0n) return formatNumber(BigInt.asIntN(64, a.value), 'unsigned');
  return `(${hex(a.value)}; ${hex(a.mask)})`;
}
