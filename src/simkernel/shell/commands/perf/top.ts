import { SIGINT, SIGTERM } from '../../../tasks/signals.ts';
import { SECOND } from '../../../time/units.ts';
import { joinLines, type CommandContext, type Steps } from '../command.ts';
import { misuse, readPerfOptions, throttled } from './options.ts';
import type { OptionRows } from './options.ts';
import { cpuList, DEFAULT_FREQUENCY } from './record.ts';
import { shortObject, symbolText } from './report.ts';
import type { Sample } from './samples.ts';
import { MAX_STACK_DEPTH } from '../../../probes/stack.ts';
import { Sampler } from './sampling.ts';
import { findEvents, namesOf, noEvent } from './workload.ts';

const USAGE = 'perf top [<options>]';
const OPTIONS: OptionRows = {
  event: { names: ['-e', '--event'], value: true },
  frequency: { names: ['-F', '--freq'], value: true },
  delay: { names: ['-d', '--delay'], value: true },
  entries: { names: ['-E', '--entries'], value: true },
  pid: { names: ['-p', '--pid'], value: true },
  cpu: { names: ['-C', '--cpu'], value: true },
  all: { names: ['-a', '--all-cpus'], value: false },
  stdio: { names: ['--stdio'], value: false },
  verbose: { names: ['-v', '--verbose'], value: false },
};
const DEFAULT_DELAY_S = 2;
const DEFAULT_ENTRIES = 20;
/** hists__decay_entries(): what an entry keeps from one screen to the next. */
const DECAY = 7 / 8;
const LEAST = 1e-3;

interface Entry {
  readonly object: string;
  readonly symbol: string;
  weight: number;
}

/** What the screen says, from the samples of the last interval and, fading, of those before. */
class Screen {
  private readonly entries = new Map<string, Entry>();

  add(samples: readonly Sample[]): void {
    for (const [key, entry] of this.entries) {
      entry.weight *= DECAY;
      if (entry.weight < LEAST) this.entries.delete(key);
    }
    for (const { place, period } of samples) {
      const object = place.isKernel ? place.object.replace('[kernel.kallsyms]', '[kernel]') : shortObject(place.object);
      const symbol = symbolText(place);
      const key = `${object} ${symbol}`;
      const entry = this.entries.get(key) ?? { object, symbol, weight: 0 };
      this.entries.set(key, entry);
      entry.weight += period;
    }
  }
  text(limit: number): string {
    const sorted = [...this.entries.values()].sort((a, b) => b.weight - a.weight || (a.symbol < b.symbol ? -1 : 1));
    const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
    const shown = sorted.slice(0, limit);
    const width = Math.max(0, ...shown.map(({ object }) => object.length));
    return joinLines(
      shown.map(
        ({ object, symbol, weight }) =>
          `${((100 * weight) / total).toFixed(2).padStart(9)}%  ${object.padEnd(width)}  ${symbol}`,
      ),
    );
  }
}

/** perf top: shares of samples, again and again until it is told to stop. */
export function* perfTop(c: CommandContext, args: readonly string[]): Steps<number> {
  const given = readPerfOptions(OPTIONS, args, false);
  if (typeof given === 'string') return yield* misuse(c, given, USAGE);
  const { options, operands } = given;
  const value = (name: string, fallback: number): number => Number(options.get(name)?.at(-1) ?? fallback);
  const delay = value('delay', DEFAULT_DELAY_S);
  const wanted = value('frequency', DEFAULT_FREQUENCY);
  if (operands.length > 0 || !(delay > 0) || !(wanted > 0)) return yield* misuse(c, '', USAGE);
  const { machine } = c;
  const events = findEvents(machine, namesOf(given, ['cycles']));
  if (typeof events === 'string') return yield* noEvent(c, events, USAGE);
  const only = (options.get('pid') ?? []).flatMap((pids) => pids.split(',')).map(Number);
  const cpus = options.has('cpu') ? cpuList(machine, options.get('cpu')!.join(',')) : undefined;
  const frequency = yield* throttled(c, wanted);
  let isOver = false;
  for (const signal of [SIGINT, SIGTERM])
    yield c.u.onSignal(signal, function* () {
      isOver = true;
      return 0;
    });
  const sampler = new Sampler(
    machine,
    events,
    { frequency, count: 0, graph: false, depth: MAX_STACK_DEPTH },
    () => cpus?.has(machine.cpu.id) !== false && (only.length === 0 || only.includes(machine.cpu.current.tgid)),
  );
  const whom = only.length > 0 ? `(target_pid: ${only.join(',')}` : '(all';
  const where = cpus === undefined ? `${machine.cpus} CPUs` : `CPUs: ${[...cpus].join(',')}`;
  const what = `[${frequency}Hz ${events.map(({ name }) => name).join(',')}],  ${whom}, ${where})`;
  const screen = new Screen();
  while (!isOver) {
    const startedAt = machine.now();
    yield c.u.nanosleep(delay * SECOND);
    const samples = sampler.take();
    screen.add(samples);
    const perSecond = (samples.length * SECOND) / Math.max(1, machine.now() - startedAt);
    const inKernel = samples.filter(({ place }) => place.isKernel).length;
    const kernel = ((100 * inKernel) / Math.max(1, samples.length)).toFixed(1).padStart(4);
    yield* c.print(
      `\n   PerfTop:${perSecond.toFixed(0).padStart(8)} irqs/sec  kernel:${kernel}%  exact:  0.0% lost: 0/0 drop: 0/0 ${what}\n` +
        `${'-'.repeat(79)}\n\n${screen.text(value('entries', DEFAULT_ENTRIES))}`,
    );
  }
  sampler.close();
  return 0;
}
