import { EINVAL, ENOENT } from '../errno.ts';
import type { TraceEvent } from './event.ts';
import { probeCommand, probeLines, removeAll } from './probe-events.ts';
import type { ProbeEvent } from './probe-events.ts';
import { PROBE_KIND_NAMES, PROBE_KINDS } from './probe-kinds.ts';
import { SYNTHETIC, syntheticText } from './synthetic-event.ts';
import type { SyntheticEvent } from './synthetic-event.ts';
import { defineSynthetic, removeAllSynthetic, removeSynthetic } from './synthetic-events.ts';
import type { TraceArray } from './trace-array.ts';
import { each, eventLines } from './trace-file.ts';
import type { TraceFile } from './trace-file.ts';

/** The letters that begin a definition. */
export const COMMAND_LETTERS: readonly string[] = [
  ...new Set(PROBE_KIND_NAMES.flatMap((kind) => [...PROBE_KINDS[kind].letters])),
  's',
];

/** A program's place has a path and an offset. */
const isUserPlace = (line: string): boolean => /^\S+\s+\S*\/\S*:\d/.test(line.trim());

function command(array: TraceArray, line: string): number {
  if (line.startsWith('-')) {
    const results = [...PROBE_KIND_NAMES.map((kind) => probeCommand(array, kind, line)), removeSynthetic(array, line)];
    return results.includes(0) ? 0 : (results.find((error) => error !== -ENOENT) ?? -ENOENT);
  }
  if (line.startsWith('s:')) return defineSynthetic(array, line);
  const kinds = PROBE_KIND_NAMES.filter((kind) => line !== '' && PROBE_KINDS[kind].letters.includes(line[0]!));
  // Of those with one letter the first that knows the form of the rest takes it.
  const kind = kinds.find((candidate) => candidate !== 'kprobe' || !isUserPlace(line));
  return kind === undefined ? -EINVAL : probeCommand(array, kind, line);
}

function definitionLines(event: TraceEvent): string {
  if ('probe' in event) return probeLines(event as ProbeEvent);
  return 'fire' in event ? `s:${SYNTHETIC}/${syntheticText(event as SyntheticEvent)}` : '';
}

/** dynamic_events: the events of all kinds of probes in one file, in the order in which they were made. */
export const dynamicEventsFile: TraceFile = {
  mode: 0o640,
  read: (array) => [...array.dynamic.values()].map(definitionLines).join(''),
  write: (array, text) => each(eventLines(text), (line) => command(array, line)),
  truncate(array) {
    const error = removeAllSynthetic(array);
    return PROBE_KIND_NAMES.reduce((before, kind) => (before < 0 ? before : removeAll(array, kind)), error);
  },
};
