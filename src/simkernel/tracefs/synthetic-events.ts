import { EBUSY, EEXIST, EINVAL, ENOENT } from '../errno.ts';
import {
  createSynthetic,
  findSynthetic,
  numberSize,
  SYNTHETIC,
  syntheticEvents,
  syntheticText,
  TEXT_ROOM,
} from './synthetic-event.ts';
import type { SyntheticEvent, SyntheticField } from './synthetic-event.ts';
import type { TraceArray } from './trace-array.ts';
import { each, eventLines } from './trace-file.ts';
import type { TraceFile } from './trace-file.ts';

/** kernel/trace/trace_events_synth.c */
const ERRORS = {
  BAD_NAME: 'Illegal name',
  INVALID_CMD: 'Command must be of the form: <name> field[;field] ...',
  INVALID_DYN_CMD: 'Command must be of the form: s or -:[synthetic/]<name> field[;field] ...',
  EVENT_EXISTS: 'Event already exists',
  TOO_MANY_FIELDS: 'Too many fields',
  INCOMPLETE_TYPE: 'Incomplete type',
  INVALID_TYPE: 'Invalid type',
  INVALID_FIELD: 'Invalid field',
  INVALID_ARRAY_SPEC: 'Invalid array specification',
} as const;
/** SYNTH_FIELDS_MAX */
const MOST_FIELDS = 64;
const LONGEST_ARRAY_DIGITS = 3;

class Mistake extends Error {
  readonly part: string;
  readonly errno: number;
  constructor(error: keyof typeof ERRORS, part = '', errno = EINVAL) {
    super(ERRORS[error]);
    this.part = part;
    this.errno = errno;
  }
}
const isGoodName = (name: string): boolean => /^[A-Za-z_]\w*$/.test(name);

/** parse_synth_field(): the first field of some words, and how many of them it takes. */
function parseField(words: readonly string[]): { readonly field: SyntheticField; readonly taken: number } {
  const isUnsigned = words[0] === 'unsigned';
  if (isUnsigned && words.length < 3) throw new Mistake('INCOMPLETE_TYPE', words[0]);
  const [written = '', named] = isUnsigned ? words.slice(1) : words;
  if (named === undefined) throw new Mistake('INVALID_FIELD', written);
  const array = named.indexOf('[');
  const [name, dimensions] = array < 0 ? [named, ''] : [named.slice(0, array), named.slice(array)];
  if (!isGoodName(name)) throw new Mistake('BAD_NAME', named);
  const type = `${isUnsigned ? 'unsigned ' : ''}${written}${dimensions}`;
  const size = fieldSize(type);
  if (size === undefined && dimensions !== '') throw new Mistake('INVALID_ARRAY_SPEC', named);
  if (size === undefined) throw new Mistake('INVALID_TYPE', written);
  const kind = type.includes('char[') ? 'text' : type.includes('long[') ? 'stack' : 'number';
  const isDynamic = size === 0;
  // The type of a dynamic one begins with __data_loc there.
  const isSigned = isDynamic || !(type.startsWith('u') || type === 'gfp_t');
  return { field: { name, type, kind, size: isDynamic ? 8 : size, isSigned, isDynamic }, taken: isUnsigned ? 3 : 2 };
}
/** 0: it is as long as its record says. */
function fieldSize(type: string): number | undefined {
  const array = /char\[(.*?)\]?$/.exec(type);
  if (type.includes('long[')) return 0;
  if (array === null) return numberSize(type);
  const digits = array[1]!;
  if (!type.endsWith(']') || digits.length > LONGEST_ARRAY_DIGITS) return undefined;
  if (digits === '') return 0;
  const size = /^\d+$/.test(digits) ? Number(digits) : NaN;
  return size <= TEXT_ROOM && size > 0 ? size : undefined;
}

/** `NAME TYPE FIELD; TYPE FIELD ...` */
function create(array: TraceArray, command: string): void {
  const first = command.split(';')[0]!.split(/\s+/);
  if (first.length < 3) throw new Mistake('INVALID_CMD');
  const [name = ''] = first;
  if (!isGoodName(name)) throw new Mistake('BAD_NAME', name);
  if (findSynthetic(array, name) !== undefined) throw new Mistake('EVENT_EXISTS', name, EEXIST);
  const fields: SyntheticField[] = [];
  for (const part of command.slice(name.length).split(';')) {
    let words = part.split(/\s+/).filter((word) => word !== '');
    while (words.length > 0) {
      const { field, taken } = parseField(words);
      if (fields.push(field) > MOST_FIELDS) throw new Mistake('TOO_MANY_FIELDS');
      words = words.slice(taken);
    }
  }
  createSynthetic(array, name, fields);
}
const isBusy = (array: TraceArray, event: SyntheticEvent): boolean => event.users > 0 || array.shared.isInUse(event);
function remove(array: TraceArray, name: string): number {
  const event = findSynthetic(array, name);
  if (event === undefined) return -ENOENT;
  if (isBusy(array, event)) return -EBUSY;
  array.shared.forget(event);
  return 0;
}

function complaining(array: TraceArray, command: string, action: () => number | void): number {
  try {
    return action() ?? 0;
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    const at = error.part === '' ? 0 : Math.max(0, command.indexOf(error.part));
    array.logError(`synthetic_events: error: ${error.message}`, command, at);
    return -error.errno;
  }
}

/** A line of synthetic_events: a definition, or `!NAME`. */
function writeLine(array: TraceArray, line: string): number {
  const command = line.trim();
  if (command.startsWith('!')) return remove(array, command.slice(1).split(/\s/)[0]!);
  return complaining(array, command, () => create(array, command));
}
/** A line of dynamic_events: `s:[synthetic/]NAME FIELDS`. */
export function defineSynthetic(array: TraceArray, line: string): number {
  const command = line.trim();
  return complaining(array, command, () => {
    const [, group, rest = ''] = /^s:(?:([^/\s]*)\/)?(.*)$/s.exec(command) ?? [];
    if (group !== undefined && group !== SYNTHETIC) throw new Mistake('INVALID_DYN_CMD');
    create(array, rest);
  });
}
/** `-:[synthetic/]NAME` in dynamic_events. */
export function removeSynthetic(array: TraceArray, line: string): number {
  const [, group, name = ''] = /^-:(?:([^/\s]*)\/)?(\S*)$/.exec(line.trim()) ?? [];
  return group !== undefined && group !== SYNTHETIC ? -ENOENT : remove(array, name);
}
export function removeAllSynthetic(array: TraceArray): number {
  const events = syntheticEvents(array);
  if (events.some((event) => isBusy(array, event))) return -EBUSY;
  for (const event of events) array.shared.forget(event);
  return 0;
}

/** The file synthetic_events: events that hist triggers make of others. */
export const syntheticFile: TraceFile = {
  mode: 0o640,
  read: (array) => syntheticEvents(array).map(syntheticText).join(''),
  write: (array, text) => each(eventLines(text), (line) => writeLine(array, line)),
  truncate: removeAllSynthetic,
};
