import type { TraceEvent } from '../event.ts';
import { parseCount } from '../triggers/parameters.ts';
import { fieldDefinition, parseHistField } from './hist-field.ts';
import type { HistField } from './hist-field.ts';
import type { SortKey } from './hist-map.ts';
import { HistMistake } from './hist-mistake.ts';

/** A hist trigger as it was written, without its filter. */
export interface HistDefinition {
  readonly keys: readonly HistField[];
  readonly values: readonly HistField[];
  readonly sort: readonly SortKey[];
  readonly size: number;
  readonly name: string | null;
  readonly clock: string;
  readonly hidesHits: boolean;
  /** What is to be done to one that is there already. */
  readonly request: 'pause' | 'continue' | 'clear' | null;
}

const MOST_KEYS = 3;
/** The hit count is the third. */
const MOST_VALUES = 2;
const MOST_SORT_KEYS = 2;
const DEFAULT_SIZE = 2048;
/** TRACING_MAP_BITS_MIN, TRACING_MAP_BITS_MAX */
const SMALLEST_BITS = 7;
const LARGEST_BITS = 17;
const DEFAULT_CLOCK = 'global';

const ASSIGNMENTS: Readonly<Record<string, 'keys' | 'values' | 'sort' | 'size' | 'name' | 'clock'>> = {
  key: 'keys',
  keys: 'keys',
  val: 'values',
  vals: 'values',
  values: 'values',
  sort: 'sort',
  size: 'size',
  name: 'name',
  clock: 'clock',
};
const REQUESTS: Readonly<Record<string, HistDefinition['request']>> = {
  pause: 'pause',
  cont: 'continue',
  continue: 'continue',
  clear: 'clear',
};

/** `keys=common_pid.execname:vals=bytes_req:sort=hitcount.descending:size=256` */
export function parseHistDefinition(event: TraceEvent, text: string): HistDefinition {
  const given: Partial<Record<(typeof ASSIGNMENTS)[string], string>> = {};
  let request: HistDefinition['request'] = null;
  let hidesHits = false;
  for (const part of text.split(':')) {
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    if (equals < 0 && Object.hasOwn(REQUESTS, name)) request = REQUESTS[name]!;
    else if (equals < 0 && (name === 'nohitcount' || name === 'NOHC')) hidesHits = true;
    else if (equals < 0) throw new HistMistake(/^on(match|max|change)\(/.test(name) ? 'NO_VARIABLES' : null, name);
    else if (equals + 1 === part.length) throw new HistMistake('EMPTY_ASSIGNMENT', part);
    else if (Object.hasOwn(ASSIGNMENTS, name)) given[ASSIGNMENTS[name]!] = part.slice(equals + 1);
    else throw new HistMistake('NO_VARIABLES', part);
  }
  if (given.keys === undefined) throw new HistMistake(null);
  const keys = given.keys.split(',').map((field) => parseHistField(event, field, 'forKeys'));
  const written = (given.values ?? '').split(',').filter((field) => field !== '' && field !== 'hitcount');
  const values = written.map((field) => parseHistField(event, field, 'forValues'));
  if (keys.length > MOST_KEYS || values.length > MOST_VALUES) throw new HistMistake(null);
  if (hidesHits && values.length === 0) throw new HistMistake('NEED_NOHC_VAL', text);
  return {
    keys,
    values,
    sort: parseSort(given.sort, [...values, ...keys]),
    size: parseSize(given.size),
    name: given.name ?? null,
    clock: given.clock ?? DEFAULT_CLOCK,
    hidesHits,
    request,
  };
}

function parseSize(text: string | undefined): number {
  if (text === undefined) return DEFAULT_SIZE;
  const count = parseCount(text) ?? 0;
  const bits = Math.ceil(Math.log2(Math.max(1, count)));
  if (bits < SMALLEST_BITS || bits > LARGEST_BITS) throw new HistMistake(null);
  return 2 ** bits;
}

function parseSort(text: string | undefined, fields: readonly HistField[]): readonly SortKey[] {
  if (text === undefined) return [{ index: 0, isDescending: false }];
  const written = text.split(',');
  if (written.length > MOST_SORT_KEYS) throw new HistMistake('TOO_MANY_SORT_FIELDS', 'sort=');
  return written.map((word) => {
    const [name = '', modifier] = word.split('.');
    if (name === '') throw new HistMistake('EMPTY_SORT_FIELD', 'sort=');
    const index = name === 'hitcount' ? 0 : 1 + fields.findIndex((field) => field.name === name);
    if (name !== 'hitcount' && index === 0) throw new HistMistake('INVALID_SORT_FIELD', name);
    if (modifier !== undefined && modifier !== 'descending' && modifier !== 'ascending')
      throw new HistMistake('INVALID_SORT_MODIFIER', modifier);
    return { index, isDescending: modifier === 'descending' };
  });
}

/** What two triggers must agree in to be the same one. */
export function definitionText({ keys, values, sort, hidesHits }: HistDefinition): string {
  const fields = [...values, ...keys];
  const shownValues = [...(hidesHits ? [] : ['hitcount']), ...values.map(fieldDefinition)];
  const order = sort.map(({ index, isDescending }) => {
    const name = index === 0 ? 'hitcount' : fieldDefinition(fields[index - 1]!);
    return `${name}${isDescending ? '.descending' : ''}`;
  });
  return `keys=${keys.map(fieldDefinition).join(',')}:vals=${shownValues.join(',')}:sort=${order.join(',')}`;
}
/** The whole, as the file shows it, without state and filter. */
export function wholeText(definition: HistDefinition): string {
  const { keys, values, name, size, clock, hidesHits } = definition;
  const isTimed = [...keys, ...values].some(({ isTime }) => isTime);
  return (
    `${name === null ? '' : `name=${name}:`}${definitionText(definition)}:size=${size}` +
    `${isTimed ? `:clock=${clock}` : ''}${hidesHits ? ':nohitcount' : ''}`
  );
}
