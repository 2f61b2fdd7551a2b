import type { MapLocation } from '../../abi/execution.ts';
import type { MapDefinition } from '../../abi/program-image.ts';
import type { Arena } from '../arena.ts';
import { ERRNO } from '../errno.ts';

/**
 * A map as programs see it through helpers, and as user space sees it through the bpf() system call. Addresses are arena
 * offsets, 0 is null; the results of update and delete are 0 or -errno.
 */
export interface BpfMap {
  readonly definition: MapDefinition;
  readonly location: MapLocation;
  /** Value of this key on the current CPU. */
  lookup(key: number): number;
  /** Value of this key on one CPU (bpf_map_lookup_percpu_elem). */
  lookupOnCpu(key: number, cpu: number): number;
  /** Writes the current CPU's value only; a new element is zero on the others. */
  update(key: number, value: number, flags: number): number;
  delete(key: number): number;
  /** Visits elements until `visit` returns true; returns how many it visited. Elements may be added and deleted meanwhile. */
  forEach(visit: (key: number, value: number) => boolean): number;
  /** Copies of all elements; a per-CPU value holds the CPUs' values one after the other, each rounded up to 8 bytes. */
  collect(): MapElement[];
  /** What user space does for clear(): deletes every element. */
  clear(): void;
  /** What user space does for zero(): zeroes every value on every CPU. */
  zero(): void;
  /** User space's update, of all CPUs: `value` as collect() gives it. */
  write(key: Uint8Array, value: Uint8Array): number;
  /** Nobody uses the map any more: it stops listening to the machine. */
  release?(): void;
}

export interface MapElement {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What every map is built from. */
export interface MapHost {
  readonly arena: Arena;
  readonly cpus: number;
  /** Arena offset of the u32 that says on which CPU we run. */
  readonly cpu: number;
  /** Tells of every task_struct that is freed, by its arena offset, until the result is called. */
  readonly onTaskFreed?: (freed: (task: number) => void) => () => void;
}

/**
 * The map object in the arena, of which a program's register holds the address:
 *
 *   +0 u32 index in ProgramImage.maps   +4 u32 Linux map type   +8 u32 key size   +12 u32 value size   +16 u32 max entries
 *   +24 u32 ring buffer: producer position   +28 consumer position   +32 records dropped
 */
export const MAP_OBJECT = {
  index: 0,
  type: 4,
  keySize: 8,
  valueSize: 12,
  maxEntries: 16,
  producer: 24,
  consumer: 28,
  dropped: 32,
  size: 64,
} as const;

/** Flags of an update as the kernel's map implementations check them (kernel/bpf/hashtab.c, arraymap.c). */
export function updateFlagsError(flags: number, exists: boolean): number {
  if (exists && flags === 1) return -ERRNO.EEXIST;
  if (!exists && flags === 2) return -ERRNO.ENOENT;
  return 0;
}

/** A map whose elements programs cannot look into: only helpers that name it work on it. */
export function withoutElements(definition: MapDefinition, location: MapLocation): BpfMap {
  const unsupported = (): number => -ERRNO.EOPNOTSUPP;
  return {
    definition,
    location,
    lookup: () => 0,
    lookupOnCpu: () => 0,
    update: unsupported,
    delete: unsupported,
    forEach: () => 0,
    collect: () => [],
    clear: () => undefined,
    zero: () => undefined,
    write: unsupported,
  };
}
