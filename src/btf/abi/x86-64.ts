import { PT_REGS, PT_REGS_SIZE } from '../pt-regs.ts';
import type { Abi } from './abi.ts';

const { orig_ax, ...sameNames } = PT_REGS;

/** rax, eax, ax, al; r8, r8d, r8w, r8b. */
const OPERAND_REGISTERS = new Map<string, number>([
  ...(['ax', 'bx', 'cx', 'dx'] as const).flatMap((name): [string, number][] =>
    [`r${name}`, `e${name}`, name, `${name[0]!}l`].map((each) => [each, PT_REGS[name]]),
  ),
  ...(['si', 'di', 'bp', 'sp'] as const).flatMap((name): [string, number][] =>
    [`r${name}`, `e${name}`, name, `${name}l`].map((each) => [each, PT_REGS[name]]),
  ),
  ...(['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'] as const).flatMap((name): [string, number][] =>
    [name, `${name}d`, `${name}w`, `${name}b`].map((each) => [each, PT_REGS[name]]),
  ),
  ['rip', PT_REGS.ip],
]);

/** x86-64: the System V ABI and Linux's conventions. */
export const X86_64: Abi = {
  name: 'x86_64',
  machine: 'x86_64',
  define: '__x86_64__',
  registers: PT_REGS,
  // Linux calls it orig_ax.
  scriptRegisters: { ...sameNames, pc: PT_REGS.ip, orig_rax: orig_ax },
  operandRegisters: OPERAND_REGISTERS,
  operandSyntax: {
    constant: /^\$(?<value>-?\d+)$/,
    register: /^%(?<register>\w+)$/,
    memory: /^(?<displacement>-?\d+)?\(%(?<base>\w+)\)$/,
  },
  registersBytes: PT_REGS_SIZE,
  userRegistersBytes: PT_REGS_SIZE,
  generalBytes: PT_REGS.orig_ax,
  arguments: [PT_REGS.di, PT_REGS.si, PT_REGS.dx, PT_REGS.cx, PT_REGS.r8, PT_REGS.r9],
  systemCallArguments: [PT_REGS.di, PT_REGS.si, PT_REGS.dx, PT_REGS.r10, PT_REGS.r8, PT_REGS.r9],
  result: PT_REGS.ax,
  ip: PT_REGS.ip,
  sp: PT_REGS.sp,
  fp: PT_REGS.bp,
  flags: PT_REGS.flags,
  original: PT_REGS.orig_ax,
  link: undefined,
  stackArguments: 8,
  userMode: { at: PT_REGS.cs, mask: 3, value: 3 },
  hasUsermodeBuiltin: true,
  alignment: 1,
  systemCallPrefix: '__x64_sys_',
  watchpointModes: ['x', 'w', 'rw'],
};
