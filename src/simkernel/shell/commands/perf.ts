import { attach } from '../../probes/attach.ts';
import type { Machine } from '../../machine.ts';
import { fieldsByName, parsedFormat } from '../../tracefs/event.ts';
import type { TraceEvent } from '../../tracefs/event.ts';
import { glob } from '../../tracefs/filter.ts';
import { probeEvents } from '../../tracefs/probe-events.ts';
import { prototypeNamed } from '../../probes/symbols.ts';
import { traceArray } from '../../tracefs/trace-array.ts';
import { traceTime } from '../../tracefs/trace-text.ts';
import { printRecord } from '../../tracefs/print-format.ts';
import { errorText } from '../error-text.ts';
import { command, joinLines } from './command.ts';
import type { CommandContext, MakeCommand, Steps } from './command.ts';

const KPROBE_EVENTS = '/sys/kernel/tracing/kprobe_events';
const DATA_FILE = 'perf.data';
const MAGIC = 'PERFILE2';
const DEFAULT_FREQUENCY = 4000;
const NS_PER_SECOND = 1e9;
const O_APPEND_WRITE = 0o2001;
const O_CREATE_WRITE = 0o1101;

/** What a sample of perf.data says. */
interface Sample {
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

// perf probe

/** The registers of arguments by the names of kprobe_events. */
function argumentRegisters({ abi }: Machine): readonly string[] {
  const names = new Map(Object.entries(abi.registers).map(([name, offset]) => [offset, `%${name}`]));
  return abi.arguments.map((offset) => names.get(offset)!);
}

/** `do_sys_openat2 filename:string dfd`, `do_sys_openat2%return $retval`: the command for kprobe_events. */
function probeDefinition(
  m: Machine,
  spec: string,
): { readonly name: string; readonly line: string; readonly place: string } {
  const equals = /^(\w+)=/.exec(spec);
  const [place = '', ...args] = spec.slice(equals?.[0].length ?? 0).split(/\s+/);
  const isReturn = place.endsWith('%return');
  const fn = place.replace(/%return$/, '').replace(/\+.*$/, '');
  const name = equals?.[1] ?? (isReturn ? `${fn}__return` : fn);
  const parameters = prototypeNamed(m, fn)?.parameters ?? [];
  const registers = argumentRegisters(m);
  const words = args.map((arg) => {
    const [variable = '', type] = arg.split(':');
    const index = parameters.findIndex((parameter) => parameter.name === variable);
    if (index < 0) return arg;
    const register = registers[index] ?? registers[0];
    const isText = type === 'string' || type === 'ustring';
    return `${variable}${isText ? '_string' : ''}=${isText ? `+0(${register})` : register}${type === undefined ? '' : `:${type}`}`;
  });
  const target = place.replace(/%return$/, '');
  return { name, place, line: [`${isReturn ? 'r' : 'p'}:probe/${name}`, target, ...words].join(' ') };
}

function* writeProbes(c: CommandContext, line: string): Steps<number> {
  const fd = yield c.u.openat(KPROBE_EVENTS, O_APPEND_WRITE);
  if (fd < 0) return fd;
  const error = yield c.u.write(fd, c.u.string(line), line.length);
  yield c.u.close(fd);
  return error;
}

function* perfProbe(c: CommandContext, args: readonly string[]): Steps<number> {
  const [option = '', spec = ''] = args[0]?.startsWith('--add=') === true ? ['-a', args[0].slice(6)] : args;
  const array = traceArray(c.machine);
  if (option === '-l' || option === '--list') {
    const lines = probeEvents(array, 'kprobe').map(({ system, name, place, isReturn, args: fetched }) => {
      const names = fetched.map((arg) => arg.name);
      const what = names.length === 0 ? '' : ` with ${names.join(' ')}`;
      return `  ${`${system}:${name}`.padEnd(20)} (on ${place}${isReturn ? '%return' : ''}${what})`;
    });
    yield* c.print(joinLines(lines));
    return 0;
  }
  if (option === '-d' || option === '--del') {
    const [system, name] = spec.includes(':') ? spec.split(':') : ['*', spec];
    const gone = probeEvents(array, 'kprobe').filter(
      (event) => glob(system!).test(event.system) && glob(name!).test(event.name),
    );
    if (gone.length === 0)
      return yield* c.complain(`"${spec}" does not hit any event.\n  Error: Failed to delete events.`);
    for (const event of gone) {
      yield* writeProbes(c, `-:${event.system}/${event.name}\n`);
      yield* c.print(`Removed event: ${event.system}:${event.name}\n`);
    }
    return 0;
  }
  const wanted = option === '-a' || option === '--add' ? args.slice(1).join(' ') : args.join(' ');
  if (wanted === '') return yield* c.complain('probe: give a probe with -a, or -l, or -d');
  const { name, line, place } = probeDefinition(c.machine, wanted);
  const error = yield* writeProbes(c, `${line}\n`);
  if (error < 0) {
    const fn = place.replace(/[%+].*$/, '');
    return yield* c.complain(
      error === -22
        ? `Failed to write event: Invalid argument\nProbe point '${fn}' not found, or it may not be probed.\n  Error: Failed to add events.`
        : `Failed to write event: ${errorText(error)}\n  Error: Failed to add events.`,
    );
  }
  yield* c.print(
    `Added new event:\n  ${`probe:${name}`.padEnd(20)} (on ${place})\n\n` +
      `You can now use it in all perf tools, such as:\n\n\tperf record -e probe:${name} -aR sleep 1\n\n`,
  );
  return 0;
}

// perf record and perf stat

interface RecordOptions {
  readonly events: readonly string[];
  readonly frequency: number;
  readonly output: string;
  readonly argv: readonly string[];
}
const FLAGS_WITH_VALUE = new Set(['-e', '-F', '-o', '-i', '-c', '-p', '-C', '--event', '--sort', '-s']);

function readRecordOptions(args: readonly string[]): RecordOptions {
  const events: string[] = [];
  let frequency = DEFAULT_FREQUENCY;
  let output = DATA_FILE;
  let at = 0;
  for (; at < args.length && args[at]!.startsWith('-'); at += 1) {
    const flag = args[at]!;
    if (flag === '--') {
      at += 1;
      break;
    }
    if (!FLAGS_WITH_VALUE.has(flag)) continue;
    const value = args[(at += 1)] ?? '';
    if (flag === '-e' || flag === '--event') events.push(...value.split(','));
    if (flag === '-F') frequency = Number(value);
    if (flag === '-o') output = value;
  }
  return { events, frequency, output, argv: args.slice(at) };
}

const SAMPLED = new Set(['cycles', 'cpu-clock', 'cpu-cycles', 'instructions', 'task-clock']);

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
  return { object, symbol: `[.] ${user?.name ?? `0x${(low >>> 0).toString(16)}`}` };
}

function sampleOf(m: Machine, event: string, rest: Pick<Sample, 'text' | 'object' | 'symbol'>): Sample {
  const { cpu } = m;
  const { current } = cpu;
  const comm = current.pid === 0 ? 'swapper' : current.comm;
  return { event, comm, pid: current.pid, cpu: cpu.id, timeNs: cpu.time, ...rest };
}

/** Opens an event on all CPUs; undefined when the kernel has no such event. */
function openEvent(
  m: Machine,
  name: string,
  frequency: number,
  take: (sample: Sample) => void,
): (() => void) | undefined {
  if (SAMPLED.has(name)) {
    const target = { kind: 'clock', periodNs: NS_PER_SECOND / frequency, cpu: 'all' } as const;
    const attached = attach(m, target, (regs) => take(sampleOf(m, name, { text: '', ...placeOf(m, regs) })));
    return attached.ok ? attached.detach : undefined;
  }
  const [system = '', event = ''] = name.split(':');
  const found = traceArray(m).event(system, event);
  if (found === undefined) return undefined;
  const attached = attach(m, found.target, (context) => {
    const data = traceArray(m).recordOf(found, context);
    const place = 'probe' in found ? placeOf(m, context) : { object: '[kernel.kallsyms]', symbol: `[k] ${event}` };
    take(sampleOf(m, name, { text: eventText(m, found, data), ...place }));
  });
  return attached.ok ? attached.detach : undefined;
}
function eventText(m: Machine, event: TraceEvent, data: Uint8Array): string {
  const format = parsedFormat(event.print);
  return format === undefined ? '' : printRecord({ machine: m, data, fields: fieldsByName(event) }, format);
}

function expandEvents(m: Machine, names: readonly string[]): readonly string[] {
  return names.flatMap((name) => {
    if (!name.includes('*')) return [name];
    const pattern = glob(name);
    return traceArray(m)
      .events()
      .map(({ category, name: event }) => `${category}:${event}`)
      .filter((event) => pattern.test(event));
  });
}

/** Samples while a command runs. */
function* collect(c: CommandContext, options: RecordOptions): Steps<readonly Sample[] | string> {
  const samples: Sample[] = [];
  const closers: (() => void)[] = [];
  const names = expandEvents(c.machine, options.events.length === 0 ? ['cycles'] : options.events);
  for (const name of names) {
    const close = openEvent(c.machine, name, options.frequency, (sample) => void samples.push(sample));
    if (close === undefined) {
      for (const open of closers) open();
      return name;
    }
    closers.push(close);
  }
  const argv = options.argv.length === 0 ? ['sleep', '1'] : options.argv;
  const pid = yield c.u.fork(function* (child) {
    const folder = ['/usr/bin', '/usr/sbin'].find((path) => c.machine.images.has(`${path}/${argv[0]!}`)) ?? '/usr/bin';
    yield child.execve(argv[0]!.includes('/') ? argv[0]! : `${folder}/${argv[0]!}`, argv);
    return 127;
  });
  yield c.u.wait4(pid);
  for (const close of closers) close();
  return samples;
}
const noEvent = (c: CommandContext, name: string): Steps<number> =>
  c.complain(
    `event syntax error: '${name}'\n                     \\___ unknown tracepoint\n\nError:\tFile /sys/kernel/tracing/events/${name.replace(':', '/')} not found.`,
  );

function* perfRecord(c: CommandContext, args: readonly string[]): Steps<number> {
  const options = readRecordOptions(args);
  const samples = yield* collect(c, options);
  if (typeof samples === 'string') return yield* noEvent(c, samples);
  const text = [MAGIC, ...samples.map((sample) => JSON.stringify(sample))].join('\n');
  const fd = yield c.u.openat(options.output, O_CREATE_WRITE, 0o600);
  if (fd < 0) return yield* c.complain(`failed to open ${options.output}: ${errorText(fd)}`);
  yield c.u.write(fd, c.u.string(text), text.length);
  yield c.u.close(fd);
  const size = (text.length / 1048576).toFixed(3);
  yield* c.print(
    `[ perf record: Woken up 1 times to write data ]\n[ perf record: Captured and wrote ${size} MB ${options.output} (${samples.length} samples) ]\n`,
  );
  return 0;
}
function* perfStat(c: CommandContext, args: readonly string[]): Steps<number> {
  const options = readRecordOptions(args);
  const started = c.machine.now();
  const samples = yield* collect(c, { ...options, frequency: 1000 });
  if (typeof samples === 'string') return yield* noEvent(c, samples);
  const names = expandEvents(c.machine, options.events);
  const lines = names.map((name) => {
    const count = samples.filter(({ event }) => event === name).length;
    return `${count.toLocaleString('en').padStart(18)}      ${name}`;
  });
  const seconds = ((c.machine.now() - started) / NS_PER_SECOND).toFixed(9);
  yield* c.print(
    `\n Performance counter stats for 'system wide':\n\n${joinLines(lines)}\n${seconds.padStart(18)} seconds time elapsed\n\n`,
  );
  return 0;
}

// perf report and perf script

function* readSamples(c: CommandContext, args: readonly string[]): Steps<readonly Sample[] | undefined> {
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

const COLUMNS = {
  comm: { title: 'Command', of: ({ comm }: Sample) => comm },
  dso: { title: 'Shared Object', of: ({ object }: Sample) => object },
  symbol: { title: 'Symbol', of: ({ symbol }: Sample) => symbol },
  pid: { title: 'Pid:Command', of: ({ pid, comm }: Sample) => `${pid}:${comm}` },
  cpu: { title: 'CPU', of: ({ cpu }: Sample) => String(cpu) },
  trace: { title: 'Trace output', of: ({ text }: Sample) => text },
} as const;
type Column = keyof typeof COLUMNS;

function reportText(event: string, samples: readonly Sample[], sort: readonly Column[]): string {
  const groups = new Map<string, { readonly cells: readonly string[]; count: number }>();
  for (const sample of samples) {
    const cells = sort.map((column) => COLUMNS[column].of(sample));
    const key = cells.join('\0');
    const group = groups.get(key) ?? { cells, count: 0 };
    groups.set(key, group);
    group.count += 1;
  }
  const rows = [...groups.values()].sort((a, b) => b.count - a.count || (a.cells.join() < b.cells.join() ? -1 : 1));
  const widths = sort.map((column, i) =>
    Math.max(COLUMNS[column].title.length, ...rows.map(({ cells }) => cells[i]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd();
  return joinLines([
    '# To display the perf.data header info, please use --header/--header-only options.',
    '#',
    '#',
    '# Total Lost Samples: 0',
    '#',
    `# Samples: ${samples.length}  of event '${event}'`,
    `# Event count (approx.): ${samples.length}`,
    '#',
    `# Overhead  ${line(sort.map((column) => COLUMNS[column].title))}`,
    `# ........  ${line(widths.map((width) => '.'.repeat(width)))}`,
    '#',
    ...rows.map(({ cells, count }) => `${((100 * count) / samples.length).toFixed(2).padStart(9)}%  ${line(cells)}`),
    '',
  ]);
}
function* perfReport(c: CommandContext, args: readonly string[]): Steps<number> {
  const samples = yield* readSamples(c, args);
  if (samples === undefined) return 1;
  const sort = args.find((arg) => arg.startsWith('--sort='))?.slice(7) ?? args[args.indexOf('--sort') + 1];
  const asked = (args.some((arg) => arg.startsWith('--sort')) ? (sort ?? '') : 'comm,dso,symbol').split(',');
  const columns = asked
    .map((name) => (name === 'sym' ? 'symbol' : name))
    .filter((name): name is Column => name in COLUMNS);
  for (const event of new Set(samples.map((sample) => sample.event)))
    yield* c.print(
      reportText(
        event,
        samples.filter((sample) => sample.event === event),
        columns,
      ),
    );
  return 0;
}
function* perfScript(c: CommandContext, args: readonly string[]): Steps<number> {
  const samples = yield* readSamples(c, args);
  if (samples === undefined) return 1;
  const lines = samples.map(
    ({ comm, pid, cpu, timeNs, event, text, symbol }) =>
      `${comm.padStart(16)} ${String(pid).padStart(7)} [${String(cpu).padStart(3, '0')}] ${traceTime(timeNs)}: ${event}: ${text === '' ? symbol : text}`,
  );
  yield* c.print(joinLines(lines));
  return 0;
}
function* perfList(c: CommandContext, args: readonly string[]): Steps<number> {
  const pattern = glob(args[0] === undefined ? '*' : args[0].includes(':') ? args[0] : `${args[0]}*`);
  const names = traceArray(c.machine)
    .events()
    .map(({ category, name }) => `${category}:${name}`);
  yield* c.print(
    joinLines(names.filter((name) => pattern.test(name)).map((name) => `  ${name.padEnd(50)} [Tracepoint event]`)),
  );
  return 0;
}

const SUBCOMMANDS: Readonly<Record<string, (c: CommandContext, args: readonly string[]) => Steps<number>>> = {
  probe: perfProbe,
  record: perfRecord,
  stat: perfStat,
  report: perfReport,
  script: perfScript,
  list: perfList,
};
export const PERF_COMMANDS: readonly MakeCommand[] = [
  command('perf', function* (c, [name = '', ...args]) {
    const subcommand = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
    if (subcommand === undefined)
      return yield* c.complain(`'${name}' is not a perf-command (${Object.keys(SUBCOMMANDS).join(', ')})`);
    return yield* subcommand(c, args);
  }),
];
