import { EBUSY, EEXIST, EILSEQ, EINVAL, ENOENT } from '../errno.ts';
import { expandArguments } from './btf-args.ts';
import type { Listener, TraceEvent } from './event.ts';
import { keptWords, parseArgument, UnknownSymbol } from './fetch-args.ts';
import type { FetchArg, FetchContext, RecordSource } from './fetch-args.ts';
import { fieldsByName, parsedFormat } from './event.ts';
import { parseFilter } from './filter.ts';
import type { Filter } from './filter.ts';
import { ProbeMistake } from './probe-mistake.ts';
import type { ProbeError } from './probe-mistake.ts';
import { READ_PLACE } from './probe-place.ts';
import { probeLayout } from './probe-record.ts';
import { PROBE_KINDS } from './probe-kinds.ts';
import type { ProbeKind } from './probe-kinds.ts';
import { registerSource } from './probe-source.ts';
import type { ProbeSource, SourceRequest } from './probe-source.ts';
import type { TraceArray } from './trace-array.ts';

/** An event of kprobe_events or uprobe_events; each line of its name is one of its places. */
export interface ProbeEvent extends TraceEvent {
  readonly probe: ProbeKind;
  readonly isReturn: boolean;
  readonly sources: ProbeSource[];
  readonly listeners: Set<Listener>;
}

export const probeEvents = (array: TraceArray, kind: ProbeKind): readonly ProbeEvent[] =>
  [...array.dynamic.values()].filter((event): event is ProbeEvent => 'probe' in event && event.probe === kind);

const argumentTexts = ({ args }: ProbeSource): readonly string[] => args.map(({ name, body }) => `${name}=${body}`);
/** The lines of an event as the file shows them. */
export function probeLines({ probe, isReturn, system, name, sources }: ProbeEvent): string {
  const { letters } = PROBE_KINDS[probe];
  const letter = letters[isReturn ? letters.length - 1 : 0]!;
  return sources
    .map((source) => {
      const head = `${letter}${source.maxActive > 0 ? source.maxActive : ''}:${system}/${name}`;
      return `${[head, source.place.text, ...argumentTexts(source)].join(' ')}\n`;
    })
    .join('');
}

/** What the write returns for a mistake that is not just EINVAL. */
const ERRNO: Partial<Record<ProbeError, number>> = {
  BAD_INSN_BNDRY: EILSEQ,
  EVENT_EXIST: EEXIST,
  DIFF_PROBE_TYPE: EEXIST,
  DIFF_ARG_TYPE: EEXIST,
  SAME_PROBE: EEXIST,
  FILE_NOT_FOUND: ENOENT,
  NO_BTFARG: ENOENT,
};

/** Takes one command (`p:...`, `r:...`, `-:...`): 0, or a negative error number with the reason in error_log. */
export function probeCommand(array: TraceArray, kind: ProbeKind, command: string): number {
  const text = command.replace(/\s+/g, ' ').trim();
  try {
    return text.startsWith('-') ? removeEvents(array, kind, text) : define(array, kind, text);
  } catch (error) {
    if (error instanceof FilterRefused) return -error.errno;
    if (!(error instanceof ProbeMistake)) throw error;
    array.logError(`${PROBE_KINDS[kind].location}: error: ${error.message}`, text, error.position);
    return -(ERRNO[error.error] ?? EINVAL);
  }
}

/** Somebody has it enabled, or has made an event of it. */
const isBusy = (array: TraceArray, event: ProbeEvent): boolean =>
  event.listeners.size > 0 ||
  probeEvents(array, 'eprobe').some(({ sources }) =>
    sources.some(({ place: { target } }) => target.kind === 'event' && target.event === event),
  );

/** dyn_event_release(): `-:GROUP/EVENT PLACE ARGUMENTS`, of which what is given has to agree. */
function removeEvents(array: TraceArray, kind: ProbeKind, text: string): number {
  const [head = '', ...rest] = text.split(' ');
  const match = /^-:(?:([^/]*)\/)?(.*)$/.exec(head);
  if (match === null || (match[1] === undefined && match[2] === '')) return -EINVAL;
  const [, system, name] = match;
  const isWanted = (source: ProbeSource): boolean => {
    const line = [source.place.text, ...argumentTexts(source)];
    return rest.every((word, i) => line[i] === word);
  };
  let found = -ENOENT;
  for (const event of probeEvents(array, kind)) {
    if ((system !== undefined && event.system !== system) || (name !== '' && event.name !== name)) continue;
    for (const source of event.sources.filter(isWanted)) {
      // Only the last place of an event takes the event with it.
      if (event.sources.length === 1 && isBusy(array, event)) return -EBUSY;
      found = 0;
      remove(array, event, source);
    }
  }
  return found;
}
function remove(array: TraceArray, event: ProbeEvent, source: ProbeSource): void {
  source.unregister();
  event.sources.splice(event.sources.indexOf(source), 1);
  if (event.sources.length === 0) array.shared.forget(event);
}
/** What opening the file for writing does: nothing is removed while one of them is enabled. */
export function removeAll(array: TraceArray, kind: ProbeKind): number {
  const events = probeEvents(array, kind);
  if (events.some((event) => isBusy(array, event))) return -EBUSY;
  for (const event of events) for (const source of [...event.sources]) remove(array, event, source);
  return 0;
}

const IDENTIFIER = /^[A-Za-z_]\w*$/;
const LONGEST_NAME = 64;
interface EventName {
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

function define(array: TraceArray, kind: ProbeKind, text: string): number {
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
  return register(array, kind, names, { place, args, maxActive, kept, record, filter }, placeAt);
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
class FilterRefused extends Error {
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

type Definition = Omit<SourceRequest, 'layout'>;

/** register_trace_kprobe(), register_trace_uprobe(): a new event, or one place more of an event. */
function register(
  array: TraceArray,
  kind: ProbeKind,
  names: EventName,
  definition: Definition,
  placeAt: number,
): number {
  const existing = array.event(names.system, names.name);
  const before = probeEvents(array, kind).find((event) => event === existing);
  if (existing !== undefined && before === undefined) throw new ProbeMistake('EVENT_EXIST', 0);
  if (before !== undefined) checkSibling(before, definition, placeAt);
  const event = before ?? createEvent(array, kind, names, definition);
  const layout = probeLayout(kind, definition.place, definition.args);
  const source = registerSource(array.machine, { ...definition, layout });
  if (typeof source === 'number') {
    throw new ProbeMistake(SOURCE_ERRORS[-source] ?? 'FAIL_REG_PROBE', placeAt);
  }
  event.sources.push(source);
  array.dynamic.set(`${names.system}:${names.name}`, event);
  for (const listener of event.listeners) source.listeners.add(listener);
  return source.settle();
}
const SOURCE_ERRORS: Readonly<Record<number, ProbeError>> = { [EILSEQ]: 'BAD_INSN_BNDRY', [ENOENT]: 'BAD_PROBE_ADDR' };

/** Places of one event have the same kind and arguments, and differ. */
function checkSibling({ isReturn, sources }: ProbeEvent, { place, args }: Definition, placeAt: number): void {
  if (place.isReturn !== isReturn) throw new ProbeMistake('DIFF_PROBE_TYPE', 0);
  const known = sources[0]!.args;
  const different = Array.from({ length: Math.max(args.length, known.length) }, (_, i) => i).find((i) => {
    const [a, b] = [args[i], known[i]];
    return a?.type !== b?.type || a?.count !== b?.count || a?.name !== b?.name;
  });
  if (different !== undefined) {
    const before = args.slice(0, different).map(({ name, body }) => (body.startsWith(name) ? body : `${name}=${body}`));
    const at = [place.text, ...before].reduce((sum, word) => sum + word.length + 1, placeAt);
    throw new ProbeMistake('DIFF_ARG_TYPE', at);
  }
  const bodies = (of: readonly FetchArg[]): string => of.map(({ body }) => body).join(' ');
  const same = sources.some((source) => source.place.text === place.text && bodies(source.args) === bodies(args));
  if (same) throw new ProbeMistake('SAME_PROBE', 0);
}

function createEvent(array: TraceArray, kind: ProbeKind, names: EventName, { place, args }: Definition): ProbeEvent {
  const { machine } = array;
  const layout = probeLayout(kind, place, args);
  const sources: ProbeSource[] = [];
  const listeners = new Set<Listener>();
  const settle = (change: (source: ProbeSource) => void): number => {
    const errors = sources.map((source) => {
      change(source);
      return source.settle();
    });
    return errors.find((error) => error < 0) ?? 0;
  };
  const stop = (listener: Listener): void => {
    listeners.delete(listener);
    settle((source) => source.listeners.delete(listener));
  };
  return {
    ...names,
    id: array.shared.nextId++,
    fields: layout.fields,
    print: layout.print,
    format: parsedFormat(layout.print),
    describe: (_array, data) => layout.describe(machine, data),
    title: `${names.name}: `,
    probe: kind,
    isReturn: place.isReturn,
    sources,
    listeners,
    listen(_m, listener) {
      listeners.add(listener);
      const error = settle((source) => source.listeners.add(listener));
      if (error === 0) return () => stop(listener);
      stop(listener);
      return error;
    },
  };
}
