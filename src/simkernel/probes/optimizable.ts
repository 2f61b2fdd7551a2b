import type { Code } from '../execution/code.ts';
import type { KernelCode } from '../arch/architecture.ts';

/** JMP32_INSN_SIZE */
export const JUMP_BYTES = 5;
/** jmp to a target; both are offsets in the image. */
export function writeJump(view: DataView, at: number, target: number): void {
  view.setUint8(at, NEAR_JUMP);
  view.setInt32(at + 1, target - (at + JUMP_BYTES), true);
}

const SHORT_JUMPS: readonly (readonly [first: number, last: number])[] = [
  [0x70, 0x7f],
  [0xe0, 0xe3],
  [0xeb, 0xeb],
];
const NEAR_JUMP = 0xe9;
const TWO_BYTES = 0x0f;
const REX_MASK = 0xf0;
const REX = 0x40;
/** Opcodes whose copy cannot run elsewhere without being stepped through (arch/x86/kernel/kprobes/core.c, can_boost). */
const NOT_BOOSTABLE: readonly (readonly [first: number, last: number])[] = [
  [0x62, 0x62],
  [0x70, 0x7f],
  [0x9a, 0x9a],
  [0xcc, 0xce],
  [0xd6, 0xd6],
  [0xd8, 0xdf],
  [0xe0, 0xe3],
  [0xe8, 0xe9],
  [0xeb, 0xeb],
  [0xf0, 0xf4],
  // Of groups 3, 4 and 5 some are; the kernel's functions here have none.
  [0xf6, 0xf7],
  [0xfe, 0xff],
];
const isIn = (opcode: number, ranges: readonly (readonly [number, number])[]): boolean =>
  ranges.some(([first, last]) => opcode >= first && opcode <= last);

/** Where an instruction's opcode is, behind a REX prefix. */
const opcodeAt = ({ bytes }: Code, at: number): number => ((bytes[at]! & REX_MASK) === REX ? at + 1 : at);
function endOf({ boundaries }: Code, at: number): number {
  let end = at + 1;
  while (end < boundaries.length && boundaries[end] !== 1) end += 1;
  return end;
}
/** Where a direct jump leads, from the function's start. */
function jumpTarget(code: Code, at: number): number | undefined {
  const { bytes } = code;
  const opcode = opcodeAt(code, at);
  const end = endOf(code, at);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (isIn(bytes[opcode]!, SHORT_JUMPS)) return end + view.getInt8(end - 1);
  const isNear =
    bytes[opcode] === NEAR_JUMP || (bytes[opcode] === TWO_BYTES && (bytes[opcode + 1]! & REX_MASK) === 0x80);
  return isNear ? end + view.getInt32(end - 4, true) : undefined;
}

/**
 * can_optimize(), copy_optimized_instructions(): how many bytes of whole instructions a jump written at an offset would cover;
 * undefined: there is none to be written. All of them must be able to run elsewhere, nothing in the function may jump
 * behind the first, and ftrace's site is not to be touched.
 */
export function optimizedLength(kernelCode: KernelCode, code: Code, offset: number): number | undefined {
  const { bytes, boundaries } = code;
  if (bytes.length - offset < JUMP_BYTES) return undefined;
  let end = offset;
  while (end - offset < JUMP_BYTES) {
    if (end >= bytes.length) return undefined;
    const opcode = bytes[opcodeAt(code, end)]!;
    // Instructions of two bytes of opcode are those of the function's head.
    if (opcode === TWO_BYTES || isIn(opcode, NOT_BOOSTABLE)) return undefined;
    end = endOf(code, end);
  }
  const { ftraceSite } = kernelCode;
  if (offset < ftraceSite.end && end > ftraceSite.offset) return undefined;
  for (let at = 0; at < bytes.length; at += 1) {
    if (boundaries[at] !== 1) continue;
    const target = jumpTarget(code, at);
    if (target !== undefined && target > offset && target <= offset + JUMP_BYTES) return undefined;
  }
  return end - offset;
}
