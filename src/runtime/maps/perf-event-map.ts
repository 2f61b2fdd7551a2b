import type { MapDefinition } from '../../abi/program-image.ts';
import { roundUp8 } from '../arena.ts';
import { ERRNO } from '../errno.ts';
import { withoutElements, type BpfMap, type MapHost } from './bpf-map.ts';

/** struct perf_event_header with the u32 that says how long the raw sample is (PERF_SAMPLE_RAW). */
const SAMPLE_HEADER = 12;

export interface PerfEventMap extends BpfMap {
  /** perf_buffer__new(): opens an event with a buffer of so many bytes for each CPU; until then there is none. */
  open(bytesPerCpu: number): void;
  /** perf_event_output of an element's event: 0, or -errno. A sample that does not fit is lost. */
  output(cpu: number, data: Uint8Array): number;
  /** All samples that are there, CPU by CPU, in the order in which they came; the buffers are empty then. */
  take(): readonly Uint8Array[];
  /** Samples that did not fit since the start. */
  lost(): number;
  /** Called when a sample comes to a buffer that was empty. */
  onData: (() => void) | null;
}

/** BPF_MAP_TYPE_PERF_EVENT_ARRAY with the buffers that user space opens behind it (kernel/trace/bpf_trace.c, kernel/events/ring_buffer.c). */
export function createPerfEventMap(definition: MapDefinition, address: number, host: MapHost): PerfEventMap {
  let size = 0;
  let lost = 0;
  const buffers = Array.from({ length: host.cpus }, () => ({ samples: [] as Uint8Array[], used: 0 }));
  const map: PerfEventMap = {
    ...withoutElements(definition, { address }),
    open: (bytesPerCpu) => void (size = bytesPerCpu),
    output(cpu, data) {
      if (cpu >= definition.maxEntries) return -ERRNO.E2BIG;
      const buffer = buffers[cpu];
      if (size === 0 || buffer === undefined) return -ERRNO.ENOENT;
      const needed = roundUp8(SAMPLE_HEADER + data.length);
      if (buffer.used + needed > size) {
        lost++;
        return -ERRNO.ENOSPC;
      }
      buffer.used += needed;
      buffer.samples.push(data);
      if (buffer.samples.length === 1) map.onData?.();
      return 0;
    },
    take() {
      const samples = buffers.flatMap((buffer) => buffer.samples);
      for (const buffer of buffers) Object.assign(buffer, { samples: [], used: 0 });
      return samples;
    },
    lost: () => lost,
    onData: null,
  };
  return map;
}
