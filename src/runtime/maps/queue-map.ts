import type { MapDefinition } from '../../abi/program-image.ts';
import { copyBytes, roundUp8, snapshot } from '../arena.ts';
import { ERRNO } from '../errno.ts';
import { withoutElements, type BpfMap, type MapHost } from './bpf-map.ts';

/** A map of values without keys; addresses are arena offsets, results 0 or -errno. */
export interface QueueMap extends BpfMap {
  push(value: number, flags: number): number;
  pop(to: number): number;
  peek(to: number): number;
}

/** BPF_EXIST: a full map gives up its oldest value. */
const REPLACE_OLDEST = 2;

/** queue (first in, first out) and stack (last in, first out): kernel/bpf/queue_stack_maps.c. */
export function createQueueMap(definition: MapDefinition, object: number, host: MapHost): QueueMap {
  const { arena } = host;
  const { bytes } = arena;
  const { type, valueSize, maxEntries } = definition;
  const stride = roundUp8(valueSize);
  const values = arena.memory.allocate(maxEntries * stride, 8);
  let oldest = 0;
  let count = 0;
  const placeOf = (index: number): number => values + ((oldest + index) % maxEntries) * stride;

  function take(to: number, remove: boolean): number {
    if (count === 0) {
      bytes.fill(0, to, to + valueSize);
      return -ERRNO.ENOENT;
    }
    const at = placeOf(type === 'queue' ? 0 : count - 1);
    copyBytes(arena, to, at, valueSize);
    if (!remove) return 0;
    count--;
    if (type === 'queue') oldest = (oldest + 1) % maxEntries;
    return 0;
  }

  function push(value: number, flags: number): number {
    if (flags !== 0 && flags !== REPLACE_OLDEST) return -ERRNO.EINVAL;
    if (count === maxEntries) {
      if (flags !== REPLACE_OLDEST) return -ERRNO.E2BIG;
      oldest = (oldest + 1) % maxEntries;
      count--;
    }
    copyBytes(arena, placeOf(count), value, valueSize);
    count++;
    return 0;
  }

  return {
    ...withoutElements(definition, { address: object }),
    push,
    pop: (to) => take(to, true),
    peek: (to) => take(to, false),
    collect: () =>
      Array.from({ length: count }, (_, index) => ({
        key: new Uint8Array(),
        value: snapshot(arena, placeOf(index), valueSize),
      })),
    clear() {
      count = 0;
    },
    zero() {
      bytes.fill(0, values, values + maxEntries * stride);
    },
  };
}
