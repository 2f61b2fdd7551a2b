import type { MapResource } from '../../lang/resources.ts';
import { bucketOffset } from '../../lang/map-layout.ts';
import { aggregateLayout, sizeOf } from '../../lang/layout.ts';
import type { Type } from '../../lang/types.ts';
import type { MapElement } from '../maps/bpf-map.ts';
import { linearHistogram, powerHistogram } from './histogram.ts';
import { maximum, meanOf, minimum, readStats, sumWords } from './per-cpu.ts';
import { readValue } from './read-value.ts';
import { buildTimeSeries, reduceInterval } from './time-series.ts';
import type { MapContents, Primitive, Value } from './value.ts';
import type { ValueContext } from './value-context.ts';

export interface PrintOptions {
  /** Only so many entries, those printed last; 0 for all. */
  readonly top: number;
  /** Divides values; 0 and 1 leave them. */
  readonly div: bigint;
}
const EVERYTHING: PrintOptions = { top: 0, div: 1n };

interface Entry {
  readonly keyBytes: Uint8Array;
  readonly value: Value;
}

/** A map as print() shows it: aggregated over CPUs and buckets, in bpftrace's order, cut to the top entries. */
export function readMap(
  context: ValueContext,
  map: MapResource,
  elements: readonly MapElement[],
  options: PrintOptions = EVERYTHING,
): MapContents {
  const div = options.div === 0n ? 1n : options.div;
  const stats = map.value.kind === 'avg' || map.value.kind === 'stats';
  const entries = readEntries(context, map, elements, div, options.top);
  const { key } = map;
  if (key === undefined && entries[0] !== undefined) return { kind: 'scalar', value: entries[0].value, stats };
  return {
    kind: 'keyed',
    entries: entries.map(({ keyBytes, value }) => ({ key: readKey(context, key, keyBytes), value })),
    stats,
  };
}

function readKey(context: ValueContext, key: Type | undefined, bytes: Uint8Array): Primitive {
  return key === undefined ? { kind: 'none' } : readValue(context, key, bytes);
}

function readEntries(
  context: ValueContext,
  map: MapResource,
  elements: readonly MapElement[],
  div: bigint,
  top: number,
): Entry[] {
  const { key, value } = map;
  switch (value.kind) {
    case 'hist':
    case 'lhist': {
      const groups = [...groupBuckets(key, elements).values()];
      const counted = groups.map((group) => ({ ...group, counts: bucketCounts(group.buckets) }));
      sortBy(counted, ({ counts }) =>
        BigInt.asUintN(
          64,
          counts.reduce((a, b) => a + b, 0n),
        ),
      );
      return lastOf(counted, top).map(({ keyBytes, counts }) => ({
        keyBytes,
        value:
          value.kind === 'hist'
            ? powerHistogram(counts, value.bits, div)
            : linearHistogram(counts, Number(value.min), Number(value.max), Number(value.step)),
      }));
    }
    case 'tseries': {
      const series = [...groupBuckets(key, elements).values()].map(({ keyBytes, buckets }) => {
        const intervals = new Map<bigint, bigint>();
        for (const bytes of buckets.values()) {
          const interval = reduceInterval(value, viewOf(bytes));
          // The first bucket of an interval counts.
          if (!intervals.has(interval.epoch)) intervals.set(interval.epoch, interval.value);
        }
        return { keyBytes, intervals };
      });
      let newest = 0n;
      for (const { intervals } of series) for (const epoch of intervals.keys()) if (epoch > newest) newest = epoch;
      return series.map(({ keyBytes, intervals }) => ({ keyBytes, value: buildTimeSeries(value, intervals, newest) }));
    }
    default: {
      const sorted = [...elements];
      sortElements(key, value, sorted);
      return lastOf(sorted, top).map((element) => ({
        keyBytes: element.key,
        value: readValue(context, value, element.value, div),
      }));
    }
  }
}

interface BucketGroup {
  readonly keyBytes: Uint8Array;
  readonly buckets: Map<number, Uint8Array>;
}

/** The buckets of each key, keys in the order of their bytes. */
function groupBuckets(key: Type | undefined, elements: readonly MapElement[]): Map<string, BucketGroup> {
  const offset = bucketOffset(key);
  const keySize = key === undefined ? 0 : sizeOf(key);
  const groups = new Map<string, BucketGroup>();
  const sorted = [...elements].sort((a, b) => compareBytes(a.key.subarray(0, keySize), b.key.subarray(0, keySize)));
  for (const element of sorted) {
    const keyBytes = element.key.subarray(0, keySize);
    const id = keyBytes.join();
    let group = groups.get(id);
    if (group === undefined) groups.set(id, (group = { keyBytes, buckets: new Map() }));
    group.buckets.set(Number(viewOf(element.key).getBigUint64(offset, true)), element.value);
  }
  return groups;
}

function bucketCounts(buckets: ReadonlyMap<number, Uint8Array>): bigint[] {
  const counts = new Array<bigint>(Math.max(0, ...buckets.keys()) + 1).fill(0n);
  for (const [bucket, bytes] of buckets) counts[bucket] = sumWords(viewOf(bytes));
  return counts;
}

/** Numbers are ordered by value, everything else by key; equal ones stay in the map's order. */
function sortElements(key: Type | undefined, value: Type, elements: MapElement[]): void {
  switch (value.kind) {
    case 'int':
      // bpftrace sums whole 64-bit words, of which a narrower value has none: such maps keep the kernel's order.
      sortBy(elements, (element) => wrap(sumWords(viewOf(element.value)), value.signed));
      return;
    case 'enum':
    case 'count':
      sortBy(elements, (element) => sumWords(viewOf(element.value)));
      return;
    case 'sum':
      sortBy(elements, (element) => wrap(sumWords(viewOf(element.value)), value.signed));
      return;
    // As unsigned numbers, even if they are signed.
    case 'min':
      sortBy(elements, (element) => minimum(viewOf(element.value), false));
      return;
    case 'max':
      sortBy(elements, (element) => maximum(viewOf(element.value), false));
      return;
    case 'avg':
    case 'stats':
      sortBy(elements, (element) => meanOf(readStats(viewOf(element.value), value.signed)));
      return;
    default:
      if (key !== undefined) sortByKey(key, elements);
  }
}

/** By integer and string keys, or by such elements of a tuple, the first first; others do not count. */
function sortByKey(key: Type, elements: MapElement[]): void {
  const parts = key.kind === 'tuple' ? key.elements : [key];
  const offsets = key.kind === 'tuple' ? aggregateLayout(parts).offsets : [0];
  elements.sort((a, b) => {
    for (const [i, part] of parts.entries()) {
      const order = compareKeyPart(part, a.key.subarray(offsets[i]!), b.key.subarray(offsets[i]!));
      if (order !== 0) return order;
    }
    return 0;
  });
}

function compareKeyPart(type: Type, a: Uint8Array, b: Uint8Array): number {
  switch (type.kind) {
    case 'int':
    case 'enum': {
      const size = sizeOf(type);
      // Always as signed numbers.
      const [left, right] = [signedAt(a, size), signedAt(b, size)];
      return left < right ? -1 : left > right ? 1 : 0;
    }
    case 'string':
      return compareBytes(a.subarray(0, type.size), b.subarray(0, type.size));
    default:
      return 0;
  }
}

function signedAt(bytes: Uint8Array, size: number): bigint {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return BigInt.asIntN(size * 8, value);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

function sortBy<T>(items: T[], rank: (item: T) => bigint): void {
  const ranked = items.map((item) => ({ item, rank: rank(item) }));
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0));
  ranked.forEach(({ item }, i) => (items[i] = item));
}

function lastOf<T>(items: readonly T[], top: number): readonly T[] {
  return top > 0 && items.length > top ? items.slice(items.length - top) : items;
}

function wrap(value: bigint, signed: boolean): bigint {
  return signed ? BigInt.asIntN(64, value) : value;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
