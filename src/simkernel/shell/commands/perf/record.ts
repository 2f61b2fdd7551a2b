import { errorText } from '../../error-text.ts';
import type { CommandContext, Steps } from '../command.ts';
import type { Machine } from '../../../machine.ts';
import { misuse, readPerfOptions, throttled } from './options.ts';
import type { Given, OptionRows } from './options.ts';
import { DATA_FILE, recordingText } from './samples.ts';
import { MAX_STACK_DEPTH } from '../../../probes/stack.ts';
import { Sampler } from './sampling.ts';
import { belongsTo, findEvents, namesOf, noEvent, runCommand } from './workload.ts';
import { O_CREAT, O_TRUNC, O_WRONLY } from '../../../fs/fcntl.ts';

export const DEFAULT_FREQUENCY = 4000;

const OPTIONS: OptionRows = {
  event: { names: ['-e', '--event'], value: true },
  frequency: { names: ['-F', '--freq'], value: true },
  count: { names: ['-c', '--count'], value: true },
  output: { names: ['-o', '--output'], value: true },
  pid: { names: ['-p', '--pid'], value: true },
  cpu: { names: ['-C', '--cpu'], value: true },
  all: { names: ['-a', '--all-cpus'], value: false },
  raw: { names: ['-R', '--raw-samples'], value: false },
  graph: { names: ['-g'], value: false },
  callGraph: { names: ['--call-graph'], value: true },
  quiet: { names: ['-q', '--quiet'], value: false },
  verbose: { names: ['-v', '--verbose'], value: false },
};
const USAGE = 'perf record [<options>] [<command>]\n    or: perf record [<options>] -- <command> [<options>]';

/** The kinds of call graphs: all that the machine's stacks have is in their frames. */
const CALL_GRAPHS = new Set(['fp', 'dwarf']);

/** What is wrong with the options' values; undefined: nothing. */
function problemOf({ options }: Given): string | undefined {
  const [graph = ''] = options.get('callGraph')?.at(-1)?.split(',') ?? ['fp'];
  if (graph === 'lbr') return "cycles: PMU Hardware or event type doesn't support branch stack sampling.";
  if (!CALL_GRAPHS.has(graph)) return `callchain: Unknown --call-graph option value: ${graph}`;
  for (const [name, letter] of [
    ['frequency', 'F'],
    ['count', 'c'],
  ] as const) {
    const value = options.get(name)?.at(-1);
    if (value !== undefined && !(Number(value) > 0)) return ` Error: switch \`${letter}' expects a numerical value`;
  }
  return undefined;
}

/** `0,2-3` */
export function cpuList({ cpus }: Machine, text: string): ReadonlySet<number> {
  const ranges = text.split(',').map((part) => part.split('-').map(Number));
  const isIn = (cpu: number): boolean => ranges.some(([first = 0, last = first]) => cpu >= first && cpu <= last);
  return new Set(Array.from({ length: cpus }, (_, cpu) => cpu).filter(isIn));
}

/** perf record: samples of events while a command runs, in a file. */
export function* perfRecord(c: CommandContext, args: readonly string[]): Steps<number> {
  const given = readPerfOptions(OPTIONS, args, true);
  if (typeof given === 'string') return yield* misuse(c, given, USAGE);
  const { options, operands } = given;
  if (operands.length === 0 && !['all', 'event', 'pid', 'cpu'].some((name) => options.has(name)))
    return yield* misuse(c, '', USAGE);
  const problem = problemOf(given);
  if (problem !== undefined) return yield* misuse(c, problem, USAGE);
  const { machine } = c;
  const events = findEvents(machine, namesOf(given, ['cycles']));
  if (typeof events === 'string') return yield* noEvent(c, events, USAGE);
  const only = (options.get('pid') ?? []).flatMap((pids) => pids.split(',')).map(Number);
  const gone = only.find((pid) => !machine.tasks.has(pid));
  if (gone !== undefined) {
    yield* c.report(`Error:\nCouldn't create thread/CPU maps: No such process\n`);
    return 255;
  }
  const cpus = options.has('cpu') ? cpuList(machine, options.get('cpu')!.join(',')) : undefined;
  if (cpus?.size === 0) {
    yield* c.report(`Error:\nRequested CPU(s) '${options.get('cpu')!.join(',')}' not supported by PMU\n`);
    return 255;
  }
  const isWhole = options.has('all') || options.has('cpu') || operands.length === 0;
  const hasChains = options.has('graph') || options.has('callGraph');
  let child = 0;
  const sampler = new Sampler(
    machine,
    events,
    {
      frequency: yield* throttled(c, Number(options.get('frequency')?.at(-1) ?? DEFAULT_FREQUENCY)),
      count: Number(options.get('count')?.at(-1) ?? 0),
      graph: hasChains,
      depth: MAX_STACK_DEPTH,
    },
    () => {
      if (cpus?.has(machine.cpu.id) === false) return false;
      if (only.length > 0) return only.includes(machine.cpu.current.tgid);
      return isWhole || (child !== 0 && belongsTo(machine, child));
    },
  );
  const argv = operands.length === 0 ? ['sleep', '1'] : operands;
  const status = yield* runCommand(c, argv, (pid) => (child = pid));
  sampler.close();
  if (status !== 0) return 255;
  const samples = sampler.take();
  const output = options.get('output')?.at(-1) ?? DATA_FILE;
  const isTracepoint = Object.fromEntries(events.map(({ name, kind }) => [name, kind === 'tracepoint']));
  const text = recordingText({ command: `perf record ${args.join(' ')}`, hasChains, isTracepoint, samples });
  const fd = yield c.u.openat(output, O_CREAT | O_TRUNC | O_WRONLY, 0o600);
  if (fd < 0) return yield* c.complain(`failed to open ${output}: ${errorText(fd)}`);
  yield c.u.write(fd, c.u.string(text), text.length);
  yield c.u.close(fd);
  const size = (text.length / 1048576).toFixed(3);
  yield* c.report(
    `[ perf record: Woken up 1 times to write data ]\n[ perf record: Captured and wrote ${size} MB ${output} (${samples.length} samples) ]\n`,
  );
  return 0;
}
