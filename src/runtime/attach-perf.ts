import type { AttachTarget } from '../lang/attach-target.ts';
import { perfEvent } from '../lang/perf-events.ts';
import { bug } from '../source/bug.ts';
import type { HookTarget } from './kernel.ts';

/** Software events that are timers. */
const CLOCKS: ReadonlySet<string> = new Set(['cpu-clock', 'task-clock']);
/** sysctl_perf_event_sample_rate and the hrtimer's floor: a software clock does not run faster (kernel/events/core.c). */
const SHORTEST_CLOCK_NS = 10_000;
/** An execution breakpoint is as long as an address. */
const EXECUTE_LENGTH = 1;

/** By the sorted letters of the mode; what else there is, the checker has refused. */
const WATCH_TYPES: Readonly<Record<string, Extract<HookTarget, { kind: 'watchpoint' }>['type']>> = {
  x: 'execute',
  w: 'write',
  r: 'read',
  rw: 'readwrite',
};

export function counterHook(target: Extract<AttachTarget, { kind: 'software' | 'hardware' }>): HookTarget {
  const event = perfEvent(target.kind, target.event) ?? bug(`no event ${target.event}`);
  const period = target.count === 0 ? event.period : target.count;
  if (CLOCKS.has(event.name)) return { kind: 'clock', periodNs: Math.max(period, SHORTEST_CLOCK_NS), cpu: 'all' };
  return { kind: target.kind, event: event.name, period };
}

export function watchHook({ address, length, mode }: Extract<AttachTarget, { kind: 'watchpoint' }>): HookTarget {
  const type = WATCH_TYPES[[...mode].sort().join('')] ?? bug(`no watchpoint mode ${mode}`);
  return {
    kind: 'watchpoint',
    low: Number(BigInt.asIntN(32, address)),
    high: Number(BigInt.asIntN(32, address >> 32n)),
    length: type === 'execute' ? EXECUTE_LENGTH : length,
    type,
  };
}
