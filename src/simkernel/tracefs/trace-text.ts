import { fieldsByName } from './event.ts';
import { fieldText, fieldValue, printRecord } from './print-format.ts';
import type { TraceArray } from './trace-array.ts';
import type { TraceEntry } from './ring-buffer.ts';

const CONTEXT_HEADER = `#                                _-----=> irqs-off/BH-disabled
#                               / _----=> need-resched
#                              | / _---=> hardirq/softirq
#                              || / _--=> preempt-depth
#                              ||| / _-=> migrate-disable
#                              |||| /     delay
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
#              | |         |   |||||     |         |
`;

/** What `trace` begins with. */
export function traceHeader(array: TraceArray, cpu?: number): string {
  const rings = array.rings.filter((_, id) => cpu === undefined || id === cpu);
  const held = rings.reduce((sum, ring) => sum + ring.count, 0);
  const written = held + rings.reduce((sum, ring) => sum + ring.overrun, 0);
  const title = `# tracer: ${array.tracer?.name ?? 'nop'}\n#\n`;
  if (array.tracer?.header !== undefined) return title + array.tracer.header;
  return `${title}# entries-in-buffer/entries-written: ${held}/${written}   #P:${array.machine.cpus}\n#\n${CONTEXT_HEADER}`;
}

/** `60.123456` */
export function traceTime(timeNs: number): string {
  const us = Math.floor(timeNs / 1000);
  return `${String(Math.floor(us / 1e6)).padStart(5)}.${String(us % 1e6).padStart(6, '0')}`;
}

/** The five columns between CPU and time (trace_print_lat_fmt). */
export function flagsText(data: Uint8Array): string {
  const flags = data[2]!;
  const preempt = data[3]!;
  const irqsOff = (flags & 0x01) !== 0;
  const bhOff = (flags & 0x80) !== 0;
  const hard = (flags & 0x08) !== 0;
  const soft = (flags & 0x10) !== 0;
  return [
    irqsOff && bhOff ? 'D' : irqsOff ? 'd' : bhOff ? 'b' : '.',
    (flags & 0x04) !== 0 ? 'N' : '.',
    hard && soft ? 'H' : hard ? 'h' : soft ? 's' : '.',
    (preempt & 0xf) === 0 ? '.' : (preempt & 0xf).toString(16),
    preempt >> 4 === 0 ? '.' : (preempt >> 4).toString(16),
  ].join('');
}

/** What an event says, by its `print fmt`. */
export function recordText(array: TraceArray, { event, data }: TraceEntry): string {
  const record = { machine: array.machine, data, fields: fieldsByName(event) };
  const { format, describe } = event;
  if (describe !== undefined) return describe(data);
  if (format !== undefined) return printRecord(record, format);
  const fields = event.fields.map(({ name }) => {
    const value = fieldValue(record, name);
    return `${name}=${typeof value === 'bigint' ? value.toString() : fieldText(value)}`;
  });
  return `[FAILED TO PARSE] ${fields.join(' ')}`;
}
function eventText(array: TraceArray, entry: TraceEntry): string {
  const { event } = entry;
  const text = recordText(array, entry);
  if (event.system !== 'syscalls') return `${event.title}${text}`;
  return event.name.startsWith('sys_exit_') ? `${event.title} -> ${text}` : `${event.title}(${text})`;
}

/** One line of `trace`. */
export function entryLine(array: TraceArray, entry: TraceEntry): string {
  const comm = array.comms.get(entry.pid) ?? '<...>';
  return (
    `${comm.padStart(16)}-${String(entry.pid).padEnd(7)} [${String(entry.cpu).padStart(3, '0')}] ` +
    `${flagsText(entry.data)} ${traceTime(entry.timeNs)}: ${eventText(array, entry)}\n`
  );
}

/** Records as the current tracer shows them. */
export function entriesText(array: TraceArray, entries: readonly TraceEntry[]): string {
  return array.tracer?.text?.(array, entries) ?? entries.map((entry) => entryLine(array, entry)).join('');
}

export function traceText(array: TraceArray, cpu?: number): string {
  return traceHeader(array, cpu) + entriesText(array, array.entries(cpu));
}
