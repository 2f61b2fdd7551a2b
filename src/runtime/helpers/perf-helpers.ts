import type { HelperFunctions } from '../../abi/helpers.ts';
import { ERRNO } from '../errno.ts';
import { MAP_OBJECT } from '../maps/bpf-map.ts';
import { returnSigned, type HelperHost } from './helper-host.ts';

type PerfHelpers = Pick<
  HelperFunctions,
  'perf_event_read' | 'perf_event_read_value' | 'perf_event_output' | 'read_branch_records' | 'get_branch_snapshot'
>;

/** BPF_F_INDEX_MASK, which alone means the element of the current CPU. */
const CURRENT_CPU = -1;
/** struct bpf_perf_event_value: counter, time enabled, time running. */
const EVENT_VALUE_SIZE = 24;
/** BPF_F_GET_BRANCH_RECORDS_SIZE */
const BRANCH_SIZE_FLAG = 1;

/**
 * Helpers of perf events (kernel/trace/bpf_trace.c). The machine has no counters and no branch stacks, and nobody opens perf
 * events into the arrays: they answer as the kernel does for an element without an event.
 */
export function perfHelpers(host: HelperHost): PerfHelpers {
  const { kernel, arena } = host;
  const { words, bytes } = arena;

  function findEvent(map: number, flags: number, flagsHigh: number): number {
    if (flagsHigh !== 0) return -ERRNO.EINVAL;
    const index = flags === CURRENT_CPU ? words[kernel.current.cpu >> 2]! : flags;
    return index >>> 0 >= words[(map + MAP_OBJECT.maxEntries) >> 2]! >>> 0 ? -ERRNO.E2BIG : -ERRNO.ENOENT;
  }

  return {
    perf_event_read: (map, flags, flagsHigh) => returnSigned(host, findEvent(map, flags, flagsHigh)),
    perf_event_output: (_context, map, flags, flagsHigh) => returnSigned(host, findEvent(map, flags, flagsHigh)),
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
