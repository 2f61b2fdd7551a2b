import type { HelperFunctions } from '../../abi/helpers.ts';
import { bug } from '../../source/bug.ts';
import { ERRNO } from '../errno.ts';
import { MAP_OBJECT, type BpfMap } from '../maps/bpf-map.ts';
import type { RingBuffer } from '../maps/ring-buffer.ts';
import type { QueueMap } from '../maps/queue-map.ts';
import { returnPair, returnSigned, type HelperHost } from './helper-host.ts';

type MapHelpers = Pick<
  HelperFunctions,
  | 'map_lookup_elem'
  | 'map_update_elem'
  | 'map_delete_elem'
  | 'map_lookup_percpu_elem'
  | 'for_each_map_elem'
  | 'ringbuf_output'
  | 'ringbuf_reserve'
  | 'ringbuf_submit'
  | 'ringbuf_discard'
  | 'ringbuf_query'
  | 'map_push_elem'
  | 'map_pop_elem'
  | 'map_peek_elem'
>;

export function mapHelpers(host: HelperHost): MapHelpers {
  const { maps, arena } = host;
  const { words } = arena;
  const mapAt = (object: number): BpfMap => maps[words[(object + MAP_OBJECT.index) >> 2]!]!;
  // The verifier admits only ring buffers as the map of these helpers.
  const ringAt = (object: number): RingBuffer => mapAt(object) as RingBuffer;
  const rings = maps.filter((map) => map.definition.type === 'ringbuf') as RingBuffer[];
  const ringOf = (record: number): RingBuffer =>
    rings.find((ring) => ring.owns(record)) ?? bug('record of no ring buffer');
  const queueAt = (object: number): QueueMap => mapAt(object) as QueueMap;
  const { kernelHigh } = arena.memory;

  return {
    map_lookup_elem: (map, key) => mapAt(map).lookup(key),
    map_lookup_percpu_elem: (map, key, cpu) => mapAt(map).lookupOnCpu(key, cpu),
    map_update_elem: (map, key, value, flags, flagsHigh) =>
      returnSigned(host, flagsHigh !== 0 ? -ERRNO.EINVAL : mapAt(map).update(key, value, flags)),
    map_delete_elem: (map, key) => returnSigned(host, mapAt(map).delete(key)),

    for_each_map_elem(map, func, context, contextHigh, flags, flagsHigh) {
      if (flags !== 0 || flagsHigh !== 0) return returnSigned(host, -ERRNO.EINVAL);
      const callback = host.callback();
      const visited = mapAt(map).forEach((key, value) => {
        // The callback may loop over another map: arguments belong to this call.
        const args = Int32Array.of(map, kernelHigh, key, kernelHigh, value, kernelHigh, context, contextHigh, 0, 0);
        return callback(func, args) !== 0;
      });
      return returnPair(host, visited, 0);
    },

    map_push_elem: (map, value, flags, flagsHigh) =>
      returnSigned(host, flagsHigh !== 0 ? -ERRNO.EINVAL : queueAt(map).push(value, flags)),
    map_pop_elem: (map, to) => returnSigned(host, queueAt(map).pop(to)),
    map_peek_elem: (map, to) => returnSigned(host, queueAt(map).peek(to)),

    ringbuf_query: (map, flags, flagsHigh) => returnPair(host, flagsHigh === 0 ? ringAt(map).query(flags) : 0, 0),
    ringbuf_output: (map, data, size, flags, flagsHigh) =>
      returnSigned(host, flagsHigh !== 0 ? -ERRNO.EINVAL : ringAt(map).output(data, size, flags)),
    ringbuf_reserve: (map, size, sizeHigh, flags, flagsHigh) =>
      (sizeHigh | flags | flagsHigh) !== 0 ? 0 : ringAt(map).reserve(size),
    ringbuf_submit: (record, flags) => {
      ringOf(record).submit(record, flags);
      return 0;
    },
    ringbuf_discard: (record, flags) => {
      ringOf(record).discard(record, flags);
      return 0;
    },
  };
}
