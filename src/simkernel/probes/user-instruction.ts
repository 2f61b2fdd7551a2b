import { layoutOf } from '../programs/image-layout.ts';
import type { Image } from '../programs/image.ts';

/** Whether an instruction of the image starts there. */
export function isUserBoundary(image: Image, offset: number): boolean {
  return layoutOf(image).text().boundaries[offset] === 1;
}

/** Bytes of the instruction at an offset: up to the next boundary. */
export function instructionLength(image: Image, offset: number): number {
  const { boundaries } = layoutOf(image).text();
  let end = offset + 1;
  while (end < boundaries.length && boundaries[end] !== 1) end += 1;
  return end - offset;
}

const PUSH_FIRST = 0x50;
const PUSH_LAST = 0x57;
/** nop, call, jmp of either length: arch/x86/kernel/uprobes.c does their work itself. */
const EMULATED = new Set([0x90, 0xe8, 0xe9, 0xeb]);

/** Length of an instruction that the kernel emulates instead of stepping through it; 0 of all others. */
export function emulatedLength(image: Image, offset: number): number {
  const code = layoutOf(image).text().bytes[offset]!;
  const isPush = code >= PUSH_FIRST && code <= PUSH_LAST;
  return isPush || EMULATED.has(code) ? instructionLength(image, offset) : 0;
}
