/** struct pt_regs of x86-64 (arch/x86/include/asm/ptrace.h): byte offsets; sizes are 8 each. */
export const PT_REGS = {
  r15: 0,
  r14: 8,
  r13: 16,
  r12: 24,
  bp: 32,
  bx: 40,
  r11: 48,
  r10: 56,
  r9: 64,
  r8: 72,
  ax: 80,
  cx: 88,
  dx: 96,
  si: 104,
  di: 112,
  orig_ax: 120,
  ip: 128,
  cs: 136,
  flags: 144,
  sp: 152,
  ss: 160,
} as const;
export const PT_REGS_SIZE = 168;
export const KERNEL_CS = 0x10;
export const KERNEL_DS = 0x18;
export const USER_CS = 0x33;
export const USER_DS = 0x2b;
/** IF and the always-set bit 1. */
export const FLAGS_IF = 0x246;
export const FLAGS_NO_IF = 0x46;
/** Where the six register arguments of a call go, in order (System V ABI). */
export const ARGUMENT_REGISTERS = [PT_REGS.di, PT_REGS.si, PT_REGS.dx, PT_REGS.cx, PT_REGS.r8, PT_REGS.r9] as const;
