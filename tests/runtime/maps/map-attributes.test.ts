import { describe, expect, test } from 'vitest';
import { MAP_FLAGS, MAP_TYPES, type MapType } from '../../../src/abi/map-types.ts';
import { impossibleMap, libbpfDefinition, refusedAttributes } from '../../../src/runtime/maps/map-attributes.ts';

type Sizes = readonly [keySize: number, valueSize: number, maxEntries: number];
interface Limits {
  readonly accepted: readonly Sizes[];
  readonly invalid: readonly Sizes[];
  readonly tooBig: readonly Sizes[];
}

const HASH: Limits = {
  accepted: [
    [1, 1, 1],
    [600, 8, 10],
    [4, 32 << 10, 1],
    [4, 4, 2 ** 27],
  ],
  invalid: [
    [0, 8, 1],
    [8, 0, 1],
    [8, 8, 0],
  ],
  tooBig: [
    [8, 4 << 20, 1],
    [4 << 20, 8, 1],
    [0xffff_ffff, 0xffff_ffff, 1],
    [4, 4, 2 ** 27 + 1],
    [4, 4, 0xffff_ffff],
  ],
};
const ARRAY: Limits = {
  accepted: [
    [4, 1, 1],
    [4, 32 << 10, 0xffff_ffff],
  ],
  invalid: [
    [8, 8, 1],
    [0, 8, 1],
    [4, 0, 1],
    [4, 8, 0],
  ],
  tooBig: [
    [4, 0x8000_0000, 1],
    [4, 0xffff_ffff, 1],
  ],
};
const FILES: Limits = {
  accepted: [[4, 4, 16]],
  invalid: [
    [4, 8, 16],
    [8, 4, 16],
    [4, 4, 0],
  ],
  tooBig: [],
};
const QUEUE: Limits = {
  accepted: [
    [0, 8, 1],
    [0, 4 << 20, 1],
  ],
  invalid: [
    [4, 8, 1],
    [0, 0, 1],
    [0, 8, 0],
  ],
  tooBig: [[0, (4 << 20) + 1, 1]],
};
/** The same, where a CPU's own value is limited by its first chunk of memory. */
const perCpu = (limits: Limits): Limits => ({ ...limits, tooBig: [...limits.tooBig, [4, (32 << 10) + 1, 1]] });

const LIMITS: Readonly<Record<MapType, Limits>> = {
  hash: { ...HASH, accepted: [...HASH.accepted, [8, (4 << 20) - 57, 1]] },
  lru_hash: HASH,
  percpu_hash: perCpu(HASH),
  lru_percpu_hash: perCpu(HASH),
  hash_of_maps: { accepted: [[8, 4, 1]], invalid: [[8, 8, 1], ...HASH.invalid], tooBig: [[4 << 20, 4, 1]] },
  array: { ...ARRAY, accepted: [...ARRAY.accepted, [4, 0x7fff_ffff, 1]] },
  percpu_array: perCpu(ARRAY),
  prog_array: FILES,
  perf_event_array: FILES,
  cgroup_array: FILES,
  array_of_maps: FILES,
  queue: QUEUE,
  stack: QUEUE,
  stack_trace: {
    accepted: [
      [4, 8, 1],
      [4, 127 * 8, 1],
    ],
    invalid: [
      [8, 8, 1],
      [4, 0, 1],
      [4, 12, 1],
      [4, 128 * 8, 1],
      [4, 8, 0],
    ],
    tooBig: [[4, 8, 2 ** 31 + 1]],
  },
  ringbuf: {
    accepted: [
      [0, 0, 4096],
      [0, 0, 2 ** 31],
    ],
    invalid: [
      [4, 0, 4096],
      [0, 8, 4096],
      [0, 0, 0],
      [0, 0, 2048],
      [0, 0, 12_288],
      [0, 0, 0xffff_ffff],
    ],
    tooBig: [],
  },
  task_storage: {
    accepted: [[4, 8, 0]],
    invalid: [
      [8, 8, 0],
      [4, 0, 0],
      [4, 8, 1],
    ],
    tooBig: [],
  },
};

const define = (type: MapType, [keySize, valueSize, maxEntries]: Sizes) => ({
  name: 'm',
  type,
  keySize,
  valueSize,
  maxEntries,
  flags: type === 'task_storage' ? MAP_FLAGS.no_prealloc : 0,
});

describe.each(Object.keys(MAP_TYPES) as MapType[])('the kernel asked for a map of type %s', (type) => {
  const { accepted, invalid, tooBig } = LIMITS[type];
  test.each(accepted)('creates one with keys of %d, values of %d bytes and %d entries', (...sizes) => {
    expect(refusedAttributes(define(type, sizes))).toBeUndefined();
  });
  test.each(invalid)('finds keys of %d, values of %d bytes and %d entries invalid', (...sizes) => {
    expect(refusedAttributes(define(type, sizes))).toMatch(/^Invalid argument \(.+\)$/);
  });
  test.each(tooBig)('finds keys of %d, values of %d bytes and %d entries too big', (...sizes) => {
    expect(refusedAttributes(define(type, sizes))).toMatch(/^Argument list too long \(.+\)$/);
  });
});

test.each<[MapType, number, number]>([
  ['ringbuf', 1, 4096],
  ['ringbuf', 4096, 4096],
  ['ringbuf', 12_288, 16_384],
  ['ringbuf', 0, 0],
  ['ringbuf', 0xffff_ffff, 0xffff_ffff],
  ['perf_event_array', 0, 3],
  ['perf_event_array', 8, 8],
  ['hash', 0, 0],
])('libbpf asks for a %s of size %d with size %d', (type, wanted, asked) => {
  expect(libbpfDefinition(define(type, [0, 0, wanted]), 3).maxEntries).toBe(asked);
});

test('the first map that cannot be is named', () => {
  const maps = [define('ringbuf', [0, 0, 5000]), define('hash', [4, 4, 0]), define('array', [8, 4, 1])];
  expect(impossibleMap(maps)).toBe("Failed to create map 'm': Invalid argument (it has room for 0 entries)");
  expect(impossibleMap(maps.slice(0, 1))).toBeUndefined();
});
