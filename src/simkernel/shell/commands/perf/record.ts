import { demangle } from '../../../../btf/cxx/demangle.ts';
import { attach } from '../../../probes/attach.ts';
import type { Machine } from '../../../machine.ts';
import { fieldsByName, parsedFormat, type TraceEvent } from '../../../tracefs/event.ts';
import { printRecord } from '../../../tracefs/print-format.ts';
import { errorText } from '../../error-text.ts';
import { joinLines, type CommandContext, type Steps } from '../command.ts';
import type { Task } from '../../../tasks/task.ts';
import { countEvent, eventsNamed } from './events.ts';
import type { Counter, PerfEventName } from './events.ts';
import { misuse, readPerfOptions } from './options.ts';
import type { Given, OptionRows } from './options.ts';
import { DATA_FILE, MAGIC, type Sample } from './samples.ts';
import { SECOND } from '../../../time/units.ts';
import { O_WRONLY, O_CREAT, O_TRUNC } from '../../../fs/fcntl.ts';

const DEFAULT_FREQUENCY = 4000;

const OPTIONS: OptionRows = {
  event: { names: ['-e', '--event'], value: true },
  frequency: { names: ['-F', '--freq'], value: true },
  count: { names: ['-c', '--count'], value: true },
  output: { names: ['-o', '--output'], value: true },
  pid: { names: ['-p', '--pid'], value: true },
  all: { names: ['-a', '--all-cpus'], value: false },
  raw: { names: ['-R', '--raw-samples'], value: false },
  graph: { names: ['-g'], value: false },
  quiet: { names: ['-q', '--quiet'], value: false },
  verbose: { names: ['-v', '--verbose'], value: false },
};
const RECORD_USAGE = 'perf record [<options>] [<command>]\n    or: perf record [<options>] -- <command> [<options>]';
const STAT_USAGE = 'perf stat [<options>] [<command>]';
const namesOf = ({ options }: Given, fallback: readonly string[]): readonly string[] =>
  options.get('event')?.flatMap((names) => names.split(',')) ?? fallback;

/** Where the CPU was, from pt_regs. */
function placeOf(m: Machine, regs: number): { readonly object: string; readonly symbol: string } {
  const { view } = m.arena;
  const low = view.getInt32(regs + m.abi.ip, true);
  const high = view.getInt32(regs + m.abi.ip + 4, true);
  const kernel = m.kernelSymbol(low, high);
  if (kernel !== undefined)
    return {
      object: kernel.module === 'vmlinux' ? '[kernel.kallsyms]' : `[${kernel.module}]`,
      symbol: `[k] ${kernel.name}`,
    };
  const user = m.userSymbol(m.currentTask.pid, low, high);
  const object = user?.module.slice(user.module.lastIndexOf('/') + 1) ?? '[unknown]';
  return {
    object,
    symbol: `[.] ${user === undefined ? `0x${(low >>> 0).toString(16)}` : (demangle(user.name) ?? user.name)}`,
  };
}

function sampleOf(m: Machine, event: string, rest: Pick<Sample, 'text' | 'object' | 'symbol'>): Sample {
  const { cpu } = m;
  const { current } = cpu;
  const comm = current.pid === 0 ? 'swapper' : current.comm;
  return { event, comm, pid: current.pid, cpu: cpu.id, timeNs: cpu.time, ...rest };
}

/** Takes samples of an event on all CPUs. */
function openEvent(m: Machine, event: PerfEventName, frequency: number, take: (sample: Sample) => void): () => void {
  const { name } = event;
  const here = (regs: number): void => take(sampleOf(m, name, { text: '', ...placeOf(m, regs) }));
  if (event.kind === 'tracepoint') {
    const close = event.event.listen(m, (record, context) => {
      const place =
        'probe' in event.event
          ? placeOf(m, context)
          : { object: '[kernel.kallsyms]', symbol: `[k] ${event.event.name}` };
      take(sampleOf(m, name, { text: eventText(m, event.event, record()), ...place }));
    });
    return typeof close === 'number' ? () => undefined : close;
  }
  const target =
    event.kind === 'software'
      ? ({ kind: 'software', event: event.counter, period: 1 } as const)
      : // Cycles and instructions are as good as time where every CPU runs at one speed.
        ({ kind: 'clock', periodNs: SECOND / frequency, cpu: 'all' } as const);
  const attached = attach(m, target, here);
  return attached.ok ? () => attached.detach() : () => undefined;
}
function eventText(m: Machine, event: TraceEvent, data: Uint8Array): string {
  const format = parsedFormat(event.print);
  return format === undefined ? '' : printRecord({ machine: m, data, fields: fieldsByName(event) }, format);
}

/** The events of `-e`, or the first name that there is none of. */
function findEvents(m: Machine, names: readonly string[]): readonly PerfEventName[] | string {
  const found = names.map((name) => eventsNamed(m, name));
  const missing = found.findIndex((events) => events.length === 0);
  return missing < 0 ? found.flat() : names[missing]!;
}
function* noEvent(c: CommandContext, name: string, usage: string): Steps<number> {
  const isTracepoint = name.includes(':');
  yield* c.report(
    `event syntax error: '${name}'\n                     \\___ ${isTracepoint ? 'unknown tracepoint' : 'parser error'}\n\n` +
      (isTracepoint
        ? `Error:\tFile /sys/kernel/tracing/events/${name.replace(':', '/')} not found.\n` +
          'Hint:\tPerhaps this kernel misses some CONFIG_ setting to enable this feature?.\n\n'
        : ''),
  );
  return yield* misuse(c, "Run 'perf list' for a list of valid events\n", usage);
}

/** The command under the tool's eye; its exit status. */
function* runCommand(c: CommandContext, argv: readonly string[], started: (pid: number) => void): Steps<number> {
  const folders = ['/usr/bin', '/usr/sbin', '/bin', '/sbin'];
  const [name = ''] = argv;
  const path = name.includes('/')
    ? name
    : folders.map((folder) => `${folder}/${name}`).find((file) => c.machine.images.has(file));
  if (path === undefined || (name.includes('/') && c.machine.fileSystem.find(name) === undefined)) {
    yield* c.report('Workload failed: No such file or directory\n');
    return -1;
  }
  const pid = yield c.u.fork(function* (child) {
    // Whoever watches is ready by then.
    yield child.nanosleep(1000);
    yield child.execve(path, argv);
    return 127;
  });
  started(pid);
  yield c.u.wait4(pid);
  return 0;
}
/** Whether the running task is one of a process and its children. */
function belongsTo(m: Machine, pid: number): boolean {
  for (let task: Task | null = m.cpu.current; task !== null; task = task.parent) if (task.tgid === pid) return true;
  return false;
}

/** perf record: samples of events while a command runs, in a file. */
export function* perfRecord(c: CommandContext, args: readonly string[]): Steps<number> {
  const given = readPerfOptions(OPTIONS, args, true);
  if (typeof given === 'string') return yield* misuse(c, given, RECORD_USAGE);
  const { options, operands } = given;
  const isWhole = options.has('all') || operands.length === 0;
  if (operands.length === 0 && !options.has('all') && !options.has('event') && !options.has('pid') && args.length > 0)
    return yield* misuse(c, '', RECORD_USAGE);
  const events = findEvents(c.machine, namesOf(given, ['cycles']));
  if (typeof events === 'string') return yield* noEvent(c, events, RECORD_USAGE);
  const frequency = Number(options.get('frequency')?.at(-1) ?? DEFAULT_FREQUENCY);
  if (!(frequency > 0)) return yield* misuse(c, " Error: switch `F' expects a number", RECORD_USAGE);
  const only = Number(options.get('pid')?.at(-1) ?? 0);
  let pid = only;
  const samples: Sample[] = [];
  const closers = events.map((event) =>
    openEvent(c.machine, event, frequency, (sample) => {
      if ((isWhole && only === 0) || (pid !== 0 && belongsTo(c.machine, pid))) samples.push(sample);
    }),
  );
  const argv = operands.length === 0 ? ['sleep', '1'] : operands;
  const status = yield* runCommand(c, argv, (child) => (pid = only === 0 ? child : only));
  for (const close of closers) close();
  if (status !== 0) return 255;
  const output = options.get('output')?.at(-1) ?? DATA_FILE;
  const text = [MAGIC, ...samples.map((sample) => JSON.stringify(sample))].join('\n');
  const fd = yield c.u.openat(output, O_WRONLY | O_CREAT | O_TRUNC, 0o600);
  if (fd < 0) return yield* c.complain(`failed to open ${output}: ${errorText(fd)}`);
  yield c.u.write(fd, c.u.string(text), text.length);
  yield c.u.close(fd);
  const size = (text.length / 1048576).toFixed(3);
  yield* c.report(
    `[ perf record: Woken up 1 times to write data ]\n[ perf record: Captured and wrote ${size} MB ${output} (${samples.length} samples) ]\n`,
  );
  return 0;
}

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
