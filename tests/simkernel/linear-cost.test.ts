import { describe, expect, test } from 'vitest';
import { createMachine } from '../../src/simkernel/machine.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import { SCENARIOS } from '../../src/simkernel/scenarios/index.ts';
import { TASK_RUNNING } from '../../src/simkernel/tasks/task.ts';
import { fieldOffset, MILLISECOND, runFor, SECOND } from './support.ts';

/*
 * What a stretch of virtual time costs is what happens in it: it must not depend on how much has happened before. Counted are
 * steps (things that the machine schedules, context switches, system calls) and what it has to look through (tasks, events,
 * timers, memory), not time, which depends on the host. bench/server.ts shows milliseconds.
 */
interface Size {
  readonly steps: number;
  readonly heap: number;
  readonly events: number;
  readonly timers: number;
  readonly tasks: number;
}
function sizesOf(name: 'server' | 'idle' | 'interrupts', slices: number, sliceNs: number): Size[] {
  const m = createMachine({ scenario: SCENARIOS[name] });
  let steps = 0;
  const { events } = m;
  const schedule = events.schedule.bind(events);
  events.schedule = (timeNs, action) => {
    steps += 1;
    schedule(timeNs, action);
  };
  for (const [category, event] of [
    ['raw_syscalls', 'sys_enter'],
    ['sched', 'sched_switch'],
    ['irq', 'softirq_entry'],
  ] as const) {
    m.attach({ kind: 'tracepoint', category, name: event }, () => {
      steps += 1;
    });
  }
  const sizes: Size[] = [];
  for (let slice = 0; slice < slices; slice += 1) {
    const before = steps;
    runFor(m, sliceNs);
    const timers = m.cpuList.reduce((sum, { wheel }) => sum + wheel.timers.length, 0);
    sizes.push({ steps: steps - before, heap: m.arena.heapBytes(), events: events.size, timers, tasks: m.tasks.size });
  }
  return sizes;
}
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe('cost grows linearly with virtual time', () => {
  test.each([
    ['idle', 20, 0.5 * SECOND],
    ['interrupts', 10, 0.15 * SECOND],
    ['server', 20, 0.25 * SECOND],
  ] as const)(
    '%s: once under way, the later part of a run takes as many steps, and looks through as much, as the earlier',
    (name, slices, ns) => {
      const sizes = sizesOf(name, slices, ns);
      // Until visitors have come and connections are open, there is less to do.
      const underWay = sizes.slice(slices / 5);
      const early = underWay.slice(0, underWay.length / 2);
      const late = underWay.slice(underWay.length / 2);
      const of = (key: keyof Size, part: readonly Size[]): number => mean(part.map((size) => size[key]));
      expect(of('steps', late)).toBeLessThan(1.5 * of('steps', early) + 50);
      expect(of('heap', late)).toBeLessThan(1.15 * of('heap', early));
      for (const key of ['events', 'timers', 'tasks'] as const)
        expect(of(key, late)).toBeLessThan(1.5 * of(key, early) + 10);
    },
  );
});

/** Every task that may run is on a CPU or in exactly one run queue; every other one is in none. */
function lostTasks(m: Machine): string[] {
  const queued = new Map<number, number>();
  for (const { runQueue, current, idle } of m.cpuList) {
    const here = current === idle ? runQueue.tasks : [current, ...runQueue.tasks.filter((task) => task !== current)];
    for (const { pid } of here) queued.set(pid, (queued.get(pid) ?? 0) + 1);
  }
  return [...m.tasks.values()].flatMap((task) => {
    const places = queued.get(task.pid) ?? 0;
    // The tracer's processes and the parents of all never run themselves.
    const takesPart = task.program !== null || task.pending !== null || places > 0;
    if (!takesPart) return [];
    const mayRun = task.state === TASK_RUNNING && task.exitState === 0;
    if (places > 1) return [`${task.comm} is in ${places} places`];
    return mayRun && places === 0 ? [`${task.comm} ${task.pid} may run and is nowhere`] : [];
  });
}

describe('latencies and tasks', () => {
  test.each(['build', 'server'] as const)('%s: no task is lost, and whoever is woken runs before long', (name) => {
    const m = createMachine({ scenario: SCENARIOS[name] });
    const woken = new Map<number, number>();
    let longest = 0;
    const on = (event: string, handler: (record: number) => void): void => {
      const [category, wanted] = event.split(':');
      m.attach({ kind: 'tracepoint', category: category!, name: wanted! }, handler);
    };
    const pidIn = (record: number, event: string, field: string): number =>
      m.words[(record + fieldOffset(event, field)) >> 2]!;
    on('sched:sched_wakeup', (record) => woken.set(pidIn(record, 'sched:sched_wakeup', 'pid'), m.cpu.time));
    on('sched:sched_switch', (record) => {
      const next = pidIn(record, 'sched:sched_switch', 'next_pid');
      const since = woken.get(next);
      if (next !== 0 && since !== undefined) longest = Math.max(longest, m.cpu.time - since);
      woken.delete(next);
    });
    for (let step = 0; step < 30; step += 1) {
      runFor(m, 10 * MILLISECOND);
      expect(lostTasks(m)).toEqual([]);
    }
    expect(longest).toBeGreaterThan(0);
    // A handful of slices of 2.8 ms for everybody who was there before.
    expect(longest).toBeLessThan(100 * MILLISECOND);
  });
});
