import { demangle } from '../../../../btf/cxx/demangle.ts';
import { attach } from '../../../probes/attach.ts';
import type { Machine } from '../../../machine.ts';
import { fieldsByName, parsedFormat, type TraceEvent } from '../../../tracefs/event.ts';
import { glob } from '../../../tracefs/filter.ts';
import { printRecord } from '../../../tracefs/print-format.ts';
import { traceArray } from '../../../tracefs/trace-array.ts';
import { errorText } from '../../error-text.ts';
import { joinLines, type CommandContext, type Steps } from '../command.ts';
import { DATA_FILE, MAGIC, type Sample } from './samples.ts';

const DEFAULT_FREQUENCY = 4000;
const NS_PER_SECOND = 1e9;
const O_CREATE_WRITE = 0o1101;

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
  const close = found.listen(m, (record, context) => {
    const data = record();
    const place = 'probe' in found ? placeOf(m, context) : { object: '[kernel.kallsyms]', symbol: `[k] ${event}` };
    take(sampleOf(m, name, { text: eventText(m, found, data), ...place }));
  });
  return typeof close === 'number' ? undefined : close;
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

/** perf record: samples of events on all CPUs while a command runs, in a file. */
export function* perfRecord(c: CommandContext, args: readonly string[]): Steps<number> {
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
/** perf stat: how often events happened while a command ran. */
export function* perfStat(c: CommandContext, args: readonly string[]): Steps<number> {
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
