import type { Arena } from '../arena.ts';

/** Hash of a key in the arena, word by word (the mixing of MurmurHash3's 32-bit variant). */
export function hashKey(arena: Arena, address: number, size: number): number {
  const whole = size & ~3;
  let hash = size;
  if ((address & 3) === 0) {
    for (let i = 0; i < whole; i += 4) hash = mix(hash, arena.words[(address + i) >> 2]!);
  } else {
    for (let i = 0; i < whole; i += 4) hash = mix(hash, arena.view.getInt32(address + i, true));
  }
  if (whole !== size) {
    let rest = 0;
    for (let i = whole; i < size; i++) rest |= arena.bytes[address + i]! << ((i - whole) * 8);
    hash = mix(hash, rest);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function mix(hash: number, word: number): number {
  const scrambled = Math.imul(word, 0xcc9e2d51);
  const mixed = hash ^ Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}
