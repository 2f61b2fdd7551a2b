import type { CurrentLocations } from '../abi/execution.ts';

/**
 * What the JIT knows about a register at a point, from a dataflow analysis of its own over all edges: nothing here comes
 * from ranges that the verifier saw on explored paths.
 */
export interface Value {
  /** Ways in which the high half follows from the low half, all of which hold (`HIGH` bits). 0: it has a variable. */
  readonly highs: number;
  /** The low half is `symbol + low` (or just `low`). */
  readonly symbol: string | undefined;
  readonly low: number | undefined;
  /** The high half, when it is one number that no `HIGH` bit describes. */
  readonly high: number | undefined;
  /** The low half is a multiple of 2 ** align (at most 8). */
  readonly align: number;
  /** The low half, read as unsigned, is at most this. */
  readonly max: number;
  /** The word at this place, which is a number when it is taken for a double, still equals the register. */
  readonly copyOf: keyof CurrentLocations | undefined;
}

export const HIGH = {
  zero: 1,
  /** Sign of the low half. */
  sign: 2,
  /** The constant high half of every arena address. */
  pointer: 4,
  /** Zero if the low half is zero, otherwise that of an arena address. */
  pointerOrNull: 8,
} as const;

const MAX_ALIGN = 3;
export const MAX_U32 = 0xffffffff;
export const MAX_S32 = 0x7fffffff;

/** Nothing is known: both halves are variables. */
export const FULL: Value = {
  highs: 0,
  symbol: undefined,
  low: undefined,
  high: undefined,
  align: 0,
  max: MAX_U32,
  copyOf: undefined,
};
/** A 32-bit result. */
export const ZERO_EXTENDED: Value = { ...FULL, highs: HIGH.zero };
export const SIGN_EXTENDED: Value = { ...FULL, highs: HIGH.sign };
/** Objects in the arena start at multiples of 8. */
export const POINTER_OR_NULL: Value = { ...FULL, highs: HIGH.pointerOrNull, align: MAX_ALIGN };

/** A word with a zero high half whose low half is at most `max`. */
export function bounded(max: number, align = 0): Value {
  return { ...FULL, highs: max <= MAX_S32 ? HIGH.zero | HIGH.sign : HIGH.zero, max, align };
}

/** A known 64-bit word, from its int32 halves. */
export function constant(low: number, high: number): Value {
  const highs =
    (high === 0 ? HIGH.zero : 0) |
    (high === low >> 31 ? HIGH.sign : 0) |
    (low === 0 && high === 0 ? HIGH.pointerOrNull : 0);
  return { ...FULL, highs, low, high: highs === 0 ? high : undefined, align: alignOf(low), max: low >>> 0 };
}

/** An arena address that generated code has under a name, plus a distance inside its object. */
export function address(symbol: string, offset: number): Value {
  return {
    ...FULL,
    highs: HIGH.pointer | HIGH.pointerOrNull,
    symbol,
    low: offset,
    align: alignOf(offset),
    max: MAX_S32,
  };
}

/** The exponent of the largest power of two up to 8 that divides a number. */
export function alignOf(low: number): number {
  return low === 0 ? MAX_ALIGN : Math.min(MAX_ALIGN, 31 - Math.clz32(low & -low));
}

/** A 32-bit number sign-extended to 64 bits. */
export function immediate(imm: number): Value {
  return constant(imm, imm >> 31);
}

/** Both halves as one number, when they are known. */
export function asConstant(value: Value): { readonly low: number; readonly high: number } | undefined {
  const { low, highs, high, symbol } = value;
  if (low === undefined || symbol !== undefined) return undefined;
  if (high !== undefined) return { low, high };
  if ((highs & HIGH.zero) !== 0) return { low, high: 0 };
  if ((highs & HIGH.sign) !== 0) return { low, high: low >> 31 };
  return undefined;
}

/** Whether the high half lives in a variable of its own. */
export function hasHighVariable(value: Value): boolean {
  return value.highs === 0 && value.high === undefined;
}

/** Whether the high half, which has no variable, is computed from the low half's variable. */
export function highNeedsLow({ highs, high, low }: Value): boolean {
  return low === undefined && high === undefined && highs !== 0 && (highs & (HIGH.zero | HIGH.pointer)) === 0;
}

/** What holds whichever of two values a register has. */
export function join(a: Value, b: Value): Value {
  const sameLow = a.low === b.low && a.symbol === b.symbol;
  return {
    highs: a.highs & b.highs,
    symbol: sameLow ? a.symbol : undefined,
    low: sameLow ? a.low : undefined,
    high: a.high === b.high ? a.high : undefined,
    align: Math.min(a.align, b.align),
    max: Math.max(a.max, b.max),
    copyOf: a.copyOf === b.copyOf ? a.copyOf : undefined,
  };
}

export function equalValues(a: Value, b: Value): boolean {
  return (
    a.highs === b.highs &&
    a.low === b.low &&
    a.symbol === b.symbol &&
    a.high === b.high &&
    a.align === b.align &&
    a.max === b.max &&
    a.copyOf === b.copyOf
  );
}
