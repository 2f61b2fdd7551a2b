import { X86_64 as ABI } from '../../btf/abi/x86-64.ts';
import { PT_REGS } from '../../btf/pt-regs.ts';
import { KERNEL_CS, KERNEL_DS, USER_CS, USER_DS } from '../cpu/registers.ts';
import { generateX86, linkX86 } from '../execution/x86-text.ts';
import { emitFunction } from '../programs/image-text.ts';
import type { Architecture, FrameFormat } from './architecture.ts';
import { disassembleX86 } from './x86-disassembly.ts';
import { ENOSYS } from '../errno.ts';
import { syscalls } from '../syscalls.ts';

const CALL = 0xe8;
const INT3 = 0xcc;
/** endbr64, then the 5-byte nop that ftrace turns into a call. */
const FENTRY_OFFSET = 4;
const FENTRY_SIZE = 5;

const frames: FrameFormat = {
  storeMode(words, regs, flags, fromUser) {
    const at = regs >> 2;
    words[at + PT_REGS.cs / 4] = fromUser ? USER_CS : KERNEL_CS;
    words[at + PT_REGS.cs / 4 + 1] = 0;
    words[at + PT_REGS.flags / 4] = flags;
    words[at + PT_REGS.flags / 4 + 1] = 0;
    words[at + PT_REGS.ss / 4] = fromUser ? USER_DS : KERNEL_DS;
    words[at + PT_REGS.ss / 4 + 1] = 0;
  },
  loadFlags: (words, regs) => words[(regs + PT_REGS.flags) >> 2]!,
  storeFlags(words, regs, flags) {
    words[(regs + PT_REGS.flags) >> 2] = flags;
  },
  storeSystemCall(words, regs, number) {
    const at = regs >> 2;
    words[at + PT_REGS.orig_ax / 4] = number;
    words[at + PT_REGS.orig_ax / 4 + 1] = 0;
    words[at + PT_REGS.ax / 4] = -ENOSYS;
    words[at + PT_REGS.ax / 4 + 1] = -1;
    // The syscall instruction leaves the return address and the flags in rcx and r11.
    words[at + PT_REGS.cx / 4] = words[at + PT_REGS.ip / 4]!;
    words[at + PT_REGS.cx / 4 + 1] = words[at + PT_REGS.ip / 4 + 1]!;
    words[at + PT_REGS.r11 / 4] = words[at + PT_REGS.flags / 4]!;
  },
};

const PUSH_FIRST = 0x50;
const PUSH_LAST = 0x57;
const PUSH_RBP = 0x55;
const ENDBR64_FIRST = 0xf3;
/** nop, call, jmp of either length: arch/x86/kernel/uprobes.c does their work itself. */
const EMULATED = new Set([0x90, CALL, 0xe9, 0xeb]);

const SHOWN_BYTES = 7;
/** arch/x86/include/asm/syscall_wrapper.h: SYSCALL_DEFINE0 */
const SYSTEM_CALL = '__x64_sys_';
const INNER_CALL = '__do_sys_';
let callsWithoutParameters: ReadonlySet<string> | undefined;
function takesNothing(entry: string): boolean {
  callsWithoutParameters ??= new Set([
    'ni_syscall',
    ...syscalls().flatMap((row) => (row.parameters.length === 0 ? [row.entry] : [])),
  ]);
  return callsWithoutParameters.has(entry);
}

/** The architecture in whose terms the machine itself is written. */
export const X86_64: Architecture = {
  abi: ABI,
  registerWords: ABI.generalBytes / 4,
  frames,
  kernelCode: {
    sites: 0,
    generate: generateX86,
    link: linkX86,
    ftraceSite: { offset: FENTRY_OFFSET, end: FENTRY_OFFSET + FENTRY_SIZE },
    callTracer(view, entry, tracer) {
      const end = entry + FENTRY_OFFSET + FENTRY_SIZE;
      view.setUint8(end - FENTRY_SIZE, CALL);
      view.setInt32(end - 4, tracer - end, true);
    },
    kprobesUseFtrace: true,
    // Behind endbr64, the fentry site, push %rbp and mov.
    stackLowered: () => FENTRY_OFFSET + FENTRY_SIZE + 4,
    // Probes inside of a function are met behind its prologue.
    frameEnd: () => 0,
    rawText: (code) =>
      Array.from(code.subarray(0, SHOWN_BYTES), (byte) => byte.toString(16).padStart(2, '0'))
        .join(' ')
        .padEnd(3 * SHOWN_BYTES),
    disassemble: disassembleX86,
  },
  userCode: {
    emitFunction,
    align: (offset) => offset,
    emulatedLength({ bytes, boundaries }, offset) {
      const code = bytes[offset]!;
      if ((code < PUSH_FIRST || code > PUSH_LAST) && !EMULATED.has(code)) return 0;
      let end = offset + 1;
      while (end < boundaries.length && boundaries[end] !== 1) end += 1;
      return end - offset;
    },
    startsFunction: ({ bytes }, offset) => bytes[offset] === ENDBR64_FIRST || bytes[offset] === PUSH_RBP,
    operands: (text) => text,
  },
  breakpoint: {
    kprobe: [INT3],
    uprobe: [INT3],
    step: undefined,
    advance: 1,
    isSimulated: () => false,
    returnsBySystemCall: true,
  },
  runsOutsidePrograms: true,
  // Calls without parameters have one body for all ways in; of its names the kernel shows this one.
  ownName: (declared) =>
    declared.startsWith(SYSTEM_CALL) && takesNothing(declared.slice(SYSTEM_CALL.length))
      ? INNER_CALL + declared.slice(SYSTEM_CALL.length)
      : declared,
  declaredName: (own) =>
    own.startsWith(INNER_CALL) && takesNothing(own.slice(INNER_CALL.length))
      ? SYSTEM_CALL + own.slice(INNER_CALL.length)
      : own,
  systemCallNumber: (declared) => declared,
};
