import type { Abi } from './abi.ts';

/*
 * struct pt_regs of AArch64 (arch/arm64/include/asm/ptrace.h, Linux 7.2); struct user_pt_regs is its beginning.
 *
 *   0 regs[31] | 248 sp | 256 pc | 264 pstate || 272 orig_x0 | 280 syscallno | 284 pmr | 288 sdei_ttbr1 | 296 stackframe .. 320
 */
const SP = 248;
const PC = 256;
const PSTATE = 264;
/** Of system calls: the first argument before the result takes its place. */
export const ARM64_ORIG_X0 = 272;
/** Number of the system call that is under way, -1: none. */
export const ARM64_SYSCALLNO = 280;
const PT_REGS_SIZE = 320;
const USER_PT_REGS_SIZE = 272;
const GENERAL_REGISTERS = 31;
const FRAME_POINTER = 29;
const LINK_REGISTER = 30;

const x = (n: number): number => 8 * n;
const general = (name: (n: number) => string): Record<string, number> =>
  Object.fromEntries(Array.from({ length: GENERAL_REGISTERS }, (_, n) => [name(n), x(n)]));
const first = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => x(n));

/** AArch64: the procedure call standard and Linux's conventions. */
export const ARM64: Abi = {
  name: 'arm64',
  machine: 'aarch64',
  define: '__aarch64__',
  registers: { ...general((n) => `x${n}`), lr: x(LINK_REGISTER), sp: SP, pc: PC, pstate: PSTATE },
  // bpftrace has names of its own: no x0. Those of 32-bit programs are among them.
  scriptRegisters: {
    ...general((n) => `r${n}`),
    ...general((n) => `regs[${n}]`),
    compat_fp: x(11),
    compat_sp: x(13),
    compat_lr: x(14),
    sp: SP,
    pc: PC,
    pstate: PSTATE,
  },
  operandRegisters: new Map([...Object.entries(general((n) => `x${n}`)), ['sp', SP]]),
  operandSyntax: {
    constant: /^(?<value>-?\d+)$/,
    register: /^(?<register>[a-z]\w*)$/,
    memory: /^\[(?<base>\w+)(?:, ?(?<displacement>-?\d+))?\]$/,
  },
  registersBytes: PT_REGS_SIZE,
  userRegistersBytes: USER_PT_REGS_SIZE,
  generalBytes: PSTATE,
  arguments: first(8),
  systemCallArguments: first(6),
  result: x(0),
  ip: PC,
  sp: SP,
  fp: x(FRAME_POINTER),
  flags: PSTATE,
  original: ARM64_ORIG_X0,
  link: x(LINK_REGISTER),
  stackArguments: 0,
  // PSR_MODE_EL0t
  userMode: { at: PSTATE, mask: 0xf, value: 0 },
  hasUsermodeBuiltin: false,
  alignment: 4,
  systemCallPrefix: '__arm64_sys_',
  watchpointModes: ['r', 'w', 'x', 'rw'],
};
