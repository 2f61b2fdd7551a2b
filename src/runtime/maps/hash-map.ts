import { ELEMENT_HEADER, ELEMENT_STATE, type HashLayout } from '../../abi/map-layouts.ts';
import { MAP_TYPES, UPDATE_FLAGS } from '../../abi/map-types.ts';
import type { MapLocation } from '../../abi/execution.ts';
import type { MapDefinition } from '../../abi/program-image.ts';
import { copyBytes, roundUp8, snapshot, zeroBytes } from '../arena.ts';
import { ERRNO } from '../errno.ts';
import { updateFlagsError, type BpfMap, type MapElement, type MapHost } from './bpf-map.ts';
import { hashKey } from './hash-key.ts';

const { free: FREE, used: USED, referenced: REFERENCED } = ELEMENT_STATE;

/** hash, lru_hash and their per-CPU forms (kernel/bpf/hashtab.c). */
export function createHashMap(definition: MapDefinition, object: number, host: MapHost): BpfMap {
  const { arena } = host;
  const { keySize, valueSize, maxEntries } = definition;
  const perCpu = MAP_TYPES[definition.type].perCpu;
  const lru = definition.type === 'lru_hash' || definition.type === 'lru_percpu_hash';
  const copies = perCpu ? host.cpus : 1;

  // At most half full: probing stays short and always meets a free slot.
  const slots = 2 ** Math.ceil(Math.log2(maxEntries * 2));
  const keyStride = ELEMENT_HEADER + roundUp8(keySize);
  const valueStride = roundUp8(valueSize);
  const layout: HashLayout = {
    index: arena.memory.allocate(slots * 4, 8),
    mask: slots - 1,
    keys: arena.memory.allocate(maxEntries * keyStride, 8),
    keyStride,
    values: arena.memory.allocate(copies * maxEntries * valueStride, 8),
    valueStride,
    cpuStride: perCpu ? maxEntries * valueStride : 0,
    lru,
  };
  const { words, bytes } = arena;
  const { mask, keys, values, cpuStride } = layout;
  const firstSlot = layout.index >> 2;
  const wholeWords = (keySize & 3) === 0;
  /** Elements freed by deletion, reused last in, first out. */
  const freed: number[] = [];
  /** Elements from here on were never used. */
  let fresh = 0;
  /** Where the search for an element to evict goes on. */
  let clockHand = 0;

  const keyOf = (element: number): number => keys + element * keyStride + ELEMENT_HEADER;
  const stateWord = (element: number): number => (keys + element * keyStride + 4) >> 2;
  const valueOf = (element: number, cpu: number): number => values + cpu * cpuStride + element * valueStride;
  const currentCpu = (): number => (perCpu ? words[host.cpu >> 2]! : 0);

  /** Slot of the index that holds this key, or ~(the free slot where it belongs). */
  function findSlot(key: number, hash: number): number {
    const aligned = wholeWords && (key & 3) === 0;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const element = words[firstSlot + slot]! - 1;
      if (element < 0) return ~slot;
      const at = keys + element * keyStride;
      if (words[at >> 2] !== hash) continue;
      if (
        aligned
          ? equalWords(words, at + ELEMENT_HEADER, key, keySize)
          : equalBytes(bytes, at + ELEMENT_HEADER, key, keySize)
      ) {
        return slot;
      }
    }
  }

  function findElement(key: number): number {
    const slot = findSlot(key, hashKey(arena, key, keySize));
    return slot < 0 ? -1 : words[firstSlot + slot]! - 1;
  }

  function lookupOnCpu(key: number, cpu: number): number {
    const element = findElement(key);
    if (element < 0) return 0;
    if (lru) words[stateWord(element)] = REFERENCED;
    return valueOf(element, cpu);
  }

  /** Frees a slot and moves later entries of its run down, so that no search stops too early. */
  function vacate(slot: number): void {
    let hole = slot;
    for (let next = (hole + 1) & mask; ; next = (next + 1) & mask) {
      const element = words[firstSlot + next]! - 1;
      if (element < 0) break;
      const home = words[(keys + element * keyStride) >> 2]! & mask;
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        words[firstSlot + hole] = element + 1;
        hole = next;
      }
    }
    words[firstSlot + hole] = 0;
  }

  function removeElement(element: number): void {
    const hash = words[(keys + element * keyStride) >> 2]!;
    vacate(findSlot(keyOf(element), hash));
    words[stateWord(element)] = FREE;
  }

  /**
   * The oldest element that was not looked up since the search last passed it, as the kernel's reference bits decide
   * (kernel/bpf/bpf_lru_list.c); its lists per CPU only approximate an order and are not modelled.
   */
  function evict(): number {
    for (;;) {
      const element = clockHand;
      clockHand = (clockHand + 1) % maxEntries;
      if (words[stateWord(element)] === REFERENCED) words[stateWord(element)] = USED;
      else {
        removeElement(element);
        return element;
      }
    }
  }

  /** Element number for a new key, or -1 when the map is full. */
  function allocateElement(): number {
    const reused = freed.pop();
    if (reused !== undefined) return reused;
    if (fresh < maxEntries) return fresh++;
    return lru ? evict() : -1;
  }

  /** The element with this key, made if need be with zeroed values, or -errno. */
  function findOrAdd(key: number, flags: number): number {
    const hash = hashKey(arena, key, keySize);
    const slot = findSlot(key, hash);
    const error = updateFlagsError(flags, slot >= 0);
    if (error !== 0) return error;
    if (slot >= 0) {
      const element = words[firstSlot + slot]! - 1;
      if (lru) words[stateWord(element)] = REFERENCED;
      return element;
    }
    const element = allocateElement();
    if (element < 0) return -ERRNO.E2BIG;
    // Eviction may have moved the free slot.
    const free = ~findSlot(key, hash);
    words[firstSlot + free] = element + 1;
    words[(keys + element * keyStride) >> 2] = hash;
    words[stateWord(element)] = USED;
    copyBytes(arena, keyOf(element), key, keySize);
    for (let cpu = 0; cpu < copies; cpu++) zeroBytes(arena, valueOf(element, cpu), valueStride);
    return element;
  }

  function deleteKey(key: number): number {
    const element = findElement(key);
    if (element < 0) return -ERRNO.ENOENT;
    removeElement(element);
    freed.push(element);
    return 0;
  }

  function* usedElements(): Generator<number> {
    // Elements added while iterating take freed places or lie behind this limit: the walk ends.
    const limit = fresh;
    for (let element = 0; element < limit; element++) if (words[stateWord(element)] !== FREE) yield element;
  }

  const scratchKey = arena.memory.allocate(roundUp8(keySize), 8);
  const location: MapLocation = { address: object, hash: layout };
  return {
    definition,
    location,
    lookup: (key) => lookupOnCpu(key, currentCpu()),
    lookupOnCpu: (key, cpu) => (cpu >>> 0 < host.cpus ? lookupOnCpu(key, perCpu ? cpu : 0) : 0),
    update(key, value, flags) {
      if (flags >>> 0 > UPDATE_FLAGS.exist) return -ERRNO.EINVAL;
      const element = findOrAdd(key, flags);
      if (element < 0) return element;
      copyBytes(arena, valueOf(element, currentCpu()), value, valueSize);
      return 0;
    },
    delete: deleteKey,
    forEach(visit) {
      const limit = fresh;
      let visited = 0;
      for (let element = 0; element < limit; element++) {
        if (words[stateWord(element)] === FREE) continue;
        visited++;
        if (visit(keyOf(element), valueOf(element, currentCpu()))) break;
      }
      return visited;
    },
    collect() {
      const elements: MapElement[] = [];
      for (const element of usedElements()) {
        const value = new Uint8Array(copies * (perCpu ? valueStride : valueSize));
        for (let cpu = 0; cpu < copies; cpu++) {
          const from = valueOf(element, cpu);
          value.set(bytes.subarray(from, from + valueSize), cpu * valueStride);
        }
        elements.push({ key: snapshot(arena, keyOf(element), keySize), value });
      }
      return elements;
    },
    clear() {
      for (const element of usedElements()) {
        removeElement(element);
        freed.push(element);
      }
    },
    zero() {
      for (const element of usedElements()) {
        for (let cpu = 0; cpu < copies; cpu++) zeroBytes(arena, valueOf(element, cpu), valueStride);
      }
    },
    write(key, value) {
      bytes.set(key, scratchKey);
      const element = findOrAdd(scratchKey, UPDATE_FLAGS.any);
      if (element < 0) return element;
      for (let cpu = 0; cpu < copies; cpu++) {
        bytes.set(value.subarray(cpu * valueStride, cpu * valueStride + valueSize), valueOf(element, cpu));
      }
      return 0;
    },
  };
}

function equalWords(words: Int32Array, a: number, b: number, size: number): boolean {
  for (let i = 0; i < size; i += 4) if (words[(a + i) >> 2] !== words[(b + i) >> 2]) return false;
  return true;
}

function equalBytes(bytes: Uint8Array, a: number, b: number, size: number): boolean {
  for (let i = 0; i < size; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}
