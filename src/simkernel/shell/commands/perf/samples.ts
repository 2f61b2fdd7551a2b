import { errorText } from '../../error-text.ts';
import { readPath } from '../../output.ts';
import type { CommandContext, Steps } from '../command.ts';

export const DATA_FILE = 'perf.data';
/** What perf.data begins with. */
export const MAGIC = 'PERFILE2';

/** What a sample of perf.data says. */
export interface Sample {
  readonly event: string;
  readonly comm: string;
  readonly pid: number;
  readonly cpu: number;
  readonly timeNs: number;
  /** Of tracepoints and probes. */
  readonly text: string;
  readonly object: string;
  readonly symbol: string;
}

/** What perf record has written; says so when there is nothing. */
export function* readSamples(c: CommandContext, path = DATA_FILE): Steps<readonly Sample[] | undefined> {
  const text = yield* readPath(c.u, path);
  if (typeof text === 'number') {
    const hint = path === DATA_FILE ? "  (try 'perf record' first)" : '';
    yield* c.report(`failed to open ${path}: ${errorText(text)}${hint}\n`);
    return undefined;
  }
  if (!text.startsWith(MAGIC)) {
    yield* c.report(`incompatible file format (rerun with -v to learn more)\n`);
    return undefined;
  }
  const lines = text.split('\n').slice(1);
  if (lines.length === 0) yield* c.report(`Error:\nThe ${path} data has no samples!\n`);
  return lines.map((line) => JSON.parse(line) as Sample);
}
