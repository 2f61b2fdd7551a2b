import type { Machine } from '../machine.ts';
import type { Word } from '../memory/arena.ts';
import { highOf, lowOf, storeText } from '../memory/arena.ts';
import { DATA_LOC, tracepointFormat } from '../tracepoint-formats.ts';
import { bug } from '../../source/bug.ts';

/** Sets one field of the record under construction. */
export type SetNumber = (value: number) => void;
export type SetText = (value: string) => void;

/** Fields of a tracepoint's record by name, with the sizes and offsets of its format. */
export interface RecordFields {
  /** An integer of whatever size the format gives; exact to 2^53. */
  number(name: string): SetNumber;
  /** The address of an object. */
  pointer(name: string): (value: Word) => void;
  /** `char name[16]`, or a `__data_loc char[]` whose bytes go behind the fixed fields. */
  text(name: string): SetText;
  /** An array of bytes, of a fixed size (shorter values leave the rest as it was) or behind the fixed fields. */
  bytes(name: string): (value: Uint8Array) => void;
}

/** A declared tracepoint: call it where the kernel has it, with the arguments of its TP_PROTO. */
export interface Tracepoint<A extends Word[]> {
  (m: Machine, ...args: A): void;
  readonly row: TracepointRow;
}

export interface TracepointRow {
  readonly category: string;
  readonly name: string;
  readonly index: number;
  /** Number of TP_PROTO arguments. */
  readonly arity: number;
  /** Makes the function that fills the record (TP_fast_assign). */
  readonly record: (fields: RecordFields, m: Machine) => (...args: never[]) => void;
}

const rows: TracepointRow[] = [];

/**
 * Declares a tracepoint of the kernel. Its record's layout is the format's; `record` says what goes into the fields. While
 * nobody listens a call costs one load and one branch, as with the kernel's static keys.
 */
export function tracepoint<A extends Word[]>(
  event: `${string}:${string}`,
  arity: A['length'],
  record: (fields: RecordFields, m: Machine) => (...args: A) => void,
): Tracepoint<A> {
  const colon = event.indexOf(':');
  const index = rows.length;
  const row: TracepointRow = {
    category: event.slice(0, colon),
    name: event.slice(colon + 1),
    index,
    arity,
    record: record as unknown as TracepointRow['record'],
  };
  rows.push(row);
  const call = (m: Machine, a: Word, b: Word, c: Word, d: Word, e: Word, g: Word, h: Word, i: Word): void => {
    if (m.traced[index] !== 0) m.fireTracepoint(row, [a, b, c, d, e, g, h, i]);
  };
  return Object.assign(call, { row }) as unknown as Tracepoint<A>;
}

export function declaredTracepoints(): readonly TracepointRow[] {
  return rows;
}

/** Setters for the record at a fixed place in guest memory; `tail` is where the next dynamic array goes. */
export function recordFields(
  m: Machine,
  category: string,
  name: string,
  base: number,
): { readonly fields: RecordFields; readonly id: number; restart(): void } {
  const format = tracepointFormat(category, name);
  if (format === undefined) bug(`the kernel has no tracepoint ${category}:${name}`);
  const { bytes, view } = m.arena;
  const last = format.fields.at(-1);
  const fixedEnd = last === undefined ? 8 : last.offset + last.size;
  let tail = fixedEnd;
  const fieldOf = (field: string): { offset: number; size: number; type: string } => {
    const found = format.fields.find((candidate) => candidate.name === field);
    if (found === undefined) bug(`${category}:${name} has no field ${field}`);
    return found;
  };
  const setWords = (at: number) => (value: Word) => {
    view.setInt32(at, lowOf(value), true);
    view.setInt32(at + 4, highOf(value), true);
  };
  const fields: RecordFields = {
    number(field) {
      const { offset, size } = fieldOf(field);
      const at = base + offset;
      if (size === 8) return setWords(at);
      if (size === 4) return (value) => view.setInt32(at, value, true);
      if (size === 2) return (value) => view.setInt16(at, value, true);
      return (value) => view.setInt8(at, value);
    },
    pointer: (field) => setWords(base + fieldOf(field).offset),
    text(field) {
      const { offset, size, type } = fieldOf(field);
      const at = base + offset;
      if (!type.startsWith(DATA_LOC)) return (value) => storeText(bytes, at, value, size);
      return (value) => {
        const length = value.length + 1;
        storeText(bytes, base + tail, value, length);
        view.setInt32(at, tail | (length << 16), true);
        tail += length;
      };
    },
    bytes(field) {
      const { offset, size, type } = fieldOf(field);
      const at = base + offset;
      if (!type.startsWith(DATA_LOC)) {
        return (value) => bytes.set(value.length > size ? value.subarray(0, size) : value, at);
      }
      return (value) => {
        bytes.set(value, base + tail);
        view.setInt32(at, tail | (value.length << 16), true);
        tail += value.length;
      };
    },
  };
  return {
    fields,
    id: format.id,
    restart: () => {
      tail = fixedEnd;
    },
  };
}
