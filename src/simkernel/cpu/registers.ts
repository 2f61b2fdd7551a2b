import { PT_REGS } from '../../btf/pt-regs.ts';

export const KERNEL_CS = 0x10;
export const KERNEL_DS = 0x18;
export const USER_CS = 0x33;
export const USER_DS = 0x2b;
/** IF and the always-set bit 1. */
export const FLAGS_IF = 0x246;
export const FLAGS_NO_IF = 0x46;
/** Where the six register arguments of a call go, in order (System V ABI). */
export const ARGUMENT_REGISTERS = [PT_REGS.di, PT_REGS.si, PT_REGS.dx, PT_REGS.cx, PT_REGS.r8, PT_REGS.r9] as const;
