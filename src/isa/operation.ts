import type { AccessSize, AluOp, AtomicOp, CalleeKind, JumpOp, OperandSource, PseudoKind } from './opcodes.ts';

export type Width = 32 | 64;

/**
 * What a slot means, once decoded. Registers and immediates stay in the Insn; every reader (verifier, interpreter, JIT,
 * disassembler) switches on `kind` and has a total record over the operation names.
 */
export type Operation =
  | { readonly kind: 'alu'; readonly op: AluOp; readonly width: Width; readonly source: OperandSource }
  | { readonly kind: 'neg'; readonly width: Width }
  /** Sign-extending move of the low `bits` of src. */
  | { readonly kind: 'movsx'; readonly width: Width; readonly bits: 8 | 16 | 32 }
  /** `imm` bits: to little endian, to big endian (class alu) or an unconditional swap (class alu64). */
  | { readonly kind: 'end'; readonly order: 'le' | 'be' | 'bswap'; readonly bits: 16 | 32 | 64 }
  | { readonly kind: 'jump'; readonly op: JumpOp; readonly width: Width; readonly source: OperandSource }
  /** Unconditional; `wide` (gotol, class jmp32) takes its offset from `imm`. */
  | { readonly kind: 'ja'; readonly wide: boolean }
  /** may_goto (Linux 6.9+, JCOND): opcode 0xe5. */
  | { readonly kind: 'may_goto' }
  | { readonly kind: 'call'; readonly callee: CalleeKind }
  /** Call through a register (callx), known to the RFC but not to the kernel's verifier. */
  | { readonly kind: 'callx' }
  | { readonly kind: 'exit' }
  | { readonly kind: 'load'; readonly size: AccessSize; readonly signed: boolean }
  | { readonly kind: 'store'; readonly size: AccessSize; readonly source: OperandSource }
  | { readonly kind: 'atomic'; readonly op: AtomicOp; readonly size: AccessSize; readonly fetch: boolean }
  | { readonly kind: 'load_acquire'; readonly size: AccessSize }
  | { readonly kind: 'store_release'; readonly size: AccessSize }
  | { readonly kind: 'ld_imm64'; readonly pseudo: PseudoKind }
  /** Legacy packet access. */
  | { readonly kind: 'ld_packet'; readonly mode: 'abs' | 'ind'; readonly size: AccessSize };
export type OperationKind = Operation['kind'];
