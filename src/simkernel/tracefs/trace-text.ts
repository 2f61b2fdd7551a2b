import { fieldsByName } from './event.ts';
import { latencyText } from './latency/latency-text.ts';
import { fieldText, fieldValue, printRecord } from './print-format.ts';
import { recordsOf } from './ring-buffer.ts';
import type { TraceEntry, TraceRing } from './ring-buffer.ts';
import type { TraceArray } from './trace-array.ts';
import { CLOCKS } from './trace-clock.ts';

/** Of the columns of flags and of PIDs, in front of `CPU#`. */
const FLAG_LINES = [
  '  _-----=> irqs-off/BH-disabled',
  ' / _----=> need-resched',
  '| / _---=> hardirq/softirq',
  '|| / _--=> preempt-depth',
  '||| / _-=> migrate-disable',
  '|||| /     delay',
];
function contextHeader({ options }: TraceArray): string {
  const hasTgid = options.get('record-tgid');
  if (!options.get('irq-info')) {
    const [title, rule] = hasTgid ? ['   TGID   ', '     |    '] : ['', ''];
    return `#           TASK-PID    ${title} CPU#     TIMESTAMP  FUNCTION\n#              | |      ${rule}   |         |         |\n`;
  }
  const [space, title, rule] = hasTgid ? ['            ', '     TGID   ', '       |    '] : ['  ', '  ', '  '];
  const flags = FLAG_LINES.map((line) => `#                            ${space}${line}\n`).join('');
  return (
    `${flags}#           TASK-PID  ${title} CPU#  |||||  TIMESTAMP  FUNCTION\n` +
    `#              | |    ${rule}   |   |||||     |         |\n`
  );
}

/** What `trace` begins with. */
function traceHeader(array: TraceArray, rings: readonly TraceRing[]): string {
  const { tracer, options, machine } = array;
  const held = rings.reduce((sum, ring) => sum + ring.count, 0);
  const written = held + rings.reduce((sum, ring) => sum + ring.overrun, 0);
  const title = `# tracer: ${array.tracerName}\n#\n`;
  if (!options.get('context-info')) return '';
  if (tracer?.header !== undefined) return title + tracer.header(array);
  return `${title}# entries-in-buffer/entries-written: ${held}/${written}   #P:${machine.cpus}\n#\n${contextHeader(array)}`;
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
  if (describe !== undefined) return describe(array, data);
  if (format !== undefined) return printRecord(record, format);
  const fields = event.fields.map(({ name }) => {
    const value = fieldValue(record, name);
    return `${name}=${typeof value === 'bigint' ? value.toString() : fieldText(value)}`;
  });
  return `[FAILED TO PARSE] ${fields.join(' ')}`;
}
/** The option `fields`: every field under its name (print_event_fields). */
function fieldsText(array: TraceArray, { event, data }: TraceEntry): string {
  const record = { machine: array.machine, data, fields: fieldsByName(event) };
  const fields = event.fields.map(({ name, size }) => {
    const value = fieldValue(record, name);
    if (typeof value !== 'bigint') return ` ${name}=${fieldText(value)}`;
    return ` ${name}=0x${BigInt.asUintN(8 * size, value).toString(16)} (${BigInt.asIntN(8 * size, value)})`;
  });
  return `${event.name}:${fields.join('')}`;
}
export function eventText(array: TraceArray, entry: TraceEntry): string {
  const { event } = entry;
  if (array.options.get('fields') && event.system !== 'ftrace') return fieldsText(array, entry);
  const text = recordText(array, entry);
  if (event.system !== 'syscalls') return `${event.title}${text}`;
  return event.name.startsWith('sys_exit_') ? `${event.title} -> ${text}` : `${event.title}(${text})`;
}

/** Who left a record, where and when (trace_print_context). */
function contextText({ shared, options, clock }: TraceArray, { pid, cpu, data, timeNs }: TraceEntry): string {
  const task = `${shared.commOf(pid).padStart(16)}-${String(pid).padEnd(7)} `;
  const tgid = shared.tgids.get(pid);
  const group = tgid === undefined ? '(-------) ' : `(${String(tgid).padStart(7)}) `;
  const flags = options.get('irq-info') ? `${flagsText(data)} ` : ' ';
  const time = CLOCKS[clock].isTime ? traceTime(timeNs) : String(timeNs).padStart(12);
  return `${task}${options.get('record-tgid') ? group : ''}[${String(cpu).padStart(3, '0')}] ${flags}${time}: `;
}

/** One line of `trace`. */
function entryLine(array: TraceArray, entry: TraceEntry): string {
  const context = array.options.get('context-info') ? contextText(array, entry) : '';
  return `${context}${eventText(array, entry)}\n`;
}

/** Records as the current tracer shows them. */
export function entriesText(array: TraceArray, entries: readonly TraceEntry[]): string {
  return array.tracer?.text?.(array, entries) ?? entries.map((entry) => entryLine(array, entry)).join('');
}

/** The records of rings in the order of their times, below a header. */
export function traceText(array: TraceArray, rings: readonly TraceRing[]): string {
  if (array.options.get('latency-format')) return latencyText(array, rings);
  return traceHeader(array, rings) + entriesText(array, recordsOf(rings));
}
