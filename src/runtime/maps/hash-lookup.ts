import { finish, mix } from './hash-key.ts';

/**
 * A hash map is an open-addressing index of int32 over a pool of elements that never move, so that the address of a value
 * stays good until its element is deleted, as with the kernel's preallocated elements.
 *
 *   index: int32[mask + 1], 0 = free, else element number + 1; collisions go to the next slot
 *   keys:  element number * keyStride: u32 hash, u32 state (0 free, 1 used, 3 used and referenced), key
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
}
/** In front of each key: its hash and its state. */
export const ELEMENT_HEADER = 8;
export const USED = 1;
/** Looked up since the search for an element to evict last passed it. */
export const REFERENCED = 2;

type Lookup = (key: number) => number;

export interface LookupSite {
  readonly words: Int32Array;
  readonly layout: HashLayout;
  /** Arena offset of the u32 that says on which CPU we run. */
  readonly cpu: number;
  readonly lru: boolean;
  /** For keys that are not aligned. */
  readonly general: Lookup;
}

/**
 * The hot path of every script that counts by a key: lookups of keys of one, two and four words without a loop over the
 * key. Each is written out, because a loop of a variable length costs more than the rest of the lookup.
 */
export function createLookup(keySize: number, site: LookupSite): Lookup {
  switch (keySize) {
    case 4:
      return lookupOneWord(site);
    case 8:
      return lookupTwoWords(site);
    case 16:
      return lookupFourWords(site);
    default:
      return site.general;
  }
}

/** Address of a found element's value; `at` is the word of its header. */
function valueFinder({ words, layout, cpu, lru }: LookupSite): (element: number, at: number) => number {
  const { values, valueStride, cpuStride } = layout;
  const cpuWord = cpu >> 2;
  if (lru) {
    return (element, at) => {
      words[at + 1] = USED | REFERENCED;
      return values + element * valueStride + words[cpuWord]! * cpuStride;
    };
  }
  return (element) => values + element * valueStride + words[cpuWord]! * cpuStride;
}

function lookupOneWord(site: LookupSite): Lookup {
  const { words, layout, general } = site;
  const { mask } = layout;
  const valueAt = valueFinder(site);
  const [firstSlot, firstKey, stride] = [layout.index >> 2, layout.keys >> 2, layout.keyStride >> 2];
  return (key) => {
    if ((key & 3) !== 0) return general(key);
    const a = words[key >> 2]!;
    for (let slot = finish(mix(0, a)) & mask; ; slot = (slot + 1) & mask) {
      const element = words[firstSlot + slot]! - 1;
      if (element < 0) return 0;
      const at = firstKey + element * stride;
      if (words[at + 2] === a) return valueAt(element, at);
    }
  };
}

function lookupTwoWords(site: LookupSite): Lookup {
  const { words, layout, general } = site;
  const { mask } = layout;
  const valueAt = valueFinder(site);
  const [firstSlot, firstKey, stride] = [layout.index >> 2, layout.keys >> 2, layout.keyStride >> 2];
  return (key) => {
    if ((key & 3) !== 0) return general(key);
    const from = key >> 2;
    const a = words[from]!;
    const b = words[from + 1]!;
    for (let slot = finish(mix(mix(0, a), b)) & mask; ; slot = (slot + 1) & mask) {
      const element = words[firstSlot + slot]! - 1;
      if (element < 0) return 0;
      const at = firstKey + element * stride;
      if (words[at + 2] === a && words[at + 3] === b) return valueAt(element, at);
    }
  };
}

function lookupFourWords(site: LookupSite): Lookup {
  const { words, layout, general } = site;
  const { mask } = layout;
  const valueAt = valueFinder(site);
  const [firstSlot, firstKey, stride] = [layout.index >> 2, layout.keys >> 2, layout.keyStride >> 2];
  return (key) => {
    if ((key & 3) !== 0) return general(key);
    const from = key >> 2;
    const a = words[from]!;
    const b = words[from + 1]!;
    const c = words[from + 2]!;
    const d = words[from + 3]!;
    for (let slot = finish(mix(mix(mix(mix(0, a), b), c), d)) & mask; ; slot = (slot + 1) & mask) {
      const element = words[firstSlot + slot]! - 1;
      if (element < 0) return 0;
      const at = firstKey + element * stride;
      if (words[at + 2] === a && words[at + 3] === b && words[at + 4] === c && words[at + 5] === d) {
        return valueAt(element, at);
      }
    }
  };
}
