import { U64_MAX } from './tnum.ts';

/**
 * Ranges on the circle of 64-bit and of 32-bit numbers: an arc starts at `base` and holds `size + 1` values, wrapping past
 * the maximum to 0. One arc gives the signed and the unsigned bounds at once, also for [-1, 1], where either view alone
 * would know nothing. Linux 7.2 tracks ranges the same way (kernel/bpf/cnum_defs.h).
 */
export interface Arc64 {
  readonly base: bigint;
  readonly size: bigint;
}
/** Both fields are unsigned 32-bit integers. */
export interface Arc32 {
  readonly base: number;
  readonly size: number;
}

export const U32_MAX = 0xffff_ffff;
const S64_MIN_BITS = 1n << 63n;
const S64_MAX_BITS = S64_MIN_BITS - 1n;
export const S64_MIN = -(1n << 63n);
export const S64_MAX = (1n << 63n) - 1n;
export const S32_MIN = -0x8000_0000;
export const S32_MAX = 0x7fff_ffff;

const wrap64 = (x: bigint): bigint => BigInt.asUintN(64, x);
const signed64 = (x: bigint): bigint => BigInt.asIntN(64, x);

export const FULL_64: Arc64 = { base: 0n, size: U64_MAX };
export const FULL_32: Arc32 = { base: 0, size: U32_MAX };
/** No value at all: the one pair of base and full size that no operation produces. */
export const EMPTY_64: Arc64 = { base: U64_MAX, size: U64_MAX };
export const EMPTY_32: Arc32 = { base: U32_MAX, size: U32_MAX };

export const isEmpty64 = (a: Arc64): boolean => a.base === U64_MAX && a.size === U64_MAX;
export const isEmpty32 = (a: Arc32): boolean => a.base === U32_MAX && a.size === U32_MAX;

export const fromUnsigned64 = (min: bigint, max: bigint): Arc64 => ({ base: wrap64(min), size: wrap64(max - min) });
export const fromUnsigned32 = (min: number, max: number): Arc32 => ({ base: min >>> 0, size: (max - min) >>> 0 });
export function fromSigned64(min: bigint, max: bigint): Arc64 {
  const size = wrap64(max - min);
  return { base: size === U64_MAX ? 0n : wrap64(min), size };
}
export function fromSigned32(min: number, max: number): Arc32 {
  const size = (max - min) >>> 0;
  return { base: size === U32_MAX ? 0 : min >>> 0, size };
}

const wraps64 = (a: Arc64): boolean => a.base + a.size > U64_MAX;
const wraps32 = (a: Arc32): boolean => a.base + a.size > U32_MAX;

export const umin64 = (a: Arc64): bigint => (wraps64(a) ? 0n : a.base);
export const umax64 = (a: Arc64): bigint => (wraps64(a) ? U64_MAX : a.base + a.size);
export const umin32 = (a: Arc32): number => (wraps32(a) ? 0 : a.base);
export const umax32 = (a: Arc32): number => (wraps32(a) ? U32_MAX : a.base + a.size);

function crossesSign64(a: Arc64): boolean {
  return contains64(a, S64_MAX_BITS) && contains64(a, S64_MIN_BITS);
}
function crossesSign32(a: Arc32): boolean {
  return contains32(a, S32_MAX) && contains32(a, 0x8000_0000);
}
export const smin64 = (a: Arc64): bigint =>
  crossesSign64(a) ? S64_MIN : min(signed64(a.base), signed64(a.base + a.size));
export const smax64 = (a: Arc64): bigint =>
  crossesSign64(a) ? S64_MAX : max(signed64(a.base), signed64(a.base + a.size));
export const smin32 = (a: Arc32): number => (crossesSign32(a) ? S32_MIN : Math.min(a.base | 0, (a.base + a.size) | 0));
export const smax32 = (a: Arc32): number => (crossesSign32(a) ? S32_MAX : Math.max(a.base | 0, (a.base + a.size) | 0));

export const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);

export function contains64(a: Arc64, v: bigint): boolean {
  if (isEmpty64(a)) return false;
  return wrap64(v - a.base) <= a.size;
}
export function contains32(a: Arc32, v: number): boolean {
  if (isEmpty32(a)) return false;
  return (v - a.base) >>> 0 <= a.size;
}

/**
 * An arc that holds every common value. Where two arcs meet in two places no single arc is exact; then the shorter
 * argument stands for both places, as in the kernel.
 */
export function intersect64(first: Arc64, second: Arc64): Arc64 {
  if (first === second) return first;
  if (isEmpty64(first) || isEmpty64(second)) return EMPTY_64;
  const [a, b] = first.base > second.base ? [second, first] : [first, second];
  // Seen from a's start: a is [0, a.size], b starts at `from`.
  const from = b.base - a.base;
  if (from + b.size > U64_MAX) {
    if (from <= a.size) return a.size <= b.size ? a : b;
    return { base: a.base, size: min(a.size, wrap64(from + b.size)) };
  }
  if (a.size >= from) return { base: b.base, size: min(a.size - from, b.size) };
  return EMPTY_64;
}
export function intersect32(first: Arc32, second: Arc32): Arc32 {
  if (first === second) return first;
  if (isEmpty32(first) || isEmpty32(second)) return EMPTY_32;
  const [a, b] = first.base > second.base ? [second, first] : [first, second];
  const from = b.base - a.base;
  if (from + b.size > U32_MAX) {
    if (from <= a.size) return a.size <= b.size ? a : b;
    return { base: a.base, size: Math.min(a.size, (from + b.size) >>> 0) };
  }
  if (a.size >= from) return { base: b.base, size: Math.min(a.size - from, b.size) };
  return EMPTY_32;
}

// A full arc has one spelling, lest it be taken for the empty one.
function normal64(base: bigint, size: bigint): Arc64 {
  return size === U64_MAX && base !== S64_MAX_BITS ? FULL_64 : { base, size };
}
function normal32(base: number, size: number): Arc32 {
  return size === U32_MAX && base !== S32_MAX ? FULL_32 : { base, size };
}

export function add64(a: Arc64, b: Arc64): Arc64 {
  if (isEmpty64(a) || isEmpty64(b)) return EMPTY_64;
  if (a.size + b.size > U64_MAX) return FULL_64;
  return normal64(wrap64(a.base + b.base), a.size + b.size);
}
export function add32(a: Arc32, b: Arc32): Arc32 {
  if (isEmpty32(a) || isEmpty32(b)) return EMPTY_32;
  if (a.size + b.size > U32_MAX) return FULL_32;
  return normal32((a.base + b.base) >>> 0, a.size + b.size);
}
export function negate64(a: Arc64): Arc64 {
  return isEmpty64(a) ? EMPTY_64 : normal64(wrap64(-(a.base + a.size)), a.size);
}
export function negate32(a: Arc32): Arc32 {
  return isEmpty32(a) ? EMPTY_32 : normal32(-(a.base + a.size) >>> 0, a.size);
}

export function isSubset64(bigger: Arc64, smaller: Arc64): boolean {
  if (bigger === smaller || isEmpty64(smaller)) return true;
  if (isEmpty64(bigger)) return false;
  const from = wrap64(smaller.base - bigger.base);
  if (from + smaller.size > U64_MAX && bigger.size < U64_MAX) return false;
  return wrap64(from + smaller.size) <= bigger.size;
}
export function isSubset32(bigger: Arc32, smaller: Arc32): boolean {
  if (bigger === smaller || isEmpty32(smaller)) return true;
  if (isEmpty32(bigger)) return false;
  const from = (smaller.base - bigger.base) >>> 0;
  if (from + smaller.size > U32_MAX && bigger.size < U32_MAX) return false;
  return (from + smaller.size) >>> 0 <= bigger.size;
}

/** The low halves of the values of a 64-bit arc. */
export function low32Of(a: Arc64): Arc32 {
  if (isEmpty64(a)) return EMPTY_32;
  if (a.size >= 0xffff_ffffn) return FULL_32;
  return { base: Number(a.base & 0xffff_ffffn), size: Number(a.size) };
}

/**
 * The shortest arc inside `a` outside of which no value of `a` has its low half in `b`: cuts `a` at both ends back to
 * the first and the last point where the low half enters and leaves `b`.
 */
export function narrowByLow32(a: Arc64, b: Arc32): Arc64 {
  if (isEmpty64(a) || isEmpty32(b)) return EMPTY_64;
  // Rotate so that `a` starts at a multiple of 2^32.
  const start = (b.base - Number(a.base & 0xffff_ffffn)) >>> 0;
  const end = start + b.size;
  const lastLow = Number(a.size & 0xffff_ffffn);
  if (end > U32_MAX) {
    const wrappedEnd = end >>> 0;
    if (lastLow > wrappedEnd && lastLow < start) return { base: a.base, size: a.size - BigInt(lastLow - wrappedEnd) };
    return a;
  }
  if (start === 0 && end === U32_MAX) return a;
  const skipped = BigInt(start);
  if (a.size < skipped) return EMPTY_64;
  const size = a.size - skipped;
  let cut = 0n;
  if (lastLow < start) cut = BigInt(lastLow) + (0x1_0000_0000n - BigInt(end));
  else if (lastLow >= end) cut = BigInt(lastLow - end);
  if (size < cut) return EMPTY_64;
  return { base: wrap64(a.base + skipped), size: size - cut };
}
