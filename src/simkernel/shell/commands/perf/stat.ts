import { joinLines, type CommandContext, type Steps } from '../command.ts';
import { countEvent } from './events.ts';
import type { Counter } from './events.ts';
import { misuse, readPerfOptions } from './options.ts';
import type { OptionRows } from './options.ts';
import { SECOND } from '../../../time/units.ts';
import { belongsTo, findEvents, namesOf, noEvent, runCommand } from './workload.ts';

const STAT_USAGE = 'perf stat [<options>] [<command>]';
const OPTIONS: OptionRows = {
  event: { names: ['-e', '--event'], value: true },
  all: { names: ['-a', '--all-cpus'], value: false },
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
  const isWhole = options.has('all');
  let pid = 0;
  const startedAt = machine.now();
  const whole = isWhole ? events.map((event) => countEvent(machine, event, undefined, () => true)) : [];
  let own: readonly Counter[] = [];
  const argv = operands.length === 0 ? ['sleep', '1'] : operands;
  const status = yield* runCommand(c, argv, (child) => {
    pid = child;
    if (isWhole) return;
    own = events.map((event) => countEvent(machine, event, machine.tasks.get(pid), () => belongsTo(machine, pid)));
  });
  const lines = [...whole, ...own].map((counter) => {
    const count = counter.stop();
    const isTime = counter.event.kind === 'clock';
    const value = isTime ? (count / 1e6).toFixed(2) : count.toLocaleString('en');
    return `${value.padStart(18)} ${isTime ? 'msec' : '    '} ${counter.event.name}`;
  });
  if (status !== 0) return 255;
  const seconds = ((machine.now() - startedAt) / SECOND).toFixed(9);
  yield* c.report(
    `\n Performance counter stats for '${isWhole ? 'system wide' : argv.join(' ')}':\n\n${joinLines(lines)}\n${seconds.padStart(18)} seconds time elapsed\n\n`,
  );
  return 0;
}
