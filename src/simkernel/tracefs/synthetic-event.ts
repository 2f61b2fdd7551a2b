import type { Machine } from '../machine.ts';
import type { TracepointField } from '../tracepoint-formats.ts';
import { COMMON_SIZE, parsedFormat } from './event.ts';
import type { Listener, TraceEvent } from './event.ts';
import type { HistValue } from './hist/hist-field.ts';
import { loadInteger, symbolText } from './print-format.ts';
import type { TraceArray } from './trace-array.ts';

/** A field of a synthetic event as it is defined: `pid_t pid`, `char comm[16]`. */
export interface SyntheticField {
  readonly name: string;
  /** With its dimensions. */
  readonly type: string;
  readonly kind: 'number' | 'text' | 'stack';
  readonly size: number;
  readonly isSigned: boolean;
  /** Its length is the record's (`char[]`). */
  readonly isDynamic: boolean;
}
/** An event that histograms make of others. */
export interface SyntheticEvent extends TraceEvent {
  readonly parts: readonly SyntheticField[];
  /** Actions that fire it, and histograms of it. */
  users: number;
  readonly fire: (values: readonly HistValue[]) => void;
}
export const SYNTHETIC = 'synthetic';

/** What a number of a type takes and how it is printed (synth_field_size, synth_field_fmt). */
const NUMBERS: Readonly<Record<string, readonly [size: number, format: string]>> = {
  s64: [8, '%lld'],
  u64: [8, '%llu'],
  s32: [4, '%d'],
  u32: [4, '%u'],
  s16: [2, '%d'],
  u16: [2, '%u'],
  s8: [1, '%d'],
  u8: [1, '%u'],
  char: [1, '%d'],
  'unsigned char': [1, '%u'],
  int: [4, '%d'],
  'unsigned int': [4, '%u'],
  long: [8, '%ld'],
  'unsigned long': [8, '%lu'],
  bool: [1, '%d'],
  pid_t: [4, '%d'],
  gfp_t: [4, '%x'],
};
export const numberSize = (type: string): number | undefined =>
  Object.hasOwn(NUMBERS, type) ? NUMBERS[type]![0] : undefined;

const WORD = 8;
/** STR_VAR_LEN_MAX: what a text of a fixed size takes in a record, whatever its size. */
export const TEXT_ROOM = 256;
const roomOf = ({ kind, isDynamic }: SyntheticField): number => (kind === 'text' && !isDynamic ? TEXT_ROOM : WORD);

/** The fields of the file `format`. */
function layout(parts: readonly SyntheticField[]): {
  readonly fields: readonly TracepointField[];
  readonly size: number;
} {
  let offset = COMMON_SIZE;
  const fields = parts.map((part): TracepointField => {
    const { name, size, isSigned, isDynamic } = part;
    const array = part.type.indexOf('[');
    const [type, dimensions] =
      isDynamic || array < 0 ? [part.type, ''] : [part.type.slice(0, array), part.type.slice(array)];
    const at = offset;
    offset += roomOf(part);
    return { type: isDynamic ? `__data_loc ${type}` : type, name, dimensions, offset: at, size, signed: isSigned };
  });
  return { fields, size: offset };
}
const FORMATS: Record<SyntheticField['kind'], (type: string) => string> = {
  number: (type) => NUMBERS[type]![1],
  text: () => '%.*s',
  stack: () => '%s',
};
function printFormat(parts: readonly SyntheticField[]): string {
  const formats = parts.map(({ name, kind, type }) => `${name}=${FORMATS[kind](type)}`).join(', ');
  const values = parts.map(({ name, kind, isDynamic }) =>
    kind === 'stack' ? `__get_stacktrace(${name})` : isDynamic ? `__get_str(${name})` : `REC->${name}`,
  );
  return `"${formats}", ${values.join(', ')}`;
}

/** print_synth_event(): the fields of a record. */
function describe(
  m: Machine,
  parts: readonly SyntheticField[],
  fields: readonly TracepointField[],
  data: Uint8Array,
): string {
  const bytesOf = ({ offset }: TracepointField, isDynamic: boolean): Uint8Array => {
    if (!isDynamic) return data.subarray(offset, offset + TEXT_ROOM);
    const place = Number(loadInteger(data, offset, 4, false));
    return data.subarray(place & 0xffff, (place & 0xffff) + (place >>> 16));
  };
  const texts: Record<SyntheticField['kind'], (part: SyntheticField, field: TracepointField) => string> = {
    number: ({ type, isSigned, size }, { offset }) =>
      loadInteger(data, offset, size, isSigned).toString(type === 'gfp_t' ? 16 : 10),
    text({ isDynamic }, field) {
      const bytes = bytesOf(field, isDynamic);
      const end = bytes.indexOf(0);
      return String.fromCharCode(...(end < 0 ? bytes : bytes.subarray(0, end)));
    },
    stack(_part, field) {
      const bytes = bytesOf(field, true);
      const addresses = Array.from({ length: bytes.length >> 3 }, (_, i) => loadInteger(bytes, WORD * i, WORD, false));
      const frames = addresses
        .filter((address) => address !== 0n)
        .map((address) => `=> ${symbolText(m, address, true)}\n`);
      return `STACK:\n${frames.join('')}`;
    },
  };
  return parts
    .map((part, i) => {
      const end = part.kind === 'stack' || i === parts.length - 1 ? '' : ' ';
      return `${part.name}=${texts[part.kind](part, fields[i]!)}${end}`;
    })
    .join('');
}

/** trace_event_raw_event_synth(): a record of the values. */
function build(parts: readonly SyntheticField[], size: number, values: readonly HistValue[]): Uint8Array {
  const tails = parts.map(({ isDynamic }, i) => (isDynamic ? tailBytes(values[i]!) : new Uint8Array()));
  const data = new Uint8Array(tails.reduce((sum, { length }) => sum + length, size));
  const view = new DataView(data.buffer);
  let at = COMMON_SIZE;
  let tail = size;
  parts.forEach((part, i) => {
    const value = values[i]!;
    const bytes = tails[i]!;
    if (part.isDynamic) {
      view.setUint32(at, tail | (bytes.length << 16), true);
      data.set(bytes, tail);
      tail += bytes.length;
    } else if (typeof value === 'bigint') storeNumber(view, at, part.size, value);
    else if (typeof value === 'string') data.set(textBytes(value).subarray(0, TEXT_ROOM - 1), at);
    at += roomOf(part);
  });
  return data;
}
const textBytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
/** With the 0 that ends it. */
function tailBytes(value: HistValue): Uint8Array {
  if (typeof value === 'string') return Uint8Array.from([...textBytes(value), 0]);
  const words = typeof value === 'bigint' ? [] : value;
  const bytes = new Uint8Array(WORD * (words.length + 1));
  words.forEach((word, i) => storeNumber(new DataView(bytes.buffer), WORD * i, WORD, word));
  return bytes;
}
function storeNumber(view: DataView, at: number, size: number, value: bigint): void {
  for (let i = 0; i < size; i += 1) view.setUint8(at + i, Number((value >> BigInt(8 * i)) & 0xffn));
}

/** A new event `synthetic:NAME`. */
export function createSynthetic(array: TraceArray, name: string, parts: readonly SyntheticField[]): SyntheticEvent {
  const { machine } = array;
  const { fields, size } = layout(parts);
  const listeners = new Set<Listener>();
  const print = printFormat(parts);
  const event: SyntheticEvent = {
    system: SYNTHETIC,
    name,
    id: array.shared.nextId++,
    fields,
    print,
    format: parsedFormat(print),
    title: `${name}: `,
    describe: (_array, data) => describe(machine, parts, fields, data),
    parts,
    users: 0,
    fire(values) {
      for (const listener of listeners) listener(() => build(parts, size, values), 0);
    },
    listen(_m, listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  array.dynamic.set(`${SYNTHETIC}:${name}`, event);
  return event;
}

export const syntheticEvents = (array: TraceArray): readonly SyntheticEvent[] =>
  [...array.dynamic.values()].filter((event): event is SyntheticEvent => 'fire' in event);
export const findSynthetic = (array: TraceArray, name: string): SyntheticEvent | undefined =>
  syntheticEvents(array).find((event) => event.name === name);

/** `wakeup_latency\tu64 lat; pid_t pid` */
export function syntheticText({ name, parts }: SyntheticEvent): string {
  const fields = parts.map(({ type, name: field }) => ` ${type} ${field}`);
  return `${name}\t${fields.join(';').trimStart()}\n`;
}
