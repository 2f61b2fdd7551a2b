import { PT_REGS } from '../btf/pt-regs.ts';

const { orig_ax, ...sameNames } = PT_REGS;
/** Registers by the names that reg() takes (hence `orig_rax`, which Linux calls orig_ax), and their offset in struct pt_regs. */
export const X86_REGISTERS = { ...sameNames, orig_rax: orig_ax } as const;
export type RegisterName = keyof typeof X86_REGISTERS;

/** Where the six integer arguments of a function are at its entry. */
export const ARGUMENT_REGISTERS = ['di', 'si', 'dx', 'cx', 'r8', 'r9'] as const satisfies readonly RegisterName[];

export function isRegister(name: string): name is RegisterName {
  return Object.hasOwn(X86_REGISTERS, name);
}
