import type { AluOp, AtomicOp, JumpOp } from '../../isa/opcodes.ts';
import { s32, s64, u32, u64 } from '../../isa/words.ts';

type Binary = (a: bigint, b: bigint) => bigint;

/** On unsigned 64-bit words; results still to be wrapped. Division by zero is defined: RFC 9669, section 4.1. */
export const ALU_64: Record<AluOp, Binary> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => (b === 0n ? 0n : a / b),
  mod: (a, b) => (b === 0n ? a : a % b),
  sdiv: (a, b) => (b === 0n ? 0n : s64(a) / s64(b)),
  smod: (a, b) => (b === 0n ? a : s64(a) % s64(b)),
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  xor: (a, b) => a ^ b,
  lsh: (a, b) => a << (b & 63n),
  rsh: (a, b) => a >> (b & 63n),
  arsh: (a, b) => s64(a) >> (b & 63n),
  mov: (_, b) => b,
};

/** On unsigned 32-bit words; results still to be wrapped to 32 bits. */
export const ALU_32: Record<AluOp, Binary> = {
  ...ALU_64,
  sdiv: (a, b) => (b === 0n ? 0n : s32(a) / s32(b)),
  smod: (a, b) => (b === 0n ? a : s32(a) % s32(b)),
  lsh: (a, b) => a << (b & 31n),
  rsh: (a, b) => a >> (b & 31n),
  arsh: (a, b) => s32(a) >> (b & 31n),
};

type Condition = (a: bigint, b: bigint, signed: (value: bigint) => bigint) => boolean;

/** On unsigned words of the jump's width; `signed` reads one as signed. */
export const CONDITIONS: Record<JumpOp, Condition> = {
  jeq: (a, b) => a === b,
  jne: (a, b) => a !== b,
  jset: (a, b) => (a & b) !== 0n,
  jgt: (a, b) => a > b,
  jge: (a, b) => a >= b,
  jlt: (a, b) => a < b,
  jle: (a, b) => a <= b,
  jsgt: (a, b, signed) => signed(a) > signed(b),
  jsge: (a, b, signed) => signed(a) >= signed(b),
  jslt: (a, b, signed) => signed(a) < signed(b),
  jsle: (a, b, signed) => signed(a) <= signed(b),
};

/** The new value of memory; `expected` is r0, which only cmpxchg looks at. */
export const ATOMICS: Record<AtomicOp, (old: bigint, operand: bigint, expected: bigint) => bigint> = {
  add: (old, operand) => old + operand,
  or: (old, operand) => old | operand,
  and: (old, operand) => old & operand,
  xor: (old, operand) => old ^ operand,
  xchg: (_, operand) => operand,
  cmpxchg: (old, operand, expected) => (old === expected ? operand : old),
};

/** Wraps to a width. */
export function wrap(width: 32 | 64, value: bigint): bigint {
  return width === 64 ? u64(value) : u32(value);
}

/** Reverses the bytes of the low `bits`; what is above becomes zero. */
export function swapBytes(value: bigint, bits: number): bigint {
  let result = 0n;
  for (let at = 0; at < bits; at += 8) result = (result << 8n) | ((value >> BigInt(at)) & 0xffn);
  return result;
}
