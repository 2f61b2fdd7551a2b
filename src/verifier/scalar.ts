import {
  type Arc32,
  type Arc64,
  EMPTY_32,
  EMPTY_64,
  FULL_32,
  FULL_64,
  fromSigned32,
  fromSigned64,
  fromUnsigned32,
  fromUnsigned64,
  intersect32,
  intersect64,
  isEmpty32,
  isEmpty64,
  low32Of,
  narrowByLow32,
  smax32,
  smax64,
  smin32,
  smin64,
  umax32,
  umax64,
  umin32,
  umin64,
} from './arc.ts';
import {
  TNUM_UNKNOWN,
  type Tnum,
  U64_MAX,
  bitLength,
  tnumHigh32,
  tnumIntersect,
  tnumLow32,
  tnumNext,
  tnumOr,
  tnumRange,
  tnumTruncate,
} from './tnum.ts';

let made = 0;

/**
 * What is known of a 64-bit number: its bits, its range, and the range of its low half, each improving the others
 * (`synced`). Immutable, so that registers and states share it. Also the offset of a pointer from its object's start.
 * Most numbers are known ones that a plain number can hold: their views are made when somebody asks for them.
 */
export class Scalar {
  /** Every bit is known. */
  readonly isConst: boolean;
  /** The only value, signed, if the views were made from a plain number; NaN otherwise. */
  readonly plain: number;
  /** Tells numbers apart that were made one after the other; means nothing else. */
  readonly serial: number;
  #bits: Tnum | undefined;
  #r64: Arc64 | undefined;
  #r32: Arc32 | undefined;
  #umin: bigint | undefined;
  #umax: bigint | undefined;
  #smin: bigint | undefined;
  #smax: bigint | undefined;

  constructor(bits: Tnum | undefined, r64: Arc64 | undefined, r32: Arc32 | undefined, plain = NaN) {
    this.isConst = bits === undefined || bits.mask === 0n;
    this.plain = plain;
    this.serial = made = (made + 1) & 0x3fff_ffff;
    this.#bits = bits;
    this.#r64 = r64;
    this.#r32 = r32;
    this.#umin = undefined;
    this.#umax = undefined;
    this.#smin = undefined;
    this.#smax = undefined;
  }

  get bits(): Tnum {
    return (this.#bits ??= { value: BigInt.asUintN(64, BigInt(this.plain)), mask: 0n });
  }
  get r64(): Arc64 {
    return (this.#r64 ??= { base: this.bits.value, size: 0n });
  }
  get r32(): Arc32 {
    return (this.#r32 ??= { base: this.plain >>> 0, size: 0 });
  }
  get umin(): bigint {
    return (this.#umin ??= umin64(this.r64));
  }
  get umax(): bigint {
    return (this.#umax ??= umax64(this.r64));
  }
  get smin(): bigint {
    return (this.#smin ??= smin64(this.r64));
  }
  get smax(): bigint {
    return (this.#smax ??= smax64(this.r64));
  }
  get u32min(): number {
    return umin32(this.r32);
  }
  get u32max(): number {
    return umax32(this.r32);
  }
  get s32min(): number {
    return smin32(this.r32);
  }
  get s32max(): number {
    return smax32(this.r32);
  }
  /** The value, when it is the only one. */
  get value(): bigint {
    return this.bits.value;
  }
  /** The same with its sign, as a plain number: of offsets, which are small. */
  get signed(): number {
    return Number.isNaN(this.plain) ? Number(BigInt.asIntN(64, this.bits.value)) : this.plain;
  }
  /** No value is possible: the path that led here is dead. */
  get isEmpty(): boolean {
    return Number.isNaN(this.plain) && (isEmpty64(this.r64) || isEmpty32(this.r32));
  }
  get isZero(): boolean {
    return this.plain === 0 || (this.isConst && this.bits.value === 0n);
  }
}

export const UNKNOWN = new Scalar(TNUM_UNKNOWN, FULL_64, FULL_32);

const SMALL = 1024;
const smallConstants = new Array<Scalar | undefined>(2 * SMALL);

/** A known number of at most 53 bits and its sign. */
export function plainConstant(value: number): Scalar {
  if (value < -SMALL || value >= SMALL) return new Scalar(undefined, undefined, undefined, value);
  return (smallConstants[value + SMALL] ??= new Scalar(undefined, undefined, undefined, value + 0));
}

const LEAST_PLAIN = BigInt(Number.MIN_SAFE_INTEGER);
const GREATEST_PLAIN = BigInt(Number.MAX_SAFE_INTEGER);

export function constant(value: bigint): Scalar {
  const signed = BigInt.asIntN(64, value);
  if (signed >= LEAST_PLAIN && signed <= GREATEST_PLAIN) return plainConstant(Number(signed));
  const v = BigInt.asUintN(64, value);
  return new Scalar({ value: v, mask: 0n }, { base: v, size: 0n }, { base: Number(v & 0xffff_ffffn), size: 0 });
}
export const ZERO = plainConstant(0);

export function unsignedRange(min: bigint, max: bigint): Scalar {
  return synced(TNUM_UNKNOWN, fromUnsigned64(min, max), FULL_32);
}
export function signedRange(min: bigint, max: bigint): Scalar {
  return synced(TNUM_UNKNOWN, fromSigned64(min, max), FULL_32);
}

const S32_SIGN = 0x8000_0000n;
const S64_SIGN = 1n << 63n;

function arc32OfBits(bits: Tnum): Arc32 {
  const low = tnumLow32(bits);
  // With the sign bit unknown or set, the least value has all unknown low bits clear and the sign set.
  if (((low.mask | low.value) & S32_SIGN) !== 0n) {
    return fromSigned32(
      Number(BigInt.asIntN(32, low.value | (low.mask & S32_SIGN))),
      Number(BigInt.asIntN(32, low.value | (low.mask & (S32_SIGN - 1n)))),
    );
  }
  return fromUnsigned32(Number(low.value), Number(low.value | low.mask));
}

function arc64OfBits(bits: Tnum): Arc64 {
  if (((bits.mask | bits.value) & S64_SIGN) !== 0n) {
    return fromSigned64(
      BigInt.asIntN(64, bits.value | (bits.mask & S64_SIGN)),
      BigInt.asIntN(64, bits.value | (bits.mask & (S64_SIGN - 1n))),
    );
  }
  return fromUnsigned64(bits.value, bits.value | bits.mask);
}

/** The bits bound the ranges; where a range holds a single value that fits the bits, that is the value. */
function boundByBits(bits: Tnum, r64: Arc64, r32: Arc32): Scalar {
  if (bits.mask === U64_MAX && r64.size > 0n) return new Scalar(bits, r64, r32);
  const low = intersect32(r32, arc32OfBits(bits));
  const all = intersect64(r64, arc64OfBits(bits));
  const umin = umin64(all);
  const umax = umax64(all);
  const fits = (umin & ~bits.mask) === bits.value;
  const next = tnumNext(bits, umin);
  if (fits && next > umax) return constant(umin);
  if (!fits) {
    const greatest = bits.value | bits.mask;
    if (next === greatest) return constant(greatest);
    if (next <= umax && tnumNext(bits, next) > umax) return constant(next);
  }
  return new Scalar(bits, all, low);
}

function deduce(s: Scalar): Scalar {
  const r32 = intersect32(s.r32, low32Of(s.r64));
  const r64 = narrowByLow32(s.r64, r32);
  return r32 === s.r32 && r64 === s.r64 ? s : new Scalar(s.bits, r64, r32);
}

function boundBits(s: Scalar): Tnum {
  const all = tnumIntersect(s.bits, tnumRange(s.umin, s.umax));
  const low = tnumIntersect(tnumLow32(all), tnumRange(BigInt(s.u32min), BigInt(s.u32max)));
  return tnumOr(tnumHigh32(all), low);
}

/** Results of `settle` by what they were made of; a newer one takes the place of an older. */
const SETTLED_PLACES = 2048;
interface Settled {
  readonly bits: Tnum;
  readonly r64: Arc64;
  readonly r32: Arc32;
  readonly result: Scalar;
}
const settled = new Array<Settled | undefined>(SETTLED_PLACES).fill(undefined);

const numberOf = (x: bigint): number => Number(BigInt.asIntN(32, x));

/**
 * Carries what each view knows into the others; an impossible value is left as it is. The programs of a script make the same
 * few numbers again and again: one that was made before is the same object, so that what is remembered by identity
 * (`remembered`) is found for it.
 */
export function synced(bits: Tnum, r64: Arc64, r32: Arc32): Scalar {
  if (bits === TNUM_UNKNOWN && r64 === FULL_64 && r32 === FULL_32) return UNKNOWN;
  if (isEmpty64(r64) || isEmpty32(r32)) return new Scalar(bits, EMPTY_64, EMPTY_32);
  const low = numberOf(bits.value);
  if (bits.mask === 0n && r64.size === 0n && r64.base === bits.value)
    if (r32 === FULL_32 || (r32.size === 0 && r32.base === low >>> 0)) return constant(bits.value);
  const hash = low ^ numberOf(bits.mask) ^ (numberOf(r64.base) * 7) ^ (numberOf(r64.size) * 31);
  const place = (hash ^ (hash >>> 11) ^ r32.base ^ (r32.size * 13)) & (SETTLED_PLACES - 1);
  const known = settled[place];
  if (known !== undefined && isMadeOf(known, bits, r64, r32)) return known.result;
  const result = settle(bits, r64, r32);
  settled[place] = { bits, r64, r32, result };
  return result;
}

function isMadeOf(known: Settled, bits: Tnum, r64: Arc64, r32: Arc32): boolean {
  return (
    known.r32.base === r32.base &&
    known.r32.size === r32.size &&
    known.bits.value === bits.value &&
    known.bits.mask === bits.mask &&
    known.r64.base === r64.base &&
    known.r64.size === r64.size
  );
}

function settle(bits: Tnum, r64: Arc64, r32: Arc32): Scalar {
  const bounded = boundByBits(bits, r64, r32);
  const deduced = deduce(deduce(bounded));
  if (deduced.isEmpty) return new Scalar(bits, EMPTY_64, EMPTY_32);
  return boundByBits(boundBits(deduced), deduced.r64, deduced.r32);
}

/** The same number with its views synced. */
export function resynced(s: Scalar): Scalar {
  return Number.isNaN(s.plain) ? synced(s.bits, s.r64, s.r32) : s;
}

/** Forgets ranges that contradict themselves or a constant: such a value arises on dead paths only. */
export function sane(s: Scalar): Scalar {
  if (!Number.isNaN(s.plain)) return s;
  const broken = s.isEmpty || (s.isConst && (s.r64.size !== 0n || s.r64.base !== s.value));
  return broken ? new Scalar(s.bits, FULL_64, FULL_32) : s;
}

/** The low half, zero-extended. */
export function zeroExtended32(s: Scalar): Scalar {
  return synced(tnumLow32(s.bits), fromUnsigned64(BigInt(s.u32min), BigInt(s.u32max)), s.r32);
}

/** The low `bytes` (less than 8), zero-extended. */
export function truncated(s: Scalar, bytes: number): Scalar {
  if (s === UNKNOWN) return (unknownBytes[bytes] ??= truncate(s, bytes));
  return truncate(s, bytes);
}
const unknownBytes: Scalar[] = [];
function truncate(s: Scalar, bytes: number): Scalar {
  const mask = (1n << BigInt(bytes * 8)) - 1n;
  if (s.isConst) return constant(s.value & mask);
  const sameHigh = (s.umin & ~mask) === (s.umax & ~mask);
  const r64 = sameHigh ? fromUnsigned64(s.umin & mask, s.umax & mask) : fromUnsigned64(0n, mask);
  return synced(tnumTruncate(s.bits, bytes), r64, bytes < 4 ? FULL_32 : s.r32);
}

/** The low `bytes` (1, 2 or 4), sign-extended to 64 bits. */
export function signExtended(s: Scalar, bytes: number): Scalar {
  const width = bytes * 8;
  if (s.isConst) return constant(BigInt.asIntN(width, s.value));
  const high = (x: bigint): bigint => BigInt.asUintN(64, x) >> BigInt(width);
  const first = BigInt.asIntN(width, s.smax);
  const second = BigInt.asIntN(width, s.smin);
  if (high(s.smax) === high(s.smin) && first >= 0n === second >= 0n) {
    const least = first < second ? first : second;
    const greatest = first < second ? second : first;
    return new Scalar(
      tnumRange(BigInt.asUintN(64, least), BigInt.asUintN(64, greatest)),
      fromSigned64(least, greatest),
      fromSigned32(Number(least), Number(greatest)),
    );
  }
  const limit = 1n << BigInt(width - 1);
  return new Scalar(TNUM_UNKNOWN, fromSigned64(-limit, limit - 1n), fromSigned32(Number(-limit), Number(limit - 1n)));
}

/** The low `bytes` (1 or 2) sign-extended to 32 bits, the high half still that of the source: zero-extend afterwards. */
export function signExtended32(s: Scalar, bytes: number): Scalar {
  const width = bytes * 8;
  if (s.isConst) return constant(BigInt.asUintN(32, BigInt.asIntN(width, s.value)));
  const extend = (x: number): number => (x << (32 - width)) >> (32 - width);
  const first = extend(s.s32max);
  const second = extend(s.s32min);
  if (s.s32max >>> width === s.s32min >>> width && first >= 0 === second >= 0) {
    const least = Math.min(first, second);
    const greatest = Math.max(first, second);
    const bits = tnumRange(BigInt.asUintN(64, BigInt(least)), BigInt.asUintN(64, BigInt(greatest)));
    return new Scalar(tnumLow32(bits), s.r64, fromSigned32(least, greatest));
  }
  const limit = 2 ** (width - 1);
  return new Scalar(tnumLow32(TNUM_UNKNOWN), s.r64, fromSigned32(-limit, limit - 1));
}

/** Bits that an unsigned value may need. */
export const widthOf = (s: Scalar): number => bitLength(s.umax);
