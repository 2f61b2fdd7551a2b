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
export function* readSamples(c: CommandContext, args: readonly string[]): Steps<readonly Sample[] | undefined> {
  const at = args.indexOf('-i');
  const path = at < 0 ? DATA_FILE : (args[at + 1] ?? DATA_FILE);
  const { text, status } = yield* c.input([path]);
  if (status !== 0 || !text.startsWith(MAGIC)) {
    yield* c.complain(`failed to open ${path}: No such file or directory  (try 'perf record' first)`);
    return undefined;
  }
  return text
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line) as Sample);
}
