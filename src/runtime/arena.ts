import { InternalError } from '../source/bug.ts';
import type { KernelMemory } from './kernel.ts';

/** The arena's bytes and words, and where new objects in it come from. */
export interface Arena {
  readonly memory: KernelMemory;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly view: DataView;
}

export function openArena(memory: KernelMemory): Arena {
  return {
    memory,
    bytes: new Uint8Array(memory.buffer),
    words: new Int32Array(memory.buffer),
    view: new DataView(memory.buffer),
  };
}

/** Zeroed bytes at a multiple of 8, or 0 when the machine has no memory for them. */
export function allocateIfRoom({ memory }: Arena, size: number): number {
  try {
    return memory.allocate(size, 8);
  } catch (error) {
    if (error instanceof InternalError) throw error;
    return 0;
  }
}

/** By division, as bit operations would wrap sizes of 2 GB and more, which programs may ask for. */
export function roundUp8(size: number): number {
  return Math.ceil(size / 8) * 8;
}

/** A copy that later writes of programs do not change. */
export function snapshot(arena: Arena, address: number, size: number): Uint8Array {
  return arena.bytes.slice(address, address + size);
}

/** Up to this size a loop over words is faster than the built-in functions of typed arrays, which cost some 50 ns a call. */
const MAX_LOOP_BYTES = 64;

/** Copies bytes that do not overlap. */
export function copyBytes({ bytes, words }: Arena, to: number, from: number, size: number): void {
  if (size > MAX_LOOP_BYTES || ((to | from | size) & 3) !== 0) bytes.copyWithin(to, from, from + size);
  else for (let i = 0; i < size; i += 4) words[(to + i) >> 2] = words[(from + i) >> 2]!;
}

export function zeroBytes({ bytes, words }: Arena, at: number, size: number): void {
  if (((at | size) & 3) !== 0) bytes.fill(0, at, at + size);
  else if (size > MAX_LOOP_BYTES) words.fill(0, at >> 2, (at + size) >> 2);
  else for (let i = 0; i < size; i += 4) words[(at + i) >> 2] = 0;
}
