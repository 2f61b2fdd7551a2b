import { EINVAL, ENOENT } from '../errno.ts';
import type { Machine } from '../machine.ts';
import { attach } from '../probes/attach.ts';
import { COMMON_FIELDS, tracepointFormat } from '../tracepoint-formats.ts';
import type { TracepointField } from '../tracepoint-formats.ts';
import type { PrintFormat } from './expression.ts';
import { parsePrintFormat } from './expression.ts';
import type { TraceArray } from './trace-array.ts';
import { tracepointRecord } from './tracepoint-record.ts';

/** Who is told of an event: how to come by the bytes of its record, and the context of the hook point. */
export type Listener = (record: () => Uint8Array, context: number) => void;

/** struct trace_event_call: something that can be switched on and writes records of one layout. */
export interface TraceEvent {
  readonly system: string;
  readonly name: string;
  readonly id: number;
  /** Behind the common fields. */
  readonly fields: readonly TracepointField[];
  /** Text of the `print fmt`, and what it means; undefined where only a compiler understands it. */
  readonly print: string;
  readonly format: PrintFormat | undefined;
  /** Before the text of a record. */
  readonly title: string;
  /** A record's text, where more than `format` is known of it. */
  readonly describe?: (array: TraceArray, data: Uint8Array) => string;
  /** Tells the listener of each event until what it returns is called; a negative error number: it cannot be. */
  readonly listen: (m: Machine, listener: Listener) => (() => void) | number;
}

/** Bytes of COMMON_FIELDS: struct trace_entry. */
export const COMMON_SIZE = 8;

const fieldMaps = new WeakMap<TraceEvent, ReadonlyMap<string, TracepointField>>();
export function fieldsByName(event: TraceEvent): ReadonlyMap<string, TracepointField> {
  let map = fieldMaps.get(event);
  if (map === undefined) {
    map = new Map([...COMMON_FIELDS, ...event.fields].map((field) => [field.name, field]));
    fieldMaps.set(event, map);
  }
  return map;
}

/** A system call's record is shown as the call. */
function titleOf(system: string, name: string): string {
  return system === 'syscalls' ? name.replace(/^sys_(enter|exit)_/, 'sys_') : `${name}: `;
}

const known = new Map<string, TraceEvent>();
/** The event of a tracepoint of the kernel. */
export function tracepointEvent(system: string, name: string): TraceEvent | undefined {
  const key = `${system}:${name}`;
  const made = known.get(key);
  if (made !== undefined) return made;
  const format = tracepointFormat(system, name);
  if (format === undefined) return undefined;
  const event: TraceEvent = {
    system,
    name,
    id: format.id,
    fields: format.fields,
    print: format.print,
    get format() {
      return parsedFormat(format.print);
    },
    title: titleOf(system, name),
    listen(m, listener) {
      const attached = attach(m, { kind: 'tracepoint', category: system, name }, (at) =>
        listener(() => tracepointRecord(m, event, at), at),
      );
      if (attached.ok) return () => attached.detach();
      return attached.errno === 'ENOENT' ? -ENOENT : -EINVAL;
    },
  };
  known.set(key, event);
  return event;
}

const parsed = new Map<string, PrintFormat | undefined>();
export function parsedFormat(print: string): PrintFormat | undefined {
  if (!parsed.has(print)) parsed.set(print, parsePrintFormat(print));
  return parsed.get(print);
}

/** The file `format` of an event. */
export function formatText(event: TraceEvent): string {
  const line = ({ type, name, dimensions, offset, size, signed }: TracepointField): string =>
    `\tfield:${type} ${name}${dimensions};\toffset:${offset};\tsize:${size};\tsigned:${signed ? 1 : 0};\n`;
  return (
    `name: ${event.name}\nID: ${event.id}\nformat:\n${COMMON_FIELDS.map(line).join('')}\n` +
    `${event.fields.map(line).join('')}\nprint fmt: ${event.print}\n`
  );
}
