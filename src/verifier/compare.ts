import type { JumpOp } from '../isa/opcodes.ts';
import type { Width } from '../isa/operation.ts';
import {
  FULL_32,
  FULL_64,
  S32_MAX,
  S32_MIN,
  S64_MAX,
  S64_MIN,
  fromSigned32,
  fromSigned64,
  fromUnsigned32,
  fromUnsigned64,
  intersect32,
  intersect64,
} from './arc.ts';
import { remembered } from './remembered.ts';
import { Scalar, resynced } from './scalar.ts';
import {
  type Tnum,
  U64_MAX,
  tnumAnd,
  tnumConst,
  tnumIntersect,
  tnumLow32,
  tnumLow32IsConst,
  tnumOr,
  tnumOverlap,
  tnumWithLow32,
} from './tnum.ts';

/** A comparison or the negation of `jset`, which has no opcode of its own. */
export type Relation = JumpOp | 'not_jset';

const NEGATED: Record<Relation, Relation> = {
  jeq: 'jne',
  jne: 'jeq',
  jset: 'not_jset',
  not_jset: 'jset',
  jge: 'jlt',
  jgt: 'jle',
  jle: 'jgt',
  jlt: 'jge',
  jsge: 'jslt',
  jsgt: 'jsle',
  jsle: 'jsgt',
  jslt: 'jsge',
};

export type Outcome = 'always' | 'never' | 'unknown';

export interface Pair {
  readonly left: Scalar;
  readonly right: Scalar;
}
export interface Comparison {
  readonly outcome: Outcome;
  /** What both sides hold when the relation holds, and when it does not; meaningful if the outcome is unknown. */
  readonly taken: Pair;
  readonly fallthrough: Pair;
}

const isKnown = (s: Scalar, width: Width): boolean => (width === 64 ? s.isConst : tnumLow32IsConst(s.bits));
const knownValue = (s: Scalar, width: Width): bigint => (width === 64 ? s.value : s.value & 0xffff_ffffn);

interface Bounds {
  readonly bits: Tnum;
  readonly umin: bigint;
  readonly umax: bigint;
  readonly smin: bigint;
  readonly smax: bigint;
}
function boundsOf(s: Scalar, width: Width): Bounds {
  if (width === 64) return s;
  return {
    bits: tnumLow32(s.bits),
    umin: BigInt(s.u32min),
    umax: BigInt(s.u32max),
    smin: BigInt(s.s32min),
    smax: BigInt(s.s32max),
  };
}

const decide = (holds: boolean, fails: boolean): Outcome => (holds ? 'always' : fails ? 'never' : 'unknown');
const opposite = (o: Outcome): Outcome => (o === 'always' ? 'never' : o === 'never' ? 'always' : o);

function equality(left: Scalar, right: Scalar, width: Width): Outcome {
  const a = boundsOf(left, width);
  const b = boundsOf(right, width);
  if (a.bits.mask === 0n && b.bits.mask === 0n) return a.bits.value === b.bits.value ? 'always' : 'never';
  if (!tnumOverlap(a.bits, b.bits)) return 'never';
  if (a.umin > b.umax || a.umax < b.umin || a.smin > b.smax || a.smax < b.smin) return 'never';
  if (width === 64) {
    if (left.u32min > right.u32max || left.u32max < right.u32min) return 'never';
    if (left.s32min > right.s32max || left.s32max < right.s32min) return 'never';
  }
  return 'unknown';
}

function commonBits(left: Scalar, right: Scalar, width: Width): Outcome {
  const known = isKnown(right, width) ? right : left;
  const other = known === right ? left : right;
  if (!isKnown(known, width)) return 'unknown';
  const mask = knownValue(known, width);
  const bits = boundsOf(other, width).bits;
  return decide((bits.value & mask) !== 0n, ((bits.mask | bits.value) & mask) === 0n);
}

const DECIDE: Record<JumpOp, (left: Scalar, right: Scalar, width: Width, a: Bounds, b: Bounds) => Outcome> = {
  jeq: (l, r, w) => equality(l, r, w),
  jne: (l, r, w) => opposite(equality(l, r, w)),
  jset: (l, r, w) => commonBits(l, r, w),
  jgt: (_l, _r, _w, a, b) => decide(a.umin > b.umax, a.umax <= b.umin),
  jge: (_l, _r, _w, a, b) => decide(a.umin >= b.umax, a.umax < b.umin),
  jlt: (_l, _r, _w, a, b) => decide(a.umax < b.umin, a.umin >= b.umax),
  jle: (_l, _r, _w, a, b) => decide(a.umax <= b.umin, a.umin > b.umax),
  jsgt: (_l, _r, _w, a, b) => decide(a.smin > b.smax, a.smax <= b.smin),
  jsge: (_l, _r, _w, a, b) => decide(a.smin >= b.smax, a.smax < b.smin),
  jslt: (_l, _r, _w, a, b) => decide(a.smax < b.smin, a.smin >= b.smax),
  jsle: (_l, _r, _w, a, b) => decide(a.smax <= b.smin, a.smin > b.smax),
};

/** A register compared with itself. */
const REFLEXIVE: Record<JumpOp, (s: Scalar, width: Width) => Outcome> = {
  jeq: () => 'always',
  jge: () => 'always',
  jle: () => 'always',
  jsge: () => 'always',
  jsle: () => 'always',
  jne: () => 'never',
  jgt: () => 'never',
  jlt: () => 'never',
  jsgt: () => 'never',
  jslt: () => 'never',
  jset: (s, width) => {
    const b = boundsOf(s, width);
    if (b.bits.mask === 0n) return b.bits.value !== 0n ? 'always' : 'never';
    return b.smin <= 0n && b.smax >= 0n ? 'unknown' : 'always';
  },
};

const narrow = (x: bigint, width: Width): bigint => (width === 64 ? x : BigInt.asUintN(32, x));
const signed = (x: bigint, width: Width): bigint => BigInt.asIntN(width, x);

/** Whether the relation holds between two known unsigned values. */
export const HOLDS: Record<JumpOp, (a: bigint, b: bigint, width: Width) => boolean> = {
  jeq: (a, b, w) => narrow(a, w) === narrow(b, w),
  jne: (a, b, w) => narrow(a, w) !== narrow(b, w),
  jgt: (a, b, w) => narrow(a, w) > narrow(b, w),
  jge: (a, b, w) => narrow(a, w) >= narrow(b, w),
  jlt: (a, b, w) => narrow(a, w) < narrow(b, w),
  jle: (a, b, w) => narrow(a, w) <= narrow(b, w),
  jsgt: (a, b, w) => signed(a, w) > signed(b, w),
  jsge: (a, b, w) => signed(a, w) >= signed(b, w),
  jslt: (a, b, w) => signed(a, w) < signed(b, w),
  jsle: (a, b, w) => signed(a, w) <= signed(b, w),
  jset: (a, b, w) => narrow(a & b, w) !== 0n,
};

const belowUnsigned = (a: number, b: number): boolean => (a < 0 === b < 0 ? a < b : b < 0);
/** The same between plain numbers with their sign, 64 bits wide; undefined where they do not tell. */
const HOLDS_PLAIN: Record<JumpOp, (a: number, b: number) => boolean | undefined> = {
  jeq: (a, b) => a === b,
  jne: (a, b) => a !== b,
  jgt: (a, b) => belowUnsigned(b, a),
  jge: (a, b) => !belowUnsigned(a, b),
  jlt: (a, b) => belowUnsigned(a, b),
  jle: (a, b) => !belowUnsigned(b, a),
  jsgt: (a, b) => a > b,
  jsge: (a, b) => a >= b,
  jslt: (a, b) => a < b,
  jsle: (a, b) => a <= b,
  jset: () => undefined,
};

function holdsBetween(op: JumpOp, left: Scalar, right: Scalar, width: Width): boolean {
  if (width === 64 && !Number.isNaN(left.plain) && !Number.isNaN(right.plain)) {
    const plain = HOLDS_PLAIN[op](left.plain, right.plain);
    if (plain !== undefined) return plain;
  }
  return HOLDS[op](left.value, right.value, width);
}

const isPowerOfTwo = (x: bigint): boolean => x !== 0n && (x & (x - 1n)) === 0n;
const with64 = (s: Scalar, r64: Scalar['r64']): Scalar => new Scalar(s.bits, r64, s.r32);
const with32 = (s: Scalar, r32: Scalar['r32']): Scalar => new Scalar(s.bits, s.r64, r32);

function equal({ left, right }: Pair, width: Width): Pair {
  if (width === 32) {
    const r32 = intersect32(left.r32, right.r32);
    const low = tnumIntersect(tnumLow32(left.bits), tnumLow32(right.bits));
    return {
      left: new Scalar(tnumWithLow32(left.bits, low), left.r64, r32),
      right: new Scalar(tnumWithLow32(right.bits, low), right.r64, r32),
    };
  }
  const r64 = intersect64(left.r64, right.r64);
  const bits = tnumIntersect(left.bits, right.bits);
  return { left: new Scalar(bits, r64, left.r32), right: new Scalar(bits, r64, right.r32) };
}

/** Applies `narrow` to the side that faces a known value. */
function againstKnown(pair: Pair, width: Width, narrow: (s: Scalar, known: bigint) => Scalar): Pair {
  if (isKnown(pair.right, width)) return { left: narrow(pair.left, knownValue(pair.right, width)), right: pair.right };
  if (isKnown(pair.left, width)) return { left: pair.left, right: narrow(pair.right, knownValue(pair.left, width)) };
  return pair;
}

function unequal(pair: Pair, width: Width): Pair {
  return againstKnown(pair, width, (s, known) => {
    if (width === 32) return with32(s, intersect32(s.r32, fromUnsigned32(Number(known) + 1, Number(known) - 1)));
    return with64(s, intersect64(s.r64, fromUnsigned64(known + 1n, known - 1n)));
  });
}

function someCommonBit(pair: Pair, width: Width): Pair {
  return againstKnown(pair, width, (s, known) => {
    if (!isPowerOfTwo(known)) return s;
    const bit = tnumConst(known);
    const bits = width === 32 ? tnumWithLow32(s.bits, tnumOr(tnumLow32(s.bits), bit)) : tnumOr(s.bits, bit);
    return new Scalar(bits, s.r64, s.r32);
  });
}

function noCommonBit(pair: Pair, width: Width): Pair {
  return againstKnown(pair, width, (s, known) => {
    const clear = tnumConst(U64_MAX ^ known);
    const bits = width === 32 ? tnumWithLow32(s.bits, tnumAnd(tnumLow32(s.bits), clear)) : tnumAnd(s.bits, clear);
    // The ranges are given up, since on a dead branch they could contradict the narrowed bits.
    return new Scalar(bits, FULL_64, FULL_32);
  });
}

/** left <= right - gap, unsigned. */
function below({ left, right }: Pair, width: Width, gap: 0 | 1): Pair {
  if (width === 32) {
    const narrowed = with32(left, intersect32(left.r32, fromUnsigned32(0, (right.u32max - gap) >>> 0)));
    const least = (narrowed.u32min + gap) >>> 0;
    return { left: narrowed, right: with32(right, intersect32(right.r32, fromUnsigned32(least, 0xffff_ffff))) };
  }
  const wide = BigInt(gap);
  const narrowed = with64(left, intersect64(left.r64, fromUnsigned64(0n, BigInt.asUintN(64, right.umax - wide))));
  const least = BigInt.asUintN(64, narrowed.umin + wide);
  return { left: narrowed, right: with64(right, intersect64(right.r64, fromUnsigned64(least, U64_MAX))) };
}

/** left <= right - gap, signed. */
function belowSigned({ left, right }: Pair, width: Width, gap: 0 | 1): Pair {
  if (width === 32) {
    const narrowed = with32(left, intersect32(left.r32, fromSigned32(S32_MIN, (right.s32max - gap) | 0)));
    const least = (narrowed.s32min + gap) | 0;
    return { left: narrowed, right: with32(right, intersect32(right.r32, fromSigned32(least, S32_MAX))) };
  }
  const wide = BigInt(gap);
  const most = BigInt.asIntN(64, right.smax - wide);
  const narrowed = with64(left, intersect64(left.r64, fromSigned64(S64_MIN, most)));
  const least = BigInt.asIntN(64, narrowed.smin + wide);
  return { left: narrowed, right: with64(right, intersect64(right.r64, fromSigned64(least, S64_MAX))) };
}

const swapped = ({ left, right }: Pair): Pair => ({ left: right, right: left });

const REFINE: Record<Relation, (pair: Pair, width: Width) => Pair> = {
  jeq: equal,
  jne: unequal,
  jset: someCommonBit,
  not_jset: noCommonBit,
  jle: (p, w) => below(p, w, 0),
  jlt: (p, w) => below(p, w, 1),
  jge: (p, w) => swapped(below(swapped(p), w, 0)),
  jgt: (p, w) => swapped(below(swapped(p), w, 1)),
  jsle: (p, w) => belowSigned(p, w, 0),
  jslt: (p, w) => belowSigned(p, w, 1),
  jsge: (p, w) => swapped(belowSigned(swapped(p), w, 0)),
  jsgt: (p, w) => swapped(belowSigned(swapped(p), w, 1)),
};

/** What both sides may hold once the relation is known to hold. */
function refined(relation: Relation, pair: Pair, width: Width): Pair {
  const { left, right } = REFINE[relation](pair, width);
  return { left: resynced(left), right: resynced(right) };
}

const isDead = (pair: Pair): boolean => pair.left.isEmpty || pair.right.isEmpty;

/** An outcome that teaches nothing of the numbers. */
export const unrefined = (outcome: Outcome, pair: Pair): Comparison => ({ outcome, taken: pair, fallthrough: pair });

/** Decides `left op right` and refines both sides for either branch; `same` when both are one register. */
export function compare(op: JumpOp, left: Scalar, right: Scalar, width: Width, same: boolean): Comparison {
  const pair = { left, right };
  if (same) return unrefined(REFLEXIVE[op](left, width), pair);
  if (left.isConst && right.isConst) {
    return unrefined(holdsBetween(op, left, right, width) ? 'always' : 'never', pair);
  }
  return rememberedComparison(op, left, right, width);
}

const rememberedComparison = remembered((op: JumpOp, left: Scalar, right: Scalar, width: Width): Comparison => {
  const pair = { left, right };
  const outcome = DECIDE[op](left, right, width, boundsOf(left, width), boundsOf(right, width));
  if (outcome !== 'unknown') return unrefined(outcome, pair);
  // Refinement is sound: a branch on which nothing is possible is never taken.
  const fallthrough = refined(NEGATED[op], pair, width);
  if (isDead(fallthrough)) return unrefined('always', pair);
  const taken = refined(op, pair, width);
  if (isDead(taken)) return unrefined('never', pair);
  return { outcome: 'unknown', taken, fallthrough };
});
