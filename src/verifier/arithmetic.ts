import type { AluOp } from '../isa/opcodes.ts';
import type { Width } from '../isa/operation.ts';
import {
  type Arc32,
  type Arc64,
  FULL_32,
  FULL_64,
  S32_MAX,
  S32_MIN,
  S64_MAX,
  S64_MIN,
  add32,
  add64,
  fromSigned32,
  fromSigned64,
  fromUnsigned32,
  fromUnsigned64,
  intersect32,
  intersect64,
  max,
  min,
  negate32,
  negate64,
  U32_MAX,
} from './arc.ts';
import { remembered } from './remembered.ts';
import { Scalar, UNKNOWN, ZERO, constant, plainConstant, synced, truncated, zeroExtended32 } from './scalar.ts';
import {
  TNUM_UNKNOWN,
  type Tnum,
  U64_MAX,
  tnumAdd,
  tnumAnd,
  tnumByteSwap,
  tnumIsConst,
  tnumLow32,
  tnumLow32IsConst,
  tnumMul,
  tnumNegate,
  tnumOr,
  tnumShiftLeft,
  tnumShiftRight,
  tnumShiftRightSigned,
  tnumSub,
  tnumXor,
} from './tnum.ts';

/**
 * The effect of arithmetic on ranges, after Linux 7.2: operations whose low half depends on low halves only follow both
 * widths; for the others (shifts, division) one width is followed and the rest comes from the bits.
 */
type Transfer = (a: Scalar, b: Scalar, width: Width) => Scalar;

const toUnsigned = (x: number): number => x >>> 0;

/** A 32-bit operation leaves zeros above; then every view learns from the others. */
function finish(bits: Tnum, r64: Arc64, r32: Arc32, width: Width): Scalar {
  if (width === 64) return synced(bits, r64, r32);
  return zeroExtended32(new Scalar(bits, r64, r32));
}

function productRange64(a: Scalar, b: Scalar): Arc64 {
  let umin = a.umin * b.umin;
  let umax = a.umax * b.umax;
  if (umax > U64_MAX) [umin, umax] = [0n, U64_MAX];
  const products = [a.smin * b.smin, a.smin * b.smax, a.smax * b.smin, a.smax * b.smax];
  let smin = products.reduce(min);
  let smax = products.reduce(max);
  if (smin < S64_MIN || smax > S64_MAX) [smin, smax] = [S64_MIN, S64_MAX];
  return intersect64(fromUnsigned64(umin, umax), fromSigned64(smin, smax));
}

function productRange32(a: Scalar, b: Scalar): Arc32 {
  // Products of 32-bit numbers pass 2^53: compare as bigint.
  const big = BigInt;
  let umin = big(a.u32min) * big(b.u32min);
  let umax = big(a.u32max) * big(b.u32max);
  if (umax > big(U32_MAX)) [umin, umax] = [0n, big(U32_MAX)];
  const products = [a.s32min, a.s32max].flatMap((x) => [big(x) * big(b.s32min), big(x) * big(b.s32max)]);
  let smin = products.reduce(min);
  let smax = products.reduce(max);
  if (smin < big(S32_MIN) || smax > big(S32_MAX)) [smin, smax] = [big(S32_MIN), big(S32_MAX)];
  return intersect32(fromUnsigned32(Number(umin), Number(umax)), fromSigned32(Number(smin), Number(smax)));
}

const low32Const = (bits: Tnum): Arc32 => ({ base: Number(bits.value & 0xffff_ffffn), size: 0 });

/** `and`, `or`, `xor`: bits first; the ranges follow from them and from the operands' ends. */
function bitwise(
  combine: (a: Tnum, b: Tnum) => Tnum,
  range64: (a: Scalar, b: Scalar, bits: Tnum) => Arc64,
  range32: (a: Scalar, b: Scalar, bits: Tnum) => Arc32,
): Transfer {
  return (a, b, width) => {
    const bits = combine(a.bits, b.bits);
    const lowKnown = tnumLow32IsConst(b.bits) && tnumLow32IsConst(bits);
    const r32 = lowKnown ? low32Const(bits) : range32(a, b, tnumLow32(bits));
    const known = b.isConst && tnumIsConst(bits);
    const r64 = known ? fromUnsigned64(bits.value, bits.value) : range64(a, b, bits);
    return finish(bits, r64, r32, width);
  };
}

const and = bitwise(
  tnumAnd,
  (a, b, bits) => fromUnsigned64(bits.value, min(a.umax, b.umax)),
  (a, b, bits) => fromUnsigned32(Number(bits.value), Math.min(a.u32max, b.u32max)),
);
const or = bitwise(
  tnumOr,
  (a, b, bits) => fromUnsigned64(max(a.umin, b.umin), bits.value | bits.mask),
  (a, b, bits) => fromUnsigned32(Math.max(a.u32min, b.u32min), Number(bits.value | bits.mask)),
);
const xor = bitwise(
  tnumXor,
  (_a, _b, bits) => fromUnsigned64(bits.value, bits.value | bits.mask),
  (_a, _b, bits) => fromUnsigned32(Number(bits.value), Number(bits.value | bits.mask)),
);

/** The low half shifted: known only while no set bit can leave it. */
function shiftLeftRange32(a: Scalar, by: number): Arc32 {
  if (by > 31 || a.u32max > 2 ** (31 - by)) return FULL_32;
  return fromUnsigned32(toUnsigned(a.u32min << by), toUnsigned(a.u32max << by));
}

function shiftLeft(a: Scalar, b: Scalar, width: Width): Scalar {
  if (width === 32) {
    const by = b.u32min;
    const bits = tnumLow32(tnumShiftLeft(tnumLow32(a.bits), BigInt(by)));
    return finish(bits, FULL_64, boundLow(bits, shiftLeftRange32(a, by)), 32);
  }
  const by = b.umin;
  // `<<32` keeps the order of the low half's signed range: half of the idiom for sign extension.
  const signed = by === 32n ? fromSigned64(BigInt(a.s32min) << 32n, BigInt(a.s32max) << 32n) : FULL_64;
  const unsigned = a.umax > 1n << (63n - by) ? FULL_64 : fromUnsigned64(a.umin << by, a.umax << by);
  return synced(tnumShiftLeft(a.bits, by), intersect64(unsigned, signed), shiftLeftRange32(a, Number(by)));
}

function shiftRight(a: Scalar, b: Scalar, width: Width): Scalar {
  if (width === 32) {
    const by = b.u32min;
    const bits = tnumShiftRight(tnumLow32(a.bits), BigInt(by));
    return finish(bits, FULL_64, boundLow(bits, fromUnsigned32(a.u32min >>> by, a.u32max >>> by)), 32);
  }
  const by = b.umin;
  return synced(tnumShiftRight(a.bits, by), fromUnsigned64(a.umin >> by, a.umax >> by), FULL_32);
}

function shiftRightSigned(a: Scalar, b: Scalar, width: Width): Scalar {
  if (width === 32) {
    const by = b.u32min;
    const bits = tnumShiftRightSigned(tnumLow32(a.bits), BigInt(by), 32);
    return finish(bits, FULL_64, boundLow(bits, fromSigned32(a.s32min >> by, a.s32max >> by)), 32);
  }
  const by = b.umin;
  return synced(tnumShiftRightSigned(a.bits, by, 64), fromSigned64(a.smin >> by, a.smax >> by), FULL_32);
}

/** Before zero extension takes the low range for the whole, it learns from the bits. */
function boundLow(bits: Tnum, r32: Arc32): Arc32 {
  return synced(bits, FULL_64, r32).r32;
}

/** Only one width of a quotient or remainder is followed. */
const only64 = (r64: Arc64): Scalar => synced(TNUM_UNKNOWN, r64, FULL_32);
const only32 = (r32: Arc32): Scalar => finish(TNUM_UNKNOWN, FULL_64, r32, 32);

function divide(a: Scalar, b: Scalar, width: Width): Scalar {
  if (width === 32) {
    const by = b.u32min;
    return by === 0 ? ZERO : only32(fromUnsigned32(Math.floor(a.u32min / by), Math.floor(a.u32max / by)));
  }
  return b.umin === 0n ? ZERO : only64(fromUnsigned64(a.umin / b.umin, a.umax / b.umin));
}

function divideSigned(a: Scalar, b: Scalar, width: Width): Scalar {
  if (width === 32) {
    const by = b.s32min;
    if (b.u32min === 0) return ZERO;
    if (a.s32min === S32_MIN && by === -1) {
      return only32(a.s32max === S32_MIN ? fromSigned32(S32_MIN, S32_MIN) : FULL_32);
    }
    const [x, y] = [Math.trunc(a.s32min / by), Math.trunc(a.s32max / by)];
    return only32(fromSigned32(Math.min(x, y), Math.max(x, y)));
  }
  const by = b.smin;
  if (b.umin === 0n) return ZERO;
  if (a.smin === S64_MIN && by === -1n) {
    return only64(a.smax === S64_MIN ? fromSigned64(S64_MIN, S64_MIN) : FULL_64);
  }
  const [x, y] = [a.smin / by, a.smax / by];
  return only64(fromSigned64(min(x, y), max(x, y)));
}

function remainder(a: Scalar, b: Scalar, width: Width): Scalar {
  if (width === 32) {
    if (b.u32min === 0 || a.u32max <= b.u32min - 1) return finish(a.bits, a.r64, a.r32, 32);
    return only32(fromUnsigned32(0, Math.min(a.u32max, b.u32min - 1)));
  }
  if (b.umin === 0n || a.umax <= b.umin - 1n) return synced(a.bits, a.r64, a.r32);
  return only64(fromUnsigned64(0n, min(a.umax, b.umin - 1n)));
}

function remainderSigned(a: Scalar, b: Scalar, width: Width): Scalar {
  if (width === 32) {
    const most = Math.abs(b.s32min) - 1;
    if (b.u32min === 0 || (a.s32min >= -most && a.s32max <= most)) return finish(a.bits, a.r64, a.r32, 32);
    if (a.s32min >= 0) return only32(fromSigned32(0, Math.min(a.s32max, most)));
    if (a.s32max <= 0) return only32(fromSigned32(Math.max(a.s32min, -most), 0));
    return only32(fromSigned32(-most, most));
  }
  const most = (b.smin < 0n ? -b.smin : b.smin) - 1n;
  if (b.umin === 0n || (a.smin >= -most && a.smax <= most)) return synced(a.bits, a.r64, a.r32);
  if (a.smin >= 0n) return only64(fromSigned64(0n, min(a.smax, most)));
  if (a.smax <= 0n) return only64(fromSigned64(max(a.smin, -most), 0n));
  return only64(fromSigned64(-most, most));
}

const add: Transfer = (a, b, width) => finish(tnumAdd(a.bits, b.bits), add64(a.r64, b.r64), add32(a.r32, b.r32), width);
const sub: Transfer = (a, b, width) =>
  finish(tnumSub(a.bits, b.bits), add64(a.r64, negate64(b.r64)), add32(a.r32, negate32(b.r32)), width);
const mul: Transfer = (a, b, width) =>
  finish(tnumMul(a.bits, b.bits), productRange64(a, b), productRange32(a, b), width);

interface Rule {
  readonly transfer: Transfer;
  /** Shifts by and divisions by anything but a known operand lose all bounds. */
  readonly needs: 'anything' | 'constant' | 'shift_amount';
}

const RULES: Record<Exclude<AluOp, 'mov'>, Rule> = {
  add: { transfer: add, needs: 'anything' },
  sub: { transfer: sub, needs: 'anything' },
  mul: { transfer: mul, needs: 'anything' },
  and: { transfer: and, needs: 'anything' },
  or: { transfer: or, needs: 'anything' },
  xor: { transfer: xor, needs: 'anything' },
  div: { transfer: divide, needs: 'constant' },
  sdiv: { transfer: divideSigned, needs: 'constant' },
  mod: { transfer: remainder, needs: 'constant' },
  smod: { transfer: remainderSigned, needs: 'constant' },
  lsh: { transfer: shiftLeft, needs: 'shift_amount' },
  rsh: { transfer: shiftRight, needs: 'shift_amount' },
  arsh: { transfer: shiftRightSigned, needs: 'shift_amount' },
};

/** Operations of which Linux too knows the exact result on known operands; of remainders it keeps a range. */
type Exact = 'add' | 'sub' | 'mul' | 'and' | 'or' | 'xor' | 'lsh' | 'rsh' | 'arsh';

/** On unsigned operands of `width` bits, the result to be wrapped. */
const CONCRETE: Record<Exact, (a: bigint, b: bigint, width: Width) => bigint> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  lsh: (a, b) => a << b,
  rsh: (a, b) => a >> b,
  arsh: (a, b, width) => BigInt.asIntN(width, a) >> b,
};
const isExact = (op: AluOp): op is Exact => op in CONCRETE;

const isInt32 = (x: number): boolean => x === (x | 0);
const NOT_PLAIN = NaN;
/** The same on plain numbers with their sign, 64 bits wide; what does not fit is left to the others. */
const PLAIN: Record<Exact, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  and: (a, b) => (isInt32(a) && isInt32(b) ? a & b : NOT_PLAIN),
  or: (a, b) => (isInt32(a) && isInt32(b) ? a | b : NOT_PLAIN),
  xor: (a, b) => (isInt32(a) && isInt32(b) ? a ^ b : NOT_PLAIN),
  lsh: (a, b) => a * 2 ** b,
  rsh: (a, b) => (a >= 0 ? Math.floor(a / 2 ** b) : NOT_PLAIN),
  arsh: (a, b) => Math.floor(a / 2 ** b),
};

function concrete(op: Exact, x: Scalar, y: Scalar, width: Width): Scalar {
  if (width === 64) {
    const plain = PLAIN[op](x.plain, y.plain);
    // Not -0, which a product may be.
    if (Number.isSafeInteger(plain)) return plainConstant(plain + 0);
  }
  const a = x.value;
  const b = y.value;
  if (width === 64) return constant(CONCRETE[op](a, b, 64));
  return constant(BigInt.asUintN(32, CONCRETE[op](BigInt.asUintN(32, a), BigInt.asUintN(32, b), 32)));
}

const isKnown = (s: Scalar, width: Width): boolean => s.isConst || (width === 32 && tnumLow32IsConst(s.bits));

/** `a op b`. */
export function compute(op: Exclude<AluOp, 'mov'>, a: Scalar, b: Scalar, width: Width): Scalar {
  if (a.isConst && b.isConst && isExact(op)) return computed(op, a, b, width);
  return rememberedResult(op, a, b, width);
}

function computed(op: Exclude<AluOp, 'mov'>, a: Scalar, b: Scalar, width: Width): Scalar {
  const rule = RULES[op];
  if (rule.needs !== 'anything' && !isKnown(b, width)) return UNKNOWN;
  if (rule.needs === 'shift_amount' && !(b.plain >= 0 && b.plain < width) && b.umax >= BigInt(width)) return UNKNOWN;
  if (a.isConst && b.isConst && isExact(op)) return concrete(op, a, b, width);
  return rule.transfer(a, b, width);
}
const rememberedResult = remembered(computed);

/** `-a`. */
export function negated(a: Scalar, width: Width): Scalar {
  return finish(tnumNegate(a.bits), negate64(a.r64), negate32(a.r32), width);
}

/** Byte order: on this little-endian machine `le` only truncates. */
export function byteSwapped(a: Scalar, order: 'le' | 'be' | 'bswap', bits: 16 | 32 | 64): Scalar {
  const swapped = order === 'le' ? a : new Scalar(tnumByteSwap(a.bits, bits), FULL_64, FULL_32);
  return bits === 64 ? synced(swapped.bits, swapped.r64, swapped.r32) : truncated(swapped, bits / 8);
}
