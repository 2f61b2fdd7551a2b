import type { Program, ProgramImage } from './program-image.ts';

/**
 * What a register holds on *every* visit of an instruction; the JIT relies on it. Ranges are deliberately absent: ranges
 * seen while exploring with pruning are not facts.
 */
export const REGISTER_KIND = {
  /** Never reached, uninitialised, or different kinds on different visits that do not matter: not read as an address. */
  unknown: 0,
  scalar: 1,
  /** A pointer into the arena that needs no null check: stack, context, map value, map, memory, ring-buffer record. */
  pointer: 2,
  /** Such a pointer or zero. */
  pointer_or_null: 3,
  /** A BTF pointer (PROBE_MEM): any kernel address, a load through it yields zero when it faults. */
  btf_pointer: 4,
} as const;
export type RegisterKind = (typeof REGISTER_KIND)[keyof typeof REGISTER_KIND];

/** How the load, store or atomic of a slot reaches memory. */
export type MemoryAccess =
  /** At r10 of the frame in which the instruction runs + `offset`, constant on all visits. */
  | { readonly region: 'stack'; readonly offset: number }
  /** Context of the main program, at a constant offset. */
  | { readonly region: 'context'; readonly offset: number }
  /** Anything else inside the arena, proved in bounds. */
  | { readonly region: 'arena' }
  /** May fault: yields zero then. */
  | { readonly region: 'probe' };

export interface ProgramFacts {
  /** 1 where a slot is reachable. */
  readonly reached: Uint8Array;
  /** RegisterKind at entry of slot s of register r: `registers[s * 11 + r]`. */
  readonly registers: Uint8Array;
  /** By slot, for loads, stores and atomics that are reached. */
  readonly accesses: readonly (MemoryAccess | undefined)[];
  /** Bytes of stack used by each function, in the order of Program.functions (or of discovery). */
  readonly stackDepths: readonly number[];
  /** Instructions the verifier walked. */
  readonly insnsProcessed: number;
}

export interface VerifiedProgram {
  readonly program: Program;
  readonly facts: ProgramFacts;
}

export interface VerifiedImage {
  readonly image: ProgramImage;
  readonly programs: readonly VerifiedProgram[];
}
