import { EINVAL } from '../errno.ts';
import { expandArguments } from './btf-args.ts';
import { fieldsByName } from './event.ts';
import { parseArgument } from './fetch-args.ts';
import type { FetchArg } from './fetch-args.ts';
import { keptWords, UnknownSymbol } from './fetch-operands.ts';
import type { FetchContext, RecordSource } from './fetch-operands.ts';
import { parseFilter } from './filter.ts';
import type { Filter } from './filter.ts';
import { PROBE_KINDS } from './probe-kinds.ts';
import type { ProbeKind } from './probe-kinds.ts';
import { ProbeMistake } from './probe-mistake.ts';
import { READ_PLACE } from './probe-place.ts';
import type { SourceRequest } from './probe-source.ts';
import type { TraceArray } from './trace-array.ts';

/** What a definition says of its source. */
export type Definition = Omit<SourceRequest, 'layout'>;
/** A definition with the names of its event, and where in the command its place stands. */
export interface ParsedDefinition {
  readonly names: EventName;
  readonly definition: Definition;
  readonly placeAt: number;
}

const IDENTIFIER = /^[A-Za-z_]\w*$/;
const LONGEST_NAME = 64;
export interface EventName {
  readonly system: string;
  readonly name: string;
}

/** traceprobe_parse_event_name(): `GROUP/EVENT`, `EVENT`, `GROUP/`. */
function eventName(text: string, position: number, fallback: EventName): EventName {
  const slash = text.search(text.includes('/') ? /\// : /\./);
  const system = slash < 0 ? fallback.system : text.slice(0, slash);
  const name = text.slice(slash + 1);
  const nameAt = position + slash + 1;
  if (slash === 0) throw new ProbeMistake('NO_GROUP_NAME', position);
  if (system.length + 1 > LONGEST_NAME) throw new ProbeMistake('GROUP_TOO_LONG', position);
  if (!IDENTIFIER.test(system)) throw new ProbeMistake('BAD_GROUP_NAME', position);
  if (name === '' && slash < 0) throw new ProbeMistake('NO_EVENT_NAME', nameAt);
  if (name.length >= LONGEST_NAME) throw new ProbeMistake('EVENT_TOO_LONG', nameAt);
  if (name !== '' && !IDENTIFIER.test(name)) throw new ProbeMistake('BAD_EVENT_NAME', nameAt);
  return { system, name: name === '' ? fallback.name : name };
}

/** KRETPROBE_MAXACTIVE_MAX */
const MOST_ACTIVE = 4096;
const MOST_ARGUMENTS = 128;

/** `r5:...`: so many calls may be under way; returns of others are missed. */
function maxActiveOf(written: string, isReturn: boolean): number {
  if (written === '') return 0;
  if (!isReturn) throw new ProbeMistake('BAD_MAXACT_TYPE', 1);
  const number = /^(0x[0-9a-f]+|\d+)$/i.test(written) ? Number(written) : 0;
  if (number === 0) throw new ProbeMistake('BAD_MAXACT', 1);
  if (number > MOST_ACTIVE) throw new ProbeMistake('MAXACT_TOO_BIG', 1);
  return number;
}

/** A whole command but for its removal: a number is what the write returns for one that has not even the form. */
export function parseDefinition(array: TraceArray, kind: ProbeKind, text: string): ParsedDefinition | number {
  const [head = '', placeText, ...rest] = text.split(' ');
  const match = /^(.)([^:]*)(?::(.*))?$/.exec(head);
  if (match === null || placeText === undefined) return -EINVAL;
  const [, letter = '', active = '', named] = match;
  const { letters, takesMaxActive, group, reads } = PROBE_KINDS[kind];
  if (!letters.includes(letter)) return -EINVAL;
  if (active !== '' && (!takesMaxActive || !/^\d/.test(active))) return -EINVAL;
  const maxActive = maxActiveOf(active, letter === 'r' || (letter === 'f' && placeText.endsWith('%return')));
  const placeAt = head.length + 1;
  const place = READ_PLACE[kind](array, placeText, placeAt, letter === 'r');
  if (place === undefined) return -EINVAL;
  const fallback = { system: group, name: place.name };
  const record: RecordSource | null =
    place.target.kind === 'event' ? { fields: fieldsByName(place.target.event), view: null } : null;
  const names = named === undefined ? fallback : eventName(named, head.indexOf(':') + 1, fallback);
  const context: FetchContext = {
    machine: array.machine,
    isReturn: place.isReturn,
    isUser: kind === 'uprobe',
    reads,
    record,
    hasArguments: place.isEntry,
    prototype: place.prototype,
    kept: [],
  };
  let at = placeAt + placeText.length + 1;
  const words = rest.map((word): CommandWord => {
    const start = at;
    at += word.length + 1;
    return { text: word, at: start };
  });
  const { parts, filter } = separateFilter(words, record);
  const args = parseArguments(parts, context, placeAt);
  const kept = keptWords(context.kept, context);
  return { names, placeAt, definition: { place, args, maxActive, kept, record, filter } };
}

interface CommandWord {
  readonly text: string;
  readonly at: number;
}
/** `... if bytes_req > 100`: which records of the event below count. */
function separateFilter(
  words: readonly CommandWord[],
  record: RecordSource | null,
): { readonly parts: readonly CommandWord[]; readonly filter: Filter | null } {
  const from = record === null ? -1 : words.findIndex(({ text }) => text === 'if');
  if (record === null || from < 0) return { parts: words, filter: null };
  const text = words
    .slice(from + 1)
    .map((word) => word.text)
    .join(' ');
  if (text === '') throw new ProbeMistake('NO_EP_FILTER', words[from]!.at);
  const filter = parseFilter(text, record.fields);
  if (!('matches' in filter)) throw new FilterRefused(filter.errno);
  return { parts: words.slice(0, from), filter };
}
/** The kernel says nothing of what is wrong with it. */
export class FilterRefused extends Error {
  readonly errno: number;
  constructor(errno: number) {
    super('filter');
    this.errno = errno;
  }
}

function parseArguments(words: readonly CommandWord[], context: FetchContext, placeAt: number): readonly FetchArg[] {
  const isPlain = context.isUser || context.record !== null;
  const expanded = isPlain ? words : expandArguments(words, context.prototype, context.hasArguments);
  if (expanded.length > MOST_ARGUMENTS) throw new ProbeMistake('TOO_MANY_ARGS', expanded[MOST_ARGUMENTS]!.at);
  const args: FetchArg[] = [];
  try {
    for (const { text, at } of expanded) args.push(parseArgument(text, args.length, at, context, args));
  } catch (error) {
    if (error instanceof UnknownSymbol) throw new ProbeMistake('BAD_PROBE_ADDR', placeAt);
    throw error;
  }
  return args;
}
