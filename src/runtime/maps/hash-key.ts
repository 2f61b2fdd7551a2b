import type { Arena } from '../arena.ts';

/**
 * Hash of a key in the arena: per 32-bit word a multiplication and a shift, so that generated code can do the same inline.
 * Bytes behind the last whole word count as one more word.
 */
export function hashKey(arena: Arena, address: number, size: number): number {
  if (((address | size) & 3) === 0) return hashWords(arena.words, address >> 2, size >> 2);
  const whole = size & ~3;
  let hash = 0;
  for (let i = 0; i < whole; i += 4) hash = mix(hash, arena.view.getInt32(address + i, true));
  if (whole !== size) {
    let rest = 0;
    for (let i = whole; i < size; i++) rest |= arena.bytes[address + i]! << ((i - whole) * 8);
    hash = mix(hash, rest);
  }
  return finish(hash);
}

/** The same for aligned keys of whole words. */
export function hashWords(words: Int32Array, first: number, count: number): number {
  let hash = 0;
  for (let i = 0; i < count; i++) hash = mix(hash, words[first + i]!);
  return finish(hash);
}

/** Takes one more word into a hash. */
export function mix(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
}

/** Spreads the last word over the low bits, which choose the slot. */
export function finish(hash: number): number {
  const product = Math.imul(hash, 0x85ebca6b);
  return product ^ (product >>> 13);
}
