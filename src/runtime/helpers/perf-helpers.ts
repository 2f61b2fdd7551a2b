import type { HelperFunctions } from '../../abi/helpers.ts';
import { ERRNO } from '../errno.ts';
import { snapshot } from '../arena.ts';
import { MAP_OBJECT } from '../maps/bpf-map.ts';
import type { PerfEventMap } from '../maps/perf-event-map.ts';
import { returnSigned, type HelperHost } from './helper-host.ts';

type PerfHelpers = Pick<
  HelperFunctions,
  | 'perf_event_read'
  | 'perf_event_read_value'
  | 'perf_event_output'
  | 'skb_output'
  | 'read_branch_records'
  | 'get_branch_snapshot'
>;

/** BPF_F_INDEX_MASK, which alone means the element of the current CPU. */
const CURRENT_CPU = -1;
/** struct bpf_perf_event_value: counter, time enabled, time running. */
const EVENT_VALUE_SIZE = 24;
/** BPF_F_CTXLEN_MASK */
const BPF_F_CTXLEN_BITS = 20;
/** BPF_F_GET_BRANCH_RECORDS_SIZE */
const BRANCH_SIZE_FLAG = 1;

/**
 * Helpers of perf events (kernel/trace/bpf_trace.c). The machine has no counters and no branch stacks: they
 * answer as the kernel does for an element without an event. Output goes to the buffers that user space opened.
 */
export function perfHelpers(host: HelperHost): PerfHelpers {
  const { kernel, arena, maps } = host;
  const { words, bytes } = arena;

  function findEvent(map: number, flags: number, flagsHigh: number): number {
    if (flagsHigh !== 0) return -ERRNO.EINVAL;
    const index = flags === CURRENT_CPU ? words[kernel.current.cpu >> 2]! : flags;
    return index >>> 0 >= words[(map + MAP_OBJECT.maxEntries) >> 2]! >>> 0 ? -ERRNO.E2BIG : -ERRNO.ENOENT;
  }

  function output(map: number, flags: number, sample: Uint8Array): number {
    const cpu = flags === CURRENT_CPU ? words[kernel.current.cpu >> 2]! : flags >>> 0;
    const buffers = maps[words[(map + MAP_OBJECT.index) >> 2]!] as PerfEventMap;
    // An event receives on its own CPU only.
    if (cpu !== words[kernel.current.cpu >> 2]! && cpu < buffers.definition.maxEntries) return -ERRNO.EOPNOTSUPP;
    return buffers.output(cpu, sample);
  }

  return {
    perf_event_read: (map, flags, flagsHigh) => returnSigned(host, findEvent(map, flags, flagsHigh)),
    perf_event_output(_context, map, flags, flagsHigh, data, size) {
      return returnSigned(host, flagsHigh === 0 ? output(map, flags, snapshot(arena, data, size)) : -ERRNO.EINVAL);
    },
    // The upper half of the flags is how much of the packet follows the data.
    skb_output(low, high, map, flags, packetSize, data, size) {
      if (packetSize >>> BPF_F_CTXLEN_BITS !== 0) return returnSigned(host, -ERRNO.EINVAL);
      const packet = kernel.packetData?.(low, high, packetSize);
      if (packet === undefined) return returnSigned(host, -ERRNO.EFAULT);
      const sample = new Uint8Array(size + packetSize);
      sample.set(bytes.subarray(data, data + size));
      sample.set(packet, size);
      return returnSigned(host, output(map, flags, sample));
    },
    perf_event_read_value(map, flags, flagsHigh, to, size) {
      bytes.fill(0, to, to + size);
      return returnSigned(host, size === EVENT_VALUE_SIZE ? findEvent(map, flags, flagsHigh) : -ERRNO.EINVAL);
    },
    read_branch_records: (_context, _to, _size, flags, flagsHigh) =>
      returnSigned(host, flagsHigh !== 0 || (flags & ~BRANCH_SIZE_FLAG) !== 0 ? -ERRNO.EINVAL : -ERRNO.ENOENT),
    get_branch_snapshot: (_to, _size, flags, flagsHigh) =>
      returnSigned(host, flags !== 0 || flagsHigh !== 0 ? -ERRNO.EINVAL : -ERRNO.ENOENT),
  };
}
