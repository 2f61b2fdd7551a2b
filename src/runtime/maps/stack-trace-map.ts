import type { MapDefinition } from '../../abi/program-image.ts';
import { snapshot } from '../arena.ts';
import { ERRNO } from '../errno.ts';
import type { BpfMap, MapElement, MapHost } from './bpf-map.ts';
import { hashKey } from './hash-key.ts';

/** Flags of bpf_get_stackid and bpf_get_stack (include/uapi/linux/bpf.h); the low byte is how many frames to skip. */
export const STACK_FLAGS = {
  skip: 0xff,
  user: 1 << 8,
  fastCompare: 1 << 9,
  reuseId: 1 << 10,
  buildId: 1 << 11,
} as const;

export interface StackTraceMap extends BpfMap {
  readonly depth: number;
  /** Id of the stack of `count` addresses at `trace`, or -errno. */
  idOf(trace: number, count: number, flags: number): number;
}

/** stack_trace (kernel/bpf/stackmap.c): a stack's id is its hash modulo the number of buckets; collisions are refused or replace. */
export function createStackTraceMap(definition: MapDefinition, object: number, host: MapHost): StackTraceMap {
  const { arena } = host;
  const { memory, bytes, words } = arena;
  const { valueSize } = definition;
  const depth = valueSize >> 3;
  const bucketCount = 2 ** Math.ceil(Math.log2(definition.maxEntries));
  /** By id: arena offset of a bucket (u32 count, u32 hash, addresses). Made when first used: a map of all of them may be huge. */
  const buckets = new Map<number, number>();
  const bucketSize = 8 + depth * 8;

  function holds(bucket: number, trace: number, size: number): boolean {
    for (let i = 0; i < size; i++) if (bytes[bucket + 8 + i] !== bytes[trace + i]) return false;
    return true;
  }

  function release(id: number): number {
    const bucket = buckets.get(id);
    if (bucket === undefined) return -ERRNO.ENOENT;
    buckets.delete(id);
    memory.free(bucket, bucketSize);
    return 0;
  }

  return {
    definition,
    location: { address: object },
    depth,
    idOf(trace, count, flags) {
      const size = count * 8;
      const hash = hashKey(arena, trace, size);
      const id = (hash >>> 0) % bucketCount;
      let bucket = buckets.get(id);
      if (bucket !== undefined) {
        const same = words[(bucket >> 2) + 1] === hash;
        if (same && (flags & STACK_FLAGS.fastCompare || (words[bucket >> 2] === count && holds(bucket, trace, size)))) {
          return id;
        }
        if (!(flags & STACK_FLAGS.reuseId)) return -ERRNO.EEXIST;
      } else {
        bucket = memory.allocate(bucketSize, 8);
        buckets.set(id, bucket);
      }
      words[bucket >> 2] = count;
      words[(bucket >> 2) + 1] = hash;
      bytes.fill(0, bucket + 8, bucket + bucketSize);
      bytes.copyWithin(bucket + 8, trace, trace + size);
      return id;
    },
    // Programs may not look into a stack map: the kernel answers -EOPNOTSUPP, which a lookup shows as null.
    lookup: () => 0,
    lookupOnCpu: () => 0,
    update: () => -ERRNO.EINVAL,
    delete: (key) => release(arena.view.getUint32(key, true)),
    forEach: () => 0,
    collect() {
      const ids = [...buckets.keys()].sort((a, b) => a - b);
      return ids.map((id): MapElement => ({
        key: new Uint8Array(Uint32Array.of(id).buffer),
        value: snapshot(arena, buckets.get(id)! + 8, valueSize),
      }));
    },
    clear() {
      for (const id of [...buckets.keys()]) release(id);
    },
    zero: () => undefined,
    write: () => -ERRNO.EINVAL,
  };
}
