import { EINVAL } from '../../errno.ts';
import type { EventFile } from '../event-file.ts';
import type { Filter } from '../filter.ts';

/** What may stand behind the name of a trigger: `N`, `if FILTER`, `N if FILTER`. */
export interface TriggerParameters {
  /** How often it still runs; null: without end. */
  readonly count: number | null;
  readonly filter: Filter | null;
}

/** event_trigger_separate_filter(): the part before a filter, and the filter with its `if`. */
export function separateFilter(text: string, isParameterNeeded: boolean): readonly [parameter: string, filter: string] {
  const rest = text.trim();
  if (!isParameterNeeded && !/^\d/.test(rest)) return ['', rest];
  const space = rest.search(/\s/);
  return space < 0 ? [rest, ''] : [rest.slice(0, space), rest.slice(space).trim()];
}

/** `if FILTER`, or nothing; a number is a negative error number. */
export function parseTriggerFilter(file: EventFile, text: string): Filter | null | number {
  if (text === '') return null;
  const written = /^if\s+(.+)$/s.exec(text)?.[1];
  if (written === undefined) return -EINVAL;
  const filter = file.parseFilter(written.trim());
  return 'matches' in filter ? filter : -filter.errno;
}

const WORD_LIMIT = 2 ** 64;
/** kstrtoul() with base 0. */
export function parseCount(text: string): number | undefined {
  if (!/^(0x[0-9a-f]+|0[0-7]*|[1-9]\d*)$/i.test(text)) return undefined;
  const value = /^0\d/.test(text) ? Number.parseInt(text, 8) : Number(text);
  return value < WORD_LIMIT ? value : undefined;
}

export function parseTriggerParameters(file: EventFile, count: string, filter: string): TriggerParameters | number {
  const number = count === '' ? null : parseCount(count);
  if (number === undefined) return -EINVAL;
  const parsed = parseTriggerFilter(file, filter);
  return typeof parsed === 'number' ? parsed : { count: number, filter: parsed };
}

/** `:unlimited`, `:count=3`, with the filter behind it. */
export function limitText(count: number | null, filter: Filter | null): string {
  const limit = count === null ? ':unlimited' : `:count=${count}`;
  return `${limit}${filter === null ? '' : ` if ${filter.text}`}\n`;
}
