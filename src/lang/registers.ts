/**
 * Registers by the names that reg() takes (hence `orig_rax`, which Linux calls orig_ax), and their offset in x86-64's
 * struct pt_regs (arch/x86/include/asm/ptrace.h).
 */
export const X86_REGISTERS = {
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
export type RegisterName = keyof typeof X86_REGISTERS;

/** Where the six integer arguments of a function are at its entry. */
export const ARGUMENT_REGISTERS = ['di', 'si', 'dx', 'cx', 'r8', 'r9'] as const satisfies readonly RegisterName[];

export function isRegister(name: string): name is RegisterName {
  return Object.hasOwn(X86_REGISTERS, name);
}
