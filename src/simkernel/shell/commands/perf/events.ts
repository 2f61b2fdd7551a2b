import { executedNs } from '../../../cpu/accounting.ts';
import { attach } from '../../../probes/attach.ts';
import { HARDWARE_RATES } from '../../../probes/hardware-events.ts';
import type { HardwareCounter } from '../../../probes/hardware-events.ts';
import type { Machine } from '../../../machine.ts';
import type { Task } from '../../../tasks/task.ts';
import { glob } from '../../../tracefs/glob.ts';
import { traceArray } from '../../../tracefs/trace-array.ts';
import type { TraceEvent } from '../../../tracefs/event.ts';

/** Where an event counts: `cycles:u`. */
interface Modes {
  readonly inUser: boolean;
  readonly inKernel: boolean;
}
/** An event as perf names it. */
export type PerfEventName =
  | ({ readonly kind: 'clock'; readonly name: string } & Modes)
  | ({ readonly kind: 'software'; readonly name: string; readonly counter: string } & Modes)
  | ({ readonly kind: 'hardware'; readonly name: string; readonly counter: HardwareCounter } & Modes)
  | { readonly kind: 'tracepoint'; readonly name: string; readonly event: TraceEvent };

/** Names of the kernel's own counters, and what else perf calls them. */
const SOFTWARE: Readonly<Record<string, string>> = {
  'page-faults': 'page-faults',
  faults: 'page-faults',
  'minor-faults': 'minor-faults',
  'major-faults': 'major-faults',
  'context-switches': 'context-switches',
  cs: 'context-switches',
  'cpu-migrations': 'cpu-migrations',
  migrations: 'cpu-migrations',
};
const HARDWARE: Readonly<Record<string, HardwareCounter>> = {
  cycles: 'cpu-cycles',
  'cpu-cycles': 'cpu-cycles',
  instructions: 'instructions',
  branches: 'branch-instructions',
  'branch-instructions': 'branch-instructions',
  'branch-misses': 'branch-misses',
  'cache-references': 'cache-references',
  'cache-misses': 'cache-misses',
  'bus-cycles': 'bus-cycles',
  'ref-cycles': 'ref-cycles',
};
const CLOCKS: ReadonlySet<string> = new Set(['cpu-clock', 'task-clock']);
const own = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** What `-e NAME` means, with wildcards in tracepoints; empty: there is no such event. */
export function eventsNamed(m: Machine, written: string): readonly PerfEventName[] {
  // `cycles:u`, `sched:sched_switch`: what stands behind a plain event's colon says where it counts.
  const [plain = '', letters = ''] = /^(.*?)(?::([ukhpGHPS]+))?$/.exec(written)?.slice(1) ?? [];
  const isEverywhere = !/[uk]/.test(letters);
  const of = {
    name: letters === '' ? plain : written,
    inUser: isEverywhere || letters.includes('u'),
    inKernel: isEverywhere || letters.includes('k'),
  };
  if (CLOCKS.has(plain)) return [{ kind: 'clock', ...of }];
  const software = own(SOFTWARE, plain);
  if (software !== undefined) return [{ kind: 'software', counter: software, ...of }];
  const hardware = own(HARDWARE, plain);
  if (hardware !== undefined) return [{ kind: 'hardware', counter: hardware, ...of }];
  const [system = '', name = ''] = written.split(':');
  const array = traceArray(m);
  const pattern = glob(written);
  const names = written.includes('*')
    ? array.events().filter(({ category, name: event }) => pattern.test(`${category}:${event}`))
    : [{ category: system, name }];
  return names.flatMap((row): readonly PerfEventName[] => {
    const event = array.event(row.category, row.name);
    return event === undefined ? [] : [{ kind: 'tracepoint', name: `${row.category}:${row.name}`, event }];
  });
}

/** Counts an event while a task and its children run, or on all CPUs. */
export interface Counter {
  readonly event: PerfEventName;
  stop(): number;
}
type Belongs = () => boolean;

export function countEvent(m: Machine, event: PerfEventName, task: Task | undefined, belongs: Belongs): Counter {
  if (event.kind === 'clock' || event.kind === 'hardware') {
    const rate = event.kind === 'clock' ? 1 : HARDWARE_RATES[event.counter];
    const started = task?.sumExecRuntime ?? busyNs(m);
    return { event, stop: () => Math.round(((task?.sumExecRuntime ?? busyNs(m)) - started) * rate) };
  }
  let count = 0;
  const hit = (): void => {
    if (belongs()) count += 1;
  };
  if (event.kind === 'software') {
    const attached = attach(m, { kind: 'software', event: event.counter, period: 1 }, hit);
    return {
      event,
      stop() {
        if (attached.ok) attached.detach();
        return count;
      },
    };
  }
  const { event: traced } = event;
  const close = traced.listen(m, hit);
  return {
    event,
    stop() {
      if (typeof close !== 'number') close();
      return count;
    },
  };
}
/** What the CPUs have worked. */
function busyNs(m: Machine): number {
  return m.cpuList.reduce((sum, cpu) => sum + executedNs(cpu, m.now()), 0);
}

/** What `perf list` shows, by kind. */
export function listedEvents(m: Machine): readonly (readonly [name: string, kind: string])[] {
  const aliases = Object.entries(HARDWARE).filter(
    ([name, counter]) => name === counter || !Object.hasOwn(HARDWARE, counter),
  );
  return [
    ...aliases.map(([name]) => [name, 'Hardware event'] as const),
    ...Object.entries(SOFTWARE).flatMap(([name, counter]) =>
      name === counter ? [[name, 'Software event'] as const] : [],
    ),
    ...[...CLOCKS].map((name) => [name, 'Software event'] as const),
    ...traceArray(m)
      .events()
      .map(({ category, name }) => [`${category}:${name}`, 'Tracepoint event'] as const),
  ];
}
