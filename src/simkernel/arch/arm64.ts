import { ARM64 as ABI, ARM64_ORIG_X0, ARM64_SYSCALLNO } from '../../btf/abi/arm64.ts';
import { X86_64 as X86_ABI } from '../../btf/abi/x86-64.ts';
import { PT_REGS } from '../../btf/pt-regs.ts';
import { parseUsdtOperands } from '../../btf/usdt-operand.ts';
import type { UsdtOperand } from '../../btf/usdt-operand.ts';
import { FLAGS, FLAGS_NO_IF } from '../cpu/registers.ts';
import * as code from '../execution/arm64-code.ts';
import { INSTRUCTION_BYTES } from '../execution/arm64-code.ts';
import { arm64FrameEnd, generateArm64 } from '../execution/arm64-text.ts';
import { CALL_SITES } from '../execution/code.ts';
import { emitArm64Function } from '../programs/arm64-image-text.ts';
import { syscallByName } from '../syscalls.ts';
import type { Architecture, FrameFormat } from './architecture.ts';
import { arm64SystemCalls } from './arm64-syscalls.ts';
import { bug } from '../../source/bug.ts';

/** PSTATE (arch/arm64/include/uapi/asm/ptrace.h): interrupts masked, software step, mode; carry and zero as good as any. */
const PSR = { I: 0x80, SS: 1 << 21, MODE: 0xf, EL1h: 5 } as const;
const KERNEL_PSTATE = 0x6040_0000 | PSR.EL1h;
const USER_PSTATE = 0x6000_1000;

const conditions = (flags: number): number =>
  ((flags & FLAGS.interrupt) === 0 ? PSR.I : 0) | ((flags & FLAGS.trap) === 0 ? 0 : PSR.SS);
const frames: FrameFormat = {
  storeMode(words, regs, flags, fromUser) {
    const at = (regs + ABI.flags) >> 2;
    words[at] = (fromUser ? USER_PSTATE : KERNEL_PSTATE) | conditions(flags);
    words[at + 1] = 0;
  },
  loadFlags(words, regs) {
    const pstate = words[(regs + ABI.flags) >> 2]!;
    const interrupt = (pstate & PSR.I) === 0 ? FLAGS.interrupt : 0;
    return FLAGS_NO_IF | interrupt | ((pstate & PSR.SS) === 0 ? 0 : FLAGS.trap);
  },
  storeFlags(words, regs, flags) {
    const at = (regs + ABI.flags) >> 2;
    words[at] = (words[at]! & ~(PSR.I | PSR.SS)) | conditions(flags);
  },
  storeSystemCall(words, regs, number, first) {
    const x8 = (regs + ABI.registers['x8']!) >> 2;
    words[x8] = number;
    words[x8 + 1] = 0;
    words[(regs + ARM64_ORIG_X0) >> 2] = first | 0;
    words[((regs + ARM64_ORIG_X0) >> 2) + 1] = Math.floor(first / 4294967296);
    words[(regs + ARM64_SYSCALLNO) >> 2] = number;
  },
};

const wordAt = (bytes: Uint8Array, offset: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset, true);
const bytesOf = (word: number): readonly number[] => [0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff);

function disassemble(bytes: Uint8Array, at: number, symbol: (target: number) => string): string {
  const word = wordAt(bytes, 0);
  return code.isBranchLink(word)
    ? `bl\t${symbol(at + code.branchDistance(word))}`
    : (code.disassembleArm64(word) ?? '');
}

/** Functions whose name is the architecture's; those of a system call's entry are one for one. */
const NAMES: Readonly<Record<string, string>> = {
  entry_SYSCALL_64_after_hwframe: 'el0t_64_sync',
  do_syscall_64: 'do_el0_svc',
  x64_sys_call: 'invoke_syscall',
  kprobe_int3_handler: 'kprobe_brk_handler',
  kprobe_debug_handler: 'kprobe_ss_brk_handler',
  ftrace_regs_caller: 'ftrace_caller',
  pv_native_safe_halt: 'cpu_do_idle',
};
const DECLARED = new Map(Object.entries(NAMES).map(([declared, own]) => [own, declared]));
const { systemCallPrefix: X86_PREFIX } = X86_ABI;
const NO_CALL = 'ni_syscall';

function hasSystemCall(entry: string): boolean {
  const row = syscallByName(entry);
  return row === undefined || arm64SystemCalls().has(row.number);
}

/** Where a compiler keeps what it has in these registers of x86. */
const COUNTERPARTS: ReadonlyMap<number, string> = new Map([
  ...X86_ABI.arguments.map((offset, i): [number, string] => [offset, `x${i}`]),
  [PT_REGS.ax, 'x6'],
  [PT_REGS.r10, 'x9'],
  [PT_REGS.r11, 'x10'],
  [PT_REGS.bx, 'x19'],
  [PT_REGS.r12, 'x20'],
  [PT_REGS.r13, 'x21'],
  [PT_REGS.r14, 'x22'],
  [PT_REGS.r15, 'x23'],
  [PT_REGS.bp, 'x29'],
  [PT_REGS.sp, 'sp'],
]);
function operandText(operand: UsdtOperand): string {
  const size = `${operand.signed ? '-' : ''}${operand.size}@`;
  if (operand.kind === 'constant') return `${size}${operand.value}`;
  const register = COUNTERPARTS.get(operand.register);
  if (register === undefined) bug(`register ${operand.register} of x86 has no counterpart`);
  if (operand.kind === 'register') return size + register;
  return `${size}[${register}${operand.displacement === 0 ? '' : `, ${operand.displacement}`}]`;
}

/** AArch64: its registers, code and breakpoints; interrupts and exceptions are delivered as on x86. */
export const ARM64: Architecture = {
  abi: ABI,
  registerWords: ABI.generalBytes / 4,
  frames,
  kernelCode: {
    sites: CALL_SITES,
    generate: generateArm64,
    // Calls go through a register.
    link: () => undefined,
    // Behind bti c: mov x9, x30, then the call.
    ftraceSite: { offset: INSTRUCTION_BYTES, end: 3 * INSTRUCTION_BYTES },
    callTracer(view, entry, tracer) {
      const at = entry + 2 * INSTRUCTION_BYTES;
      view.setUint32(at - INSTRUCTION_BYTES, code.SAVE_LINK, true);
      view.setUint32(at, code.branchLink(tracer - at), true);
    },
    // arch/arm64 has no CONFIG_KPROBES_ON_FTRACE.
    kprobesUseFtrace: false,
    // sub, stp and add are its last three.
    stackLowered: (traceable) => arm64FrameEnd(traceable) - 3 * INSTRUCTION_BYTES,
    frameEnd: arm64FrameEnd,
    rawText: (bytes) => `${wordAt(bytes, 0).toString(16).padStart(8, '0')} `,
    disassemble,
  },
  userCode: {
    emitFunction: emitArm64Function,
    align: (offset) => offset - (offset % INSTRUCTION_BYTES),
    emulatedLength: ({ bytes }, offset) => (code.isSimulated(wordAt(bytes, offset)) ? INSTRUCTION_BYTES : 0),
    // perf_callchain_user follows x29 alone: at a function's first instruction its caller is missing.
    startsFunction: () => false,
    operands: (text) =>
      parseUsdtOperands(text, X86_ABI)
        .map((operand) => {
          if (operand === undefined) bug(`no tracer understands the operands ${text}`);
          return operandText(operand);
        })
        .join(' '),
  },
  breakpoint: {
    kprobe: bytesOf(code.BREAKPOINTS.kprobe),
    uprobe: bytesOf(code.BREAKPOINTS.uprobe),
    step: bytesOf(code.BREAKPOINTS.kprobeStep),
    advance: 0,
    isSimulated: (bytes, offset) => code.isSimulated(wordAt(bytes, offset)),
    returnsBySystemCall: false,
  },
  runsOutsidePrograms: false,
  ownName(declared) {
    if (!declared.startsWith(X86_PREFIX)) return NAMES[declared] ?? declared;
    const entry = declared.slice(X86_PREFIX.length);
    return entry === NO_CALL || hasSystemCall(entry) ? ABI.systemCallPrefix + entry : undefined;
  },
  declaredName: (own) =>
    own.startsWith(ABI.systemCallPrefix)
      ? X86_PREFIX + own.slice(ABI.systemCallPrefix.length)
      : own.startsWith(X86_PREFIX) || Object.hasOwn(NAMES, own)
        ? ''
        : (DECLARED.get(own) ?? own),
  systemCallNumber: (declared) => arm64SystemCalls().get(declared),
};
