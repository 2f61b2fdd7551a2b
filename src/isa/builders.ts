import { LD_IMM64 } from './decode.ts';
import type { Insn } from './instruction.ts';
import type { AccessSize, AluOp, AluRow, AtomicOp, JumpOp, PseudoKind } from './opcodes.ts';
import {
  ALU,
  ATOMIC,
  ATOMIC_FETCH,
  CALL_CODE,
  CALLEE,
  CLASS,
  END,
  EXIT,
  JA,
  JCOND,
  JUMP,
  LOAD_ACQUIRE,
  MODE,
  NEG,
  PSEUDO,
  SIZE_BITS,
  SOURCE,
  STORE_RELEASE,
} from './opcodes.ts';
import { highHalf, lowHalf } from './words.ts';

/** Register numbers, so that operands read like the disassembly. */
export const [R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] as const;

function insn(code: number, dst: number, src: number, off: number, imm: number): Insn {
  return { code, dst, src, off, imm };
}

function offOf(op: AluOp): number {
  const row: AluRow = ALU[op];
  return row.off ?? 0;
}

/** `rD op= imm`, the immediate sign-extended to 64 bits. */
export function alu64Imm(op: AluOp, dst: number, imm: number): Insn {
  return insn(CLASS.alu64 | ALU[op].code | SOURCE.imm, dst, 0, offOf(op), imm | 0);
}

/** `rD op= rS` */
export function alu64Reg(op: AluOp, dst: number, src: number): Insn {
  return insn(CLASS.alu64 | ALU[op].code | SOURCE.reg, dst, src, offOf(op), 0);
}

/** `wD op= imm`: on the low half, the high half becomes zero. */
export function alu32Imm(op: AluOp, dst: number, imm: number): Insn {
  return insn(CLASS.alu | ALU[op].code | SOURCE.imm, dst, 0, offOf(op), imm | 0);
}

/** `wD op= wS` */
export function alu32Reg(op: AluOp, dst: number, src: number): Insn {
  return insn(CLASS.alu | ALU[op].code | SOURCE.reg, dst, src, offOf(op), 0);
}

/** `rD = -rD` or, at 32 bits, `wD = -wD`. */
export function neg(width: 32 | 64, dst: number): Insn {
  return insn((width === 64 ? CLASS.alu64 : CLASS.alu) | NEG, dst, 0, 0, 0);
}

/** `rD = (sBITS)rS` */
export function movsx(width: 32 | 64, bits: 8 | 16 | 32, dst: number, src: number): Insn {
  return insn((width === 64 ? CLASS.alu64 : CLASS.alu) | ALU.mov.code | SOURCE.reg, dst, src, bits, 0);
}

/** `rD = le16 rD` and its like. */
export function swapBytes(order: 'le' | 'be' | 'bswap', bits: 16 | 32 | 64, dst: number): Insn {
  const code = order === 'bswap' ? CLASS.alu64 : CLASS.alu | (order === 'be' ? SOURCE.reg : SOURCE.imm);
  return insn(code | END, dst, 0, 0, bits);
}

/** `rD = value ll`: two slots. `pseudo` says what the loader makes of the immediate. */
export function loadImm64(dst: number, value: bigint, pseudo: PseudoKind = 'none'): [Insn, Insn] {
  return [insn(LD_IMM64, dst, PSEUDO[pseudo], 0, lowHalf(value)), insn(0, 0, 0, 0, highHalf(value))];
}

/** `rD = *(uN *)(rS + off)` */
export function load(size: AccessSize, dst: number, src: number, off: number): Insn {
  return insn(CLASS.ldx | MODE.mem | SIZE_BITS[size], dst, src, off, 0);
}

/** `rD = *(sN *)(rS + off)`, sign-extended. */
export function loadSigned(size: 1 | 2 | 4, dst: number, src: number, off: number): Insn {
  return insn(CLASS.ldx | MODE.memsx | SIZE_BITS[size], dst, src, off, 0);
}

/** `*(uN *)(rD + off) = rS` */
export function store(size: AccessSize, dst: number, off: number, src: number): Insn {
  return insn(CLASS.stx | MODE.mem | SIZE_BITS[size], dst, src, off, 0);
}

/** `*(uN *)(rD + off) = imm` */
export function storeImm(size: AccessSize, dst: number, off: number, imm: number): Insn {
  return insn(CLASS.st | MODE.mem | SIZE_BITS[size], dst, 0, off, imm | 0);
}

/** `lock *(uN *)(rD + off) op= rS`; with `fetch` rS gets the old value (r0 for cmpxchg). */
export function atomic(op: AtomicOp, size: 4 | 8, dst: number, off: number, src: number, fetch = false): Insn {
  const imm = ATOMIC[op].code | (fetch ? ATOMIC_FETCH : 0);
  return insn(CLASS.stx | MODE.atomic | SIZE_BITS[size], dst, src, off, imm);
}

/** `rD = load_acquire((uN *)(rS + off))` */
export function loadAcquire(size: AccessSize, dst: number, src: number, off: number): Insn {
  return insn(CLASS.stx | MODE.atomic | SIZE_BITS[size], dst, src, off, LOAD_ACQUIRE);
}

/** `store_release((uN *)(rD + off), rS)` */
export function storeRelease(size: AccessSize, dst: number, off: number, src: number): Insn {
  return insn(CLASS.stx | MODE.atomic | SIZE_BITS[size], dst, src, off, STORE_RELEASE);
}

/** `if rD op imm goto pc+off` */
export function jumpImm(op: JumpOp, dst: number, imm: number, off: number): Insn {
  return insn(CLASS.jmp | JUMP[op].code | SOURCE.imm, dst, 0, off, imm | 0);
}

/** `if rD op rS goto pc+off` */
export function jumpReg(op: JumpOp, dst: number, src: number, off: number): Insn {
  return insn(CLASS.jmp | JUMP[op].code | SOURCE.reg, dst, src, off, 0);
}

/** `if wD op imm goto pc+off` */
export function jump32Imm(op: JumpOp, dst: number, imm: number, off: number): Insn {
  return insn(CLASS.jmp32 | JUMP[op].code | SOURCE.imm, dst, 0, off, imm | 0);
}

/** `if wD op wS goto pc+off` */
export function jump32Reg(op: JumpOp, dst: number, src: number, off: number): Insn {
  return insn(CLASS.jmp32 | JUMP[op].code | SOURCE.reg, dst, src, off, 0);
}

/** `goto pc+off` */
export function goto(off: number): Insn {
  return insn(CLASS.jmp | JA, 0, 0, off, 0);
}

/** `gotol pc+offset`: reaches further than 16 bits. */
export function gotoLong(offset: number): Insn {
  return insn(CLASS.jmp32 | JA, 0, 0, 0, offset);
}

/** `may_goto pc+off` */
export function mayGoto(off: number): Insn {
  return insn(CLASS.jmp | JCOND, 0, 0, off, 0);
}

/** `call` of the helper with this number. */
export function callHelper(id: number): Insn {
  return insn(CALL_CODE, 0, CALLEE.helper, 0, id);
}

/** `call` of the kernel's own function with this number in its BTF. */
export function callKernel(id: number): Insn {
  return insn(CALL_CODE, 0, CALLEE.kfunc, 0, id);
}

/** `call pc+offset`: a subprogram. */
export function callSubprogram(offset: number): Insn {
  return insn(CALL_CODE, 0, CALLEE.subprogram, 0, offset);
}

/** `exit` */
export function exit(): Insn {
  return insn(CLASS.jmp | EXIT, 0, 0, 0, 0);
}
