import { RECORD_FLAGS, RECORD_HEADER } from '../../src/abi/map-layouts.ts';
import type { ExecutionEnvironment, MapLocation } from '../../src/abi/execution.ts';
import { HELPERS, type HelperFunctions, type HelperName, type HelperRow } from '../../src/abi/helpers.ts';
import { ARG_WORDS } from '../../src/abi/helper-types.ts';
import type { MapDefinition } from '../../src/abi/program-image.ts';
import { Memory } from '../../src/jit/web-assembly.ts';
import { createSmallHash, type SmallHash } from './small-hash.ts';

const WASM_PAGE = 1 << 16;
const ARENA_BYTES = 4 * WASM_PAGE;
export const KERNEL_HIGH = 0xffff8880 | 0;
const PLACES = {
  resultHigh: 64,
  cpu: 72,
  time: 80,
  pidTgid: 88,
  uidGid: 96,
  task: 104,
  comm: 112,
  probedFunction: 128,
  ringProducer: 136,
  ringConsumer: 140,
  mapObjects: 0x200,
  context: 0x1000,
  records: 0x4000,
  recordsEnd: 0x8000,
  stackTop: 0x10000,
  maps: 0x10000,
} as const;
/** Too small for any record, so that generated code leaves reserving to the helper. */
const FULL_RING = {
  data: PLACES.records,
  mask: -1,
  producer: PLACES.ringProducer,
  consumer: PLACES.ringConsumer,
};
const CPUS = 2;
const CALLBACK_ROUNDS = 12;
const EFAULT = -14;

/** Where a map's elements are, for the checks of map-value pointers. */
export interface Elements {
  readonly values: number;
  readonly stride: number;
  readonly count: number;
}

export interface SmallMachine {
  readonly environment: ExecutionEnvironment;
  readonly bytes: Uint8Array;
  readonly context: number;
  readonly elements: readonly Elements[];
  /** Memory as a run leaves it; without the frames, which are gone then, and into which generated code need not store. */
  lasting(): Uint8Array;
  /** Hash maps get some of the keys that were asked for since the last call, at the next reset; or forget them. */
  learn(): void;
  forget(): void;
  /** Back to the start, with other contents for another seed. */
  reset(seed: number, context: Uint8Array): void;
}

/**
 * Just enough of a machine to run any image of simple maps with every helper, alike in all engines: hash maps of four
 * elements, helpers that fill buffers and return numbers out of a seeded sequence.
 * Undefined for images whose maps do not fit.
 */
export function createSmallMachine(maps: readonly MapDefinition[]): SmallMachine | undefined {
  const pages = ARENA_BYTES / WASM_PAGE;
  const wasmMemory = new Memory({ initial: pages, maximum: pages, shared: true });
  const { buffer } = wasmMemory;
  const words = new Int32Array(buffer);
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  let next: number = PLACES.maps;
  const locations: MapLocation[] = [];
  const elements: Elements[] = [];
  const keys: number[] = [];
  const hashes: (SmallHash | undefined)[] = [];
  for (const [index, map] of maps.entries()) {
    const stride = (map.valueSize + 7) & ~7;
    const isArray = map.type === 'array' || map.type === 'percpu_array';
    const copies = map.type.includes('percpu') ? CPUS : 1;
    const address = PLACES.mapObjects + index * 8;
    keys.push(next);
    next += (map.keySize + 7) & ~7;
    const hash = map.type.endsWith('hash') ? createSmallHash(map, next, buffer, CPUS) : undefined;
    hashes.push(hash);
    if (hash !== undefined) {
      locations.push({ address, hash: hash.layout });
      elements.push({ values: hash.layout.values, stride, count: hash.count });
      next += hash.size;
    } else {
      const maxEntries = isArray ? map.maxEntries : 0;
      const array = { values: next, stride, maxEntries, cpuStride: copies > 1 ? stride * maxEntries : 0 };
      locations.push({ address, ...(isArray ? { array } : map.type === 'ringbuf' ? { ring: FULL_RING } : {}) });
      elements.push({ values: next, stride, count: maxEntries * copies });
      next += stride * maxEntries * copies;
    }
    if (next > ARENA_BYTES) return undefined;
  }

  let chance = 1;
  let nextRecord: number = PLACES.records;
  const random = (): number => {
    chance = (Math.imul(chance, 1664525) + 1013904223) | 0;
    return chance >>> 8;
  };
  const result = (low: number, high = low >> 31): number => {
    words[PLACES.resultHigh >> 2] = high;
    return low;
  };
  const indexOf = (map: number): number => (map - PLACES.mapObjects) >> 3;
  const element = (map: number, key: number): number => {
    const index = indexOf(map);
    const definition = maps[index];
    const place = elements[index];
    if (definition === undefined || place === undefined || place.count === 0) return 0;
    const { array } = locations[index]!;
    if (array !== undefined) {
      const at = view.getUint32(key, true);
      if (at >= array.maxEntries) return 0;
      return array.values + at * array.stride + array.cpuStride * words[PLACES.cpu >> 2]!;
    }
    return hashes[index]?.find(key, words[PLACES.cpu >> 2]!) ?? 0;
  };
  const implemented: Partial<HelperFunctions> = {
    map_lookup_elem: element,
    map_lookup_percpu_elem: element,
    map_update_elem: (map, key, value) => {
      const index = indexOf(map);
      const { keySize } = maps[index]!;
      if (element(map, key) === 0) hashes[index]?.add(bytes.slice(key, key + keySize));
      const at = element(map, key);
      if (at !== 0) bytes.copyWithin(at, value, value + maps[indexOf(map)]!.valueSize);
      return result(at === 0 ? -2 : 0);
    },
    map_delete_elem: () => result(0),
    ktime_get_ns: () => result(words[PLACES.time >> 2]!, words[(PLACES.time >> 2) + 1]!),
    get_smp_processor_id: () => result(words[PLACES.cpu >> 2]!, 0),
    get_current_pid_tgid: () => result(words[PLACES.pidTgid >> 2]!, words[(PLACES.pidTgid >> 2) + 1]!),
    get_current_uid_gid: () => result(words[PLACES.uidGid >> 2]!, words[(PLACES.uidGid >> 2) + 1]!),
    get_current_task: () => result(words[PLACES.task >> 2]!, words[(PLACES.task >> 2) + 1]!),
    get_current_comm: (to, size) => {
      bytes.fill(0, to, to + size).copyWithin(to, PLACES.comm, PLACES.comm + Math.min(size, 16));
      return result(0);
    },
    ringbuf_reserve: (_map, size, sizeHigh) => {
      if (size < 0 || sizeHigh !== 0 || nextRecord + RECORD_HEADER + size > PLACES.recordsEnd || random() % 4 === 0)
        return 0;
      const at = nextRecord + RECORD_HEADER;
      nextRecord = at + ((size + 7) & ~7);
      words[(at >> 2) - 2] = size | RECORD_FLAGS.busy;
      // Never the one that a consumer waits for.
      words[(at >> 2) - 1] = 1;
      return at;
    },
    ringbuf_submit: (record) => {
      words[(record >> 2) - 2]! &= RECORD_FLAGS.length;
      return 0;
    },
    ringbuf_discard: () => 0,
    loop: (count, countHigh, slot, context, contextHigh) => {
      const callback = environment.callback!;
      const rounds = countHigh !== 0 ? CALLBACK_ROUNDS : Math.min(count >>> 0, CALLBACK_ROUNDS);
      let index = 0;
      while (index < rounds) {
        const stop = callback(slot, Int32Array.of(index, 0, context, contextHigh, 0, 0, 0, 0, 0, 0));
        index++;
        if (stop !== 0) break;
      }
      return result(index, 0);
    },
    for_each_map_elem: (map, slot, context, contextHigh) => {
      const callback = environment.callback!;
      const place = elements[indexOf(map)]!;
      const key = keys[indexOf(map)]!;
      let index = 0;
      while (index < Math.min(place.count, CALLBACK_ROUNDS)) {
        bytes.fill(0, key, key + maps[indexOf(map)]!.keySize);
        bytes[key] = index;
        const value = place.values + index * place.stride;
        const args = [map, KERNEL_HIGH, key, KERNEL_HIGH, value, KERNEL_HIGH, context, contextHigh, 0, 0];
        const stop = callback(slot, Int32Array.from(args));
        index++;
        if (stop !== 0) break;
      }
      return result(index, 0);
    },
  };
  /** Fills the buffers it is given and returns at most the buffer's size, or an error. */
  const anyHelper =
    (row: HelperRow) =>
    (...args: number[]): number => {
      let at = 0;
      let limit = 0x7fff_ffff;
      const starts = row.args.map((kind) => {
        at += ARG_WORDS[kind];
        return at - ARG_WORDS[kind];
      });
      row.args.forEach((kind, i) => {
        if (kind !== 'uninit_mem') return;
        const to = args[starts[i]!]!;
        limit = args[starts[i + 1]!]!;
        for (let b = 0; b < limit; b++) bytes[to + b] = random();
      });
      return result(random() % 5 === 0 ? EFAULT : random() % (limit + 1));
    };
  const helpers = Object.fromEntries(
    (Object.keys(HELPERS) as HelperName[]).map((name) => [name, implemented[name] ?? anyHelper(HELPERS[name])]),
  ) as unknown as HelperFunctions;

  const environment: ExecutionEnvironment = {
    buffer,
    wasmMemory,
    kernelHigh: KERNEL_HIGH,
    resultHigh: PLACES.resultHigh,
    stackTop: PLACES.stackTop,
    helpers,
    maps: locations,
    current: PLACES,
    probeLoad: () => result(0, 0),
    callback: null,
  };
  return {
    environment,
    bytes,
    context: PLACES.context,
    elements,
    learn: () => hashes.forEach((hash) => hash?.learn()),
    forget: () => hashes.forEach((hash) => hash?.forget()),
    lasting: () => bytes.slice().fill(0, PLACES.recordsEnd, PLACES.stackTop),
    reset(seed, context) {
      chance = seed | 1;
      nextRecord = PLACES.records;
      bytes.fill(0);
      words[PLACES.cpu >> 2] = 1;
      words.set([0x12345678, 5], PLACES.time >> 2);
      words.set([1234, 1230], PLACES.pidTgid >> 2);
      words.set([1000, 100], PLACES.uidGid >> 2);
      words.set([0x4000, KERNEL_HIGH], PLACES.task >> 2);
      bytes.set(new TextEncoder().encode('tester'), PLACES.comm);
      bytes.set(context, PLACES.context);
      for (const { values, stride, count } of elements) {
        for (let at = values; at < values + stride * count; at++) bytes[at] = random() % 3 === 0 ? random() : 0;
      }
      for (const hash of hashes) hash?.fill();
      maps.forEach(({ initial }, index) => initial !== undefined && bytes.set(initial, elements[index]!.values));
    },
  };
}
