/**
 * How maps lie in the arena where generated code works on them without a call. The runtime's maps keep to it; both take the
 * hash and the record header from here.
 */

/**
 * A hash map is an open-addressing index of int32 over a pool of elements that never move, so that the address of a value
 * stays good until its element is deleted, as with the kernel's preallocated elements. All places are multiples of 8.
 *
 *   index: int32[mask + 1], 0 = free, else element number + 1; collisions go to the next slot
 *   keys:  element number * keyStride: u32 hash, u32 state (ELEMENT_STATE), key
 *   values: cpu * cpuStride + element number * valueStride
 */
export interface HashLayout {
  readonly index: number;
  readonly mask: number;
  readonly keys: number;
  readonly keyStride: number;
  readonly values: number;
  readonly valueStride: number;
  /** 0 where all CPUs share one value. */
  readonly cpuStride: number;
  /** Whether a lookup marks the element as referenced. */
  readonly lru: boolean;
}

/** In front of each key: its hash and its state. */
export const ELEMENT_HEADER = 8;
/** `referenced`: looked up since the search for an element to evict last passed it. */
export const ELEMENT_STATE = { free: 0, used: 1, referenced: 3 } as const;

/**
 * A key's words go into its hash one after the other: the hash so far times `chain` plus the word times `word`, products that
 * do not wait for each other. `finish` spreads the high bits over the low ones, which choose the slot: words may be multiples
 * of a large power of two.
 */
export const HASH = {
  word: 0x9e3779b1 | 0,
  chain: 0x85ebca6b | 0,
  finish: { before: 15, multiplier: 0x2c1b3c6d, after: 13 },
} as const;

/** Takes one more word into a hash, which starts as 0. */
export function hashStep(hash: number, word: number): number {
  return (Math.imul(hash, HASH.chain) + Math.imul(word, HASH.word)) | 0;
}

/** What each word of a key of so many is multiplied by on its way into the hash before its end: their products add up. */
export function hashCoefficients(count: number): number[] {
  const coefficients: number[] = [];
  for (let word = count - 1, next: number = HASH.word; word >= 0; word--, next = Math.imul(next, HASH.chain))
    coefficients[word] = next;
  return coefficients;
}

/** The hash after the last word; its low bits choose the slot. */
export function hashFinish(hash: number): number {
  const { before, multiplier, after } = HASH.finish;
  const product = Math.imul(hash ^ (hash >>> before), multiplier);
  return product ^ (product >>> after);
}

/**
 * A ring buffer: an area twice as long as the ring, so that no record is ever split, and positions that count bytes for ever
 * (modulo 2^32) in words of the map object. A record is a header and its data, rounded up to 8 bytes.
 *
 *   header: +0 u32 length | busy | discard   +4 nothing (the kernel's page offset, from which it finds the ring)
 */
export interface RingLayout {
  readonly data: number;
  /** Size of the ring - 1. */
  readonly mask: number;
  /** Places of the two positions. */
  readonly producer: number;
  readonly consumer: number;
}

export const RECORD_HEADER = 8;
export const RECORD_FLAGS = { busy: 0x8000_0000 | 0, discard: 0x4000_0000, length: 0x3fff_ffff } as const;
