/*
 * Instructions of AArch64 (Arm ARM, C6.2), four bytes each, as far as the text of the machine has them.
 */
export const INSTRUCTION_BYTES = 4;
const SP = 31;
const FP = 29;
const LR = 30;
/** Number of the system call that `svc` makes. */
const NUMBER_REGISTER = 8;

export const NOP = 0xd503201f;
export const BTI_C = 0xd503245f;
export const PACIASP = 0xd503233f;
export const AUTIASP = 0xd50323bf;
export const RET = 0xd65f03c0;
export const SVC = 0xd4000001;
/** blr x8 */
export const CALL_REGISTER = 0xd63f0100;
/** mov x9, x30: the first half of what ftrace puts at a function's start. */
export const SAVE_LINK = 0xaa1e03e9;

const BRK = 0xd4200000;
const brk = (immediate: number): number => (BRK | (immediate << 5)) >>> 0;
/** By whom a breakpoint is (arch/arm64/include/asm/brk-imm.h). */
export const BREAKPOINTS = { kprobe: brk(4), uprobe: brk(5), kprobeStep: brk(6) } as const;

const memoryPair = (opcode: number, bytes: number): number =>
  (opcode | (((bytes / 8) & 0x7f) << 15) | (LR << 10) | (SP << 5) | FP) >>> 0;
const addImmediate = (opcode: number, to: number, bytes: number): number =>
  (opcode | (bytes << 10) | (SP << 5) | to) >>> 0;

/** stp x29, x30, [sp, #N] and [sp, #-N]!; ldp x29, x30, [sp, #N] and [sp], #N. */
export const storePair = (bytes: number): number => memoryPair(0xa9000000, bytes);
export const pushPair = (bytes: number): number => memoryPair(0xa9800000, -bytes);
export const loadPair = (bytes: number): number => memoryPair(0xa9400000, bytes);
export const popPair = (bytes: number): number => memoryPair(0xa8c00000, bytes);
/** sub sp, sp, #N; add sp, sp, #N; add x29, sp, #N. */
export const lowerStack = (bytes: number): number => addImmediate(0xd1000000, SP, bytes);
export const raiseStack = (bytes: number): number => addImmediate(0x91000000, SP, bytes);
export const setFrame = (bytes: number): number => addImmediate(0x91000000, FP, bytes);
/** mov x8, #N */
export const loadNumber = (value: number): number => (0xd2800000 | (value << 5) | NUMBER_REGISTER) >>> 0;

const BRANCH_LINK = 0x94000000;
const BRANCH_BITS = 0x03ffffff;
/** bl to so many bytes from here. */
export const branchLink = (distance: number): number => (BRANCH_LINK | ((distance >> 2) & BRANCH_BITS)) >>> 0;
export const isBranchLink = (word: number): boolean => (word & ~BRANCH_BITS) >>> 0 === BRANCH_LINK;
export const branchDistance = (word: number): number => ((word & BRANCH_BITS) << 6) >> 4;

/** Instructions that compilers emit a lot and that touch only registers. */
export const FILLER: readonly number[] = [
  0xaa1303e0, // mov x0, x19
  0xaa0003f3, // mov x19, x0
  0xf9400e60, // ldr x0, [x19, #24]
  0xf9401261, // ldr x1, [x19, #32]
  0x12000c00, // and w0, w0, #0xf
  0xf100001f, // cmp x0, #0x0
  0x91002260, // add x0, x19, #0x8
  0x2a1503e2, // mov w2, w21
];

/**
 * Instructions whose work the kernel does itself instead of stepping a copy of them, as it depends on where they are
 * (arch/arm64/kernel/probes/decode-insn.c): branches, and since 6.13 nop.
 */
export function isSimulated(word: number): boolean {
  return word >>> 0 === NOP || word >>> 0 === RET || word >>> 0 === CALL_REGISTER || isBranchLink(word);
}

const hex = (value: number): string => `#0x${value.toString(16)}`;
const NAMES = new Map<number, string>([
  [NOP, 'nop'],
  [BTI_C, 'bti\tc'],
  [PACIASP, 'paciasp'],
  [AUTIASP, 'autiasp'],
  [RET, 'ret'],
  [SVC, 'svc\t#0x0'],
  [CALL_REGISTER, 'blr\tx8'],
  [SAVE_LINK, 'mov\tx9, x30'],
]);
const pairOffset = (word: number): number => ((word << 10) >> 25) * 8;
const immediate12 = (word: number): number => (word >>> 10) & 0xfff;
/** Those with operands: bits that tell one, and how it is written. */
const FORMS: readonly (readonly [mask: number, value: number, text: (word: number) => string])[] = [
  [0xffe0001f, BRK, (word) => `brk\t${hex((word >>> 5) & 0xffff)}`],
  [0xffc07fff, storePair(0), (word) => `stp\tx29, x30, [sp, #${pairOffset(word)}]`],
  [0xffc07fff, pushPair(0), (word) => `stp\tx29, x30, [sp, #${pairOffset(word)}]!`],
  [0xffc07fff, loadPair(0), (word) => `ldp\tx29, x30, [sp, #${pairOffset(word)}]`],
  [0xffc07fff, popPair(0), (word) => `ldp\tx29, x30, [sp], #${pairOffset(word)}`],
  [0xffc003ff, lowerStack(0), (word) => `sub\tsp, sp, ${hex(immediate12(word))}`],
  [0xffc003ff, raiseStack(0), (word) => `add\tsp, sp, ${hex(immediate12(word))}`],
  [
    0xffc003ff,
    setFrame(0),
    (word) => (immediate12(word) === 0 ? 'mov\tx29, sp' : `add\tx29, sp, ${hex(immediate12(word))}`),
  ],
];

/** As objdump writes it; undefined: none of those that a reader of probes looks for, and no branch. */
export function disassembleArm64(word: number): string | undefined {
  const known = NAMES.get(word >>> 0);
  if (known !== undefined) return known;
  return FORMS.find(([mask, value]) => (word & mask) >>> 0 === value)?.[2](word);
}
