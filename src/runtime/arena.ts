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

export function roundUp8(size: number): number {
  return (size + 7) & ~7;
}

/** A copy that later writes of programs do not change. */
export function snapshot(arena: Arena, address: number, size: number): Uint8Array {
  return arena.bytes.slice(address, address + size);
}
