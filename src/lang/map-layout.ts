import type { MapType } from '../abi/map-types.ts';
import type { MapSymbol } from './typed-program.ts';
import { AGGREGATIONS, isAggregation } from './aggregations.ts';
import type { AggregationName } from './aggregations.ts';
import type { Type } from './types.ts';
import { sizeOf } from './layout.ts';

/*
 * How script maps, and values that only user space can finish, look as bytes: code generation writes them, the runtime
 * reads them. All numbers are little endian.
 *
 * key:    the key type's bytes (layout.ts), padding zeroed; a scalar map has one key, a u64 of zero.
 *         hist, lhist and tseries maps have one element per bucket: the u64 bucket number follows the key at the next
 *         multiple of 8; a scalar map's key is then the bucket number alone.
 * value:  the value type's bytes, except for aggregations, see the fields of AGGREGATIONS (aggregations.ts).
 *
 * kstack: u64 n, u64 address[limit]          (bpf_get_stack, innermost first; zeros behind the first n)
 * ustack: u32 tgid, u32 attachment (index in Resources.attachments), u64 n, u64 address[limit]
 * usym:   u64 address, u32 tgid, u32 attachment
 * ksym:   u64 address
 * timestamp: u32 index in Resources.timeFormats, u32 mode (index in TIMESTAMP_MODES), u64 nanoseconds
 * buffer: u32 length, bytes[size]
 * inet:   u64 family, 16 bytes of address
 * username: u64 uid.  strerror: u64 errno.  cgroup_path: u64 1 when its filter leaves the tree out, u64 cgroup id.
 */

/** Modes of strftime() and nsecs(), by the number in a timestamp value. */
export const TIMESTAMP_MODES = ['monotonic', 'boot', 'tai', 'sw_tai'] as const;
export type TimestampMode = (typeof TIMESTAMP_MODES)[number];

/** Names of the u64 fields of one CPU's element. */
export function aggregationFields(kind: AggregationName): readonly string[] {
  return AGGREGATIONS[kind].fields;
}

/** Whether each bucket of this value is an element of its own, with the bucket's number at the key's end. */
export function hasBuckets(value: Type): boolean {
  return value.kind === 'hist' || value.kind === 'lhist' || value.kind === 'tseries';
}

/** Where the bucket number stands in the key of such a map. */
export function bucketOffset(key: Type | undefined): number {
  return key === undefined ? 0 : alignUp8(sizeOf(key));
}

/** Bytes of a map's key in the kernel. */
export function mapKeySize(key: Type | undefined, value: Type): number {
  if (hasBuckets(value)) return bucketOffset(key) + 8;
  return key === undefined ? 8 : sizeOf(key);
}

/** Bytes of one element of a map in the kernel (of one CPU's copy). */
export function mapValueSize(value: Type): number {
  return isAggregation(value.kind) ? AGGREGATIONS[value.kind].fields.length * 8 : sizeOf(value);
}

/** Which Linux map holds a script's map that did not declare one. */
function defaultMapType(value: Type): MapType {
  return isAggregation(value.kind) ? 'percpu_hash' : 'hash';
}

/** The map types that a script may declare: `let @m = lruhash(10)`, in the order in which bpftrace names them. */
export const DECLARABLE_MAP_TYPES = {
  percpulruhash: 'lru_percpu_hash',
  percpuhash: 'percpu_hash',
  lruhash: 'lru_hash',
  hash: 'hash',
} as const satisfies Record<string, MapType>;

/** The Linux map that holds a script's map. */
export function linuxMapType(symbol: MapSymbol): MapType {
  const declared = symbol.declared?.type;
  return declared !== undefined && isDeclarableMapType(declared)
    ? DECLARABLE_MAP_TYPES[declared]
    : defaultMapType(symbol.value);
}

export function isDeclarableMapType(name: string): name is keyof typeof DECLARABLE_MAP_TYPES {
  return Object.hasOwn(DECLARABLE_MAP_TYPES, name);
}

function alignUp8(size: number): number {
  return (size + 7) & ~7;
}
