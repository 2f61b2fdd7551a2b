import type { Architecture } from '../arch/architecture.ts';
import { layoutOf } from '../programs/image-layout.ts';
import type { Image } from '../programs/image.ts';

/** Whether an instruction of the image starts there. */
export function isUserBoundary(arch: Architecture, image: Image, offset: number): boolean {
  return layoutOf(image).text(arch).boundaries[offset] === 1;
}

/** Bytes of the instruction at an offset: up to the next boundary. */
export function instructionLength(arch: Architecture, image: Image, offset: number): number {
  const { boundaries } = layoutOf(image).text(arch);
  let end = offset + 1;
  while (end < boundaries.length && boundaries[end] !== 1) end += 1;
  return end - offset;
}
