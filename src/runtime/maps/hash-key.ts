import { hashFinish, hashStep } from '../../abi/map-layouts.ts';
import type { Arena } from '../arena.ts';

/** Hash of a key in the arena. Bytes behind the last whole word count as one more word. */
export function hashKey(arena: Arena, address: number, size: number): number {
  if (((address | size) & 3) === 0) return hashWords(arena.words, address >> 2, size >> 2);
  const whole = size & ~3;
  let hash = 0;
  for (let i = 0; i < whole; i += 4) hash = hashStep(hash, arena.view.getInt32(address + i, true));
  if (whole !== size) {
    let rest = 0;
    for (let i = whole; i < size; i++) rest |= arena.bytes[address + i]! << ((i - whole) * 8);
    hash = hashStep(hash, rest);
  }
  return hashFinish(hash);
}

/** The same for aligned keys of whole words. */
function hashWords(words: Int32Array, first: number, count: number): number {
  let hash = 0;
  for (let i = 0; i < count; i++) hash = hashStep(hash, words[first + i]!);
  return hashFinish(hash);
}
