import { EINVAL, ENOENT } from '../errno.ts';
import { probeCommand, probeLines, removeAll } from './probe-events.ts';
import type { ProbeEvent } from './probe-events.ts';
import type { ProbeKind } from './probe-record.ts';
import type { TraceArray } from './trace-array.ts';
import { each, eventLines } from './trace-file.ts';
import type { TraceFile } from './trace-file.ts';

/** The letters that begin a definition, and whose they may be; the first that knows the form of the rest takes it. */
const KINDS_BY_LETTER: Readonly<Record<string, readonly ProbeKind[]>> = {
  p: ['kprobe', 'uprobe'],
  r: ['kprobe', 'uprobe'],
};
const KINDS: readonly ProbeKind[] = ['kprobe', 'uprobe'];
export const COMMAND_LETTERS: readonly string[] = Object.keys(KINDS_BY_LETTER);

/** A program's place has a path and an offset. */
const isUserPlace = (line: string): boolean => /^\S+\s+\S*\/\S*:\d/.test(line.trim());

function command(array: TraceArray, line: string): number {
  if (line.startsWith('-')) {
    const results = KINDS.map((kind) => probeCommand(array, kind, line));
    return results.includes(0) ? 0 : (results.find((error) => error !== -ENOENT) ?? -ENOENT);
  }
  const kinds = Object.hasOwn(KINDS_BY_LETTER, line[0] ?? '') ? KINDS_BY_LETTER[line[0]!]! : [];
  const kind = kinds.find((candidate) => candidate !== 'kprobe' || !isUserPlace(line));
  return kind === undefined ? -EINVAL : probeCommand(array, kind, line);
}

/** dynamic_events: the events of all kinds of probes in one file, in the order in which they were made. */
export const dynamicEventsFile: TraceFile = {
  mode: 0o640,
  read: (array) =>
    [...array.dynamic.values()]
      .filter((event): event is ProbeEvent => 'probe' in event)
      .map(probeLines)
      .join(''),
  write: (array, text) => each(eventLines(text), (line) => command(array, line)),
  truncate: (array) => KINDS.reduce((error, kind) => (error < 0 ? error : removeAll(array, kind)), 0),
};
