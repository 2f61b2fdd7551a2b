import { ELEMENT_HEADER, ELEMENT_STATE, hashFinish, type HashLayout, hashStep } from '../../src/abi/map-layouts.ts';
import { MAP_TYPES } from '../../src/abi/map-types.ts';
import type { MapDefinition } from '../../src/abi/program-image.ts';

const ELEMENTS = 4;
const SLOTS = 8;

/** A hash map of four elements on the layout that generated code knows, looked up by comparing all keys. */
export interface SmallHash {
  readonly layout: HashLayout;
  /** Bytes of index, keys and values. */
  readonly size: number;
  readonly count: number;
  /** Address of the value on a CPU, or 0. Remembers the key. */
  find(key: number, cpu: number): number;
  /** Adds an element, whose value is what is there; its number, or -1 in a full map. */
  add(key: Uint8Array): number;
  /** After memory was cleared: some keys of programs, and those that were asked for before the last `learn`. */
  fill(): void;
  learn(): void;
  forget(): void;
}

export function createSmallHash(
  { type, keySize, valueSize }: MapDefinition,
  at: number,
  buffer: SharedArrayBuffer,
  cpus: number,
): SmallHash {
  const bytes = new Uint8Array(buffer);
  const words = new Int32Array(buffer);
  const { perCpu } = MAP_TYPES[type];
  const keyStride = ELEMENT_HEADER + ((keySize + 7) & ~7);
  const valueStride = (valueSize + 7) & ~7;
  const keys = at + SLOTS * 4;
  const values = keys + ELEMENTS * keyStride;
  const copies = perCpu ? cpus : 1;
  const layout: HashLayout = {
    index: at,
    mask: SLOTS - 1,
    keys,
    keyStride,
    values,
    valueStride,
    cpuStride: perCpu ? ELEMENTS * valueStride : 0,
    lru: type.startsWith('lru'),
  };
  let used = 0;
  const common = [0, 1, 2].map((first) => Uint8Array.from({ length: keySize }, (_, i) => (i === 0 ? first : 0)));
  let known: readonly Uint8Array[] = common;
  const asked = new Map<string, Uint8Array>();

  const stateOf = (element: number): number => (keys + element * keyStride + 4) >> 2;
  const keyOf = (element: number): Uint8Array => {
    const from = keys + element * keyStride + ELEMENT_HEADER;
    return bytes.subarray(from, from + keySize);
  };

  function add(key: Uint8Array): number {
    if (used === ELEMENTS) return -1;
    const element = used++;
    keyOf(element).set(key);
    words[stateOf(element)] = ELEMENT_STATE.used;
    // Generated code looks up keys of whole words only.
    let hash = 0;
    const view = new DataView(buffer, keys + element * keyStride + ELEMENT_HEADER);
    for (let word = 0; word + 4 <= keySize; word += 4) hash = hashStep(hash, view.getInt32(word, true));
    let slot = hashFinish(hash) & layout.mask;
    while (words[(at >> 2) + slot] !== 0) slot = (slot + 1) & layout.mask;
    words[(at >> 2) + slot] = element + 1;
    return element;
  }

  return {
    layout,
    size: SLOTS * 4 + ELEMENTS * (keyStride + copies * valueStride),
    count: ELEMENTS * copies,
    find(key, cpu) {
      const wanted = bytes.slice(key, key + keySize);
      asked.set(String(wanted), wanted);
      for (let element = 0; element < used; element++) {
        if (keyOf(element).some((byte, i) => byte !== wanted[i])) continue;
        if (layout.lru) words[stateOf(element)] = ELEMENT_STATE.referenced;
        return values + element * valueStride + layout.cpuStride * cpu;
      }
      return 0;
    },
    add,
    fill() {
      used = 0;
      for (const key of known) add(key);
    },
    learn() {
      known = [...asked.values()].slice(-ELEMENTS + 1);
      asked.clear();
    },
    forget() {
      known = common;
      asked.clear();
    },
  };
}
