import type { HashLayout, RingLayout } from './map-layouts.ts';
import type { HelperFunctions } from './helpers.ts';

/**
 * Where a program runs: the contract between the engines (interpreter, JIT) and the runtime. All addresses are arena
 * offsets, int32; the eBPF value of arena offset x is the 64-bit address (kernelHigh << 32 | x).
 *
 * Generated code counts on this: the arena is smaller than 2 GiB; stackTop, contexts, maps, map values and ring-buffer
 * records start at multiples of 8; stacks have room for MAX_CALL_FRAMES frames below their top; helpers do not use `this`.
 */
export interface ExecutionEnvironment {
  /** The arena: fixed size, never detached, shared as WebAssembly has it. */
  readonly buffer: SharedArrayBuffer;
  /** The WebAssembly.Memory that the arena is the buffer of. */
  readonly wasmMemory: object;
  /** Upper 32 bits of every arena address, as int32. */
  readonly kernelHigh: number;
  /** Arena offset (8-aligned) of the word in which a helper leaves the high half of its result. */
  readonly resultHigh: number;
  /**
   * Arena offset of the stack area for the current nesting level: frame k has r10 = stackTop - k * 512.
   * A program that interrupts another runs at the next level with another environment.
   */
  readonly stackTop: number;
  readonly helpers: HelperFunctions;
  /** By index in ProgramImage.maps. */
  readonly maps: readonly MapLocation[];
  /** Locations that helpers without arguments read, so that engines may inline those helpers as loads. */
  readonly current: CurrentLocations;
  /** Reads `size` bytes at any kernel address for a BTF pointer: returns the low half, high half in resultHigh; 0 when it faults. */
  probeLoad(low: number, high: number, size: number): number;
  /**
   * Set by the engine before it calls a helper that takes a callback: runs the function at `slot` with five 64-bit
   * arguments (ten words, low half first); returns r0's low half, high half in resultHigh. A helper that calls it more than
   * once reads the property once: a nested helper call inside the callback replaces it until that helper returns.
   */
  callback: BpfCallback | null;
}

export type BpfCallback = (slot: number, args: Int32Array) => number;

export interface MapLocation {
  /** Arena offset of the map object, what a ld_imm64 of the map yields. */
  readonly address: number;
  /** For array maps: where the elements are, so that lookups can be inlined. */
  readonly array?: {
    readonly values: number;
    /** Bytes from one element to the next (value size rounded up to 8). */
    readonly stride: number;
    readonly maxEntries: number;
    /** For per-CPU arrays: bytes from one CPU's copy of all elements to the next CPU's; 0 otherwise. */
    readonly cpuStride: number;
  };
  /** For hash maps: how they lie in the arena, so that lookups can be inlined. */
  readonly hash?: HashLayout;
  /** For ring buffers: so that reservations can be inlined. */
  readonly ring?: RingLayout;
}

/** Arena offsets, multiples of the size of what is there. */
export interface CurrentLocations {
  /** u32 */
  readonly cpu: number;
  /** u64: ktime */
  readonly time: number;
  /** u32: tgid at +4, pid at +0, so that the u64 here is what get_current_pid_tgid returns. */
  readonly pidTgid: number;
  /** u64: gid << 32 | uid */
  readonly uidGid: number;
  /** char[16] */
  readonly comm: number;
  /** u64: address of the task_struct */
  readonly task: number;
  /** u64: address of the function at whose entry or return a probe runs; 0 in probes of other places. */
  readonly probedFunction: number;
}

/** Runs with the context at this arena offset; returns the low 32 bits of r0 (the high half is in resultHigh). */
export type CompiledProgram = (context: number) => number;

/**
 * Readies one program for an environment; called once per nesting level. A program that asks for it is replaced by another
 * that does the same, from its next run there on.
 */
export type ProgramFactory = (
  environment: ExecutionEnvironment,
  replace?: (program: CompiledProgram) => void,
) => CompiledProgram;

/** What either engine makes of a verified image: a factory per program, by the program's name. */
export type EnginePrograms = ReadonlyMap<string, ProgramFactory>;
