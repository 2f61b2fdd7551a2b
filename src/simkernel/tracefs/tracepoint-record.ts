import type { Machine } from '../machine.ts';
import { DATA_LOC } from '../tracepoint-formats.ts';
import { COMMON_SIZE } from './event.ts';
import type { TraceEvent } from './event.ts';
import { loadInteger } from './print-format.ts';
import { fillUserStrings } from './syscall-strings.ts';

/** The bytes of a tracepoint's record, of which the hook point has built one. */
export function tracepointRecord(m: Machine, event: TraceEvent, at: number): Uint8Array {
  const { bytes } = m.arena;
  let end = COMMON_SIZE;
  for (const { offset, size, type } of event.fields) {
    end = Math.max(end, offset + size);
    if (!type.startsWith(DATA_LOC)) continue;
    const place = Number(loadInteger(bytes, at + offset, 4, false));
    end = Math.max(end, (place & 0xffff) + (place >>> 16));
  }
  const data = bytes.slice(at, at + end);
  return event.system === 'syscalls' ? fillUserStrings(m, event, data) : data;
}
