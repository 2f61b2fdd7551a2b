import type { AccessSize, AluOp, AtomicOp, JumpOp } from '../../isa/opcodes.ts';
import { OP } from './code.ts';

/** Opcodes of an eBPF operation on 32 and on 64 bits. Both count shifts modulo the width, as eBPF does. */
interface Widths {
  readonly 32: number;
  readonly 64: number;
}

export const ALU_OPCODES: Record<Exclude<AluOp, 'mov'>, Widths> = {
  add: { 32: 0x6a, 64: 0x7c },
  sub: { 32: 0x6b, 64: 0x7d },
  mul: { 32: 0x6c, 64: 0x7e },
  sdiv: { 32: 0x6d, 64: 0x7f },
  div: { 32: 0x6e, 64: 0x80 },
  smod: { 32: 0x6f, 64: 0x81 },
  mod: { 32: 0x70, 64: 0x82 },
  and: { 32: 0x71, 64: 0x83 },
  or: { 32: 0x72, 64: 0x84 },
  xor: { 32: 0x73, 64: 0x85 },
  lsh: { 32: 0x74, 64: 0x86 },
  arsh: { 32: 0x75, 64: 0x87 },
  rsh: { 32: 0x76, 64: 0x88 },
};

/** Comparisons; `jset` is an `and` and a test of its own. */
export const JUMP_OPCODES: Record<Exclude<JumpOp, 'jset'>, Widths> = {
  jeq: { 32: 0x46, 64: 0x51 },
  jne: { 32: 0x47, 64: 0x52 },
  jslt: { 32: 0x48, 64: 0x53 },
  jlt: { 32: 0x49, 64: 0x54 },
  jsgt: { 32: 0x4a, 64: 0x55 },
  jgt: { 32: 0x4b, 64: 0x56 },
  jsle: { 32: 0x4c, 64: 0x57 },
  jle: { 32: 0x4d, 64: 0x58 },
  jsge: { 32: 0x4e, 64: 0x59 },
  jge: { 32: 0x4f, 64: 0x5a },
};

export const EXTEND_OPCODES: Record<8 | 16 | 32, Widths> = {
  8: { 32: 0xc0, 64: 0xc2 },
  16: { 32: 0xc1, 64: 0xc3 },
  // On 32 bits there is nothing to do; such an instruction does not exist.
  32: { 32: 0x01, 64: 0xc4 },
};

/** Loads to a 64-bit word, with zero or sign extension, and stores of its low bytes. */
export const LOAD_OPCODES: Record<AccessSize, number> = { 1: 0x31, 2: 0x33, 4: 0x35, 8: OP.i64_load };
export const SIGNED_LOAD_OPCODES: Record<AccessSize, number> = { 1: 0x30, 2: 0x32, 4: 0x34, 8: OP.i64_load };
export const STORE_OPCODES: Record<AccessSize, number> = { 1: 0x3c, 2: 0x3d, 4: 0x3e, 8: OP.i64_store };

/** What an atomic operation makes of old value and operand. The low bits of a 64-bit result are those of a 32-bit one. */
export const ATOMIC_OPCODES: Record<Exclude<AtomicOp, 'xchg' | 'cmpxchg'>, number> = {
  add: OP.i64_add,
  or: OP.i64_or,
  and: OP.i64_and,
  xor: OP.i64_xor,
};
