/** Wraps to an unsigned 64-bit word. */
export function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

/** Wraps to a signed 64-bit word. */
export function s64(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

/** Wraps to an unsigned 32-bit word. */
export function u32(value: bigint): bigint {
  return BigInt.asUintN(32, value);
}

/** Wraps to a signed 32-bit word. */
export function s32(value: bigint): bigint {
  return BigInt.asIntN(32, value);
}

/** The low half of a word, as the int32 that engines and instructions hold. */
export function lowHalf(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}

/** The high half of a word, as int32. */
export function highHalf(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n));
}

/** The unsigned 64-bit word with these int32 halves. */
export function joinHalves(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
