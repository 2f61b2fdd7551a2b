/**
 * Offsets in struct pt_regs (arch/x86/include/asm/ptrace.h), by the names that bpftrace's reg() takes on x86-64.
 */
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
  orig_rax: 120,
  ip: 128,
  cs: 136,
  flags: 144,
  sp: 152,
  ss: 160,
} as const satisfies Record<string, number>;
export type RegisterName = keyof typeof PT_REGS;

export function isRegister(name: string): name is RegisterName {
  return Object.hasOwn(PT_REGS, name);
}

/** System V order; further arguments are on the stack. */
const ARGUMENTS = [PT_REGS.di, PT_REGS.si, PT_REGS.dx, PT_REGS.cx, PT_REGS.r8, PT_REGS.r9] as const;

export function argumentRegister(index: number): number | undefined {
  return ARGUMENTS[index];
}
