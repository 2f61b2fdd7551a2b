import { joinLines, type CommandContext, type Steps } from '../command.ts';
import { countEvent } from './events.ts';
import type { Counter, PerfEventName } from './events.ts';
import { misuse, readPerfOptions } from './options.ts';
import type { OptionRows } from './options.ts';
import { SECOND } from '../../../time/units.ts';
import { belongsTo, findEvents, namesOf, noEvent, runCommand } from './workload.ts';

const STAT_USAGE = 'perf stat [<options>] [<command>]';
const OPTIONS: OptionRows = {
  event: { names: ['-e', '--event'], value: true },
  all: { names: ['-a', '--all-cpus'], value: false },
  repeat: { names: ['-r', '--repeat'], value: true },
  verbose: { names: ['-v', '--verbose'], value: false },
};

const DEFAULT_COUNTERS = [
  'task-clock',
  'context-switches',
  'cpu-migrations',
  'page-faults',
  'cycles',
  'instructions',
  'branches',
  'branch-misses',
];
/** perf stat: how often events happened while a command ran. */
export function* perfStat(c: CommandContext, args: readonly string[]): Steps<number> {
  const given = readPerfOptions(OPTIONS, args, true);
  if (typeof given === 'string') return yield* misuse(c, given, STAT_USAGE);
  const { options, operands } = given;
  if (operands.length === 0 && !options.has('all')) return yield* misuse(c, '', STAT_USAGE);
  const { machine } = c;
  const events = findEvents(machine, namesOf(given, DEFAULT_COUNTERS));
  if (typeof events === 'string') return yield* noEvent(c, events, STAT_USAGE);
  const repeat = options.get('repeat')?.at(-1) ?? '1';
  if (!/^\d+$/.test(repeat) || Number(repeat) === 0)
    return yield* misuse(c, `Error: option \`r' expects a numerical value\n`, STAT_USAGE);
  const isWhole = options.has('all');
  const argv = operands.length === 0 ? ['sleep', '1'] : operands;
  const runs: Run[] = [];
  while (runs.length < Number(repeat)) {
    const run = yield* measured(c, argv, events, isWhole);
    if (run === undefined) return 255;
    runs.push(run);
  }
  const lines = events.map((event, i) => {
    const isTime = event.kind === 'clock';
    const counts = runs.map(({ counts: of }) => of[i]!);
    const count = mean(counts);
    const value = isTime ? (count / 1e6).toFixed(2) : Math.round(count).toLocaleString('en');
    return `${value.padStart(18)} ${isTime ? 'msec' : '    '} ${runs.length > 1 ? event.name.padEnd(NAME_WIDTH) + percentText(counts) : event.name}`;
  });
  const times = runs.map(({ seconds }) => seconds);
  const elapsed = mean(times);
  const what = isWhole ? 'system wide' : argv.join(' ');
  const repeated = runs.length > 1 ? ` (${runs.length} runs)` : '';
  yield* c.report(
    `\n Performance counter stats for '${what}'${repeated}:\n\n${joinLines(lines)}\n` +
      (runs.length > 1
        ? `${elapsed.toFixed(5).padStart(18)} +- ${standardError(times).toFixed(5)} seconds time elapsed${percentText(times)}\n\n`
        : `${elapsed.toFixed(9).padStart(18)} seconds time elapsed\n\n`),
  );
  return 0;
}

/** What one run of the command has counted. */
interface Run {
  readonly counts: readonly number[];
  readonly seconds: number;
}
function* measured(
  c: CommandContext,
  argv: readonly string[],
  events: readonly PerfEventName[],
  isWhole: boolean,
): Steps<Run | undefined> {
  const { machine } = c;
  const startedAt = machine.now();
  const whole = isWhole ? events.map((event) => countEvent(machine, event, undefined, () => true)) : [];
  let own: readonly Counter[] = [];
  const status = yield* runCommand(c, argv, (child) => {
    if (isWhole) return;
    own = events.map((event) => countEvent(machine, event, machine.tasks.get(child), () => belongsTo(machine, child)));
  });
  const counts = [...whole, ...own].map((counter) => counter.stop());
  return status === 0 ? { counts, seconds: (machine.now() - startedAt) / SECOND } : undefined;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
/** Of the mean of several runs (stddev_stats). */
function standardError(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}
function percentText(values: readonly number[]): string {
  const middle = mean(values);
  return `  ( +- ${(middle === 0 ? 0 : (100 * standardError(values)) / middle).toFixed(2).padStart(5)}% )`;
}
const NAME_WIDTH = 30;
