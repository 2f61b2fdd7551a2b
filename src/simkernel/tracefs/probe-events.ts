import { EBUSY, EEXIST, EILSEQ, EINVAL, ENOENT } from '../errno.ts';
import { parsedFormat } from './event.ts';
import type { Listener, TraceEvent } from './event.ts';
import type { FetchArg } from './fetch-args.ts';
import { FilterRefused, parseDefinition } from './probe-definition.ts';
import type { Definition, EventName, ParsedDefinition } from './probe-definition.ts';
import { PROBE_KINDS } from './probe-kinds.ts';
import type { ProbeKind } from './probe-kinds.ts';
import { ProbeMistake } from './probe-mistake.ts';
import type { ProbeError } from './probe-mistake.ts';
import { probeLayout } from './probe-record.ts';
import { registerSource } from './probe-source.ts';
import type { ProbeSource } from './probe-source.ts';
import type { TraceArray } from './trace-array.ts';

/** An event of one's own; each line of its name is one of its places. */
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
    if (text.startsWith('-')) return removeEvents(array, kind, text);
    const parsed = parseDefinition(array, kind, text);
    return typeof parsed === 'number' ? parsed : register(array, kind, parsed);
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

/** register_trace_kprobe(), register_trace_uprobe(): a new event, or one place more of an event. */
function register(array: TraceArray, kind: ProbeKind, { names, definition, placeAt }: ParsedDefinition): number {
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
