import { expect, test } from 'vitest';
import { VECTORS } from '../../src/simkernel/cpu/descriptor-tables.ts';
import { post } from '../../src/simkernel/cpu/local-apic.ts';
import { kernelFunction } from '../../src/simkernel/execution/kernel-function.ts';
import { setupHrTimer, startHrTimer } from '../../src/simkernel/functions/kernel/timer.ts';
import { createTimer, startTimer, stopTimer } from '../../src/simkernel/functions/kernel/timer-wheel.ts';
import { HRTIMER_MODE } from '../../src/simkernel/irq/hrtimer.ts';
import type { HrTimer } from '../../src/simkernel/irq/hrtimer.ts';
import type { WheelTimer } from '../../src/simkernel/irq/timer-list.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import { jiffiesAt, TICK_NS } from '../../src/simkernel/memory/kernel-data.ts';
import { machineRunning, MILLISECOND, runFor } from './support.ts';

const expired: [owner: unknown, timeNs: number][] = [];
const callback = kernelFunction('test_timer_callback', 20, (m, timer: WheelTimer): void => {
  expired.push([timer.owner, m.cpu.time]);
});
function quietMachine(): Machine {
  expired.length = 0;
  const m = machineRunning([
    function* (u) {
      for (;;) yield u.nanosleep(1_000_000_000);
    },
  ]);
  runFor(m, MILLISECOND);
  m.cpu = m.cpuList[0]!;
  return m;
}
/** What the tests do to an idle CPU is done by an interrupt: behind it the idle loop looks at the timers again. */
function endInterrupt(m: Machine): void {
  post(m, m.cpu, VECTORS.reschedule, m.cpu.time);
}

// Levels of the wheel: single ticks for 63 ticks, then steps of 8, 64, ...: never early, late by an eighth at most.
test.each([
  [1, 1],
  [10, 1],
  [62, 1],
  [100, 8],
  [600, 64],
])('a timer %i ticks away expires within the granularity of its level, %i', (ticks, granularity) => {
  const m = quietMachine();
  const timer = createTimer(m, callback, 'one');
  const now = jiffiesAt(m.cpu.time);
  startTimer(m, m.cpu, timer, ticks * TICK_NS);
  endInterrupt(m);
  expect(timer.expires).toBe(now + ticks);
  expect(timer.bucketExpiry).toBeGreaterThan(timer.expires);
  expect(timer.bucketExpiry - timer.expires).toBeLessThanOrEqual(granularity);
  expect(timer.bucketExpiry % granularity).toBe(0);
  const started = m.now();
  runFor(m, (ticks + 2 * granularity + 1) * TICK_NS);
  expect(expired.map(([owner]) => owner)).toEqual(['one']);
  expect(expired[0]![1] - started).toBeGreaterThanOrEqual(ticks * TICK_NS);
});

test('a stopped timer does not expire; one that is started again expires once, at its new time', () => {
  const m = quietMachine();
  const stopped = createTimer(m, callback, 'stopped');
  const moved = createTimer(m, callback, 'moved');
  const events: string[] = [];
  for (const name of ['timer_start', 'timer_cancel', 'timer_expire_entry', 'timer_expire_exit']) {
    m.attach({ kind: 'tracepoint', category: 'timer', name }, () => events.push(name));
  }
  startTimer(m, m.cpu, stopped, 3 * TICK_NS);
  startTimer(m, m.cpu, moved, 3 * TICK_NS);
  startTimer(m, m.cpu, moved, 9 * TICK_NS);
  stopTimer(m, stopped);
  endInterrupt(m);
  expect(events).toEqual(['timer_start', 'timer_start', 'timer_cancel', 'timer_start', 'timer_cancel']);
  events.length = 0;
  runFor(m, 5 * TICK_NS);
  expect(expired).toEqual([]);
  runFor(m, 7 * TICK_NS);
  expect(expired.map(([owner]) => owner)).toEqual(['moved']);
  expect(events).toEqual(['timer_cancel', 'timer_expire_entry', 'timer_expire_exit']);
});

test('a timer put on an idle CPU whose tick has stopped wakes it in time', () => {
  const m = quietMachine();
  const other = m.cpuList[1]!;
  expect(other.tickStopped).toBe(true);
  const timer = createTimer(m, callback, 'there');
  startTimer(m, other, timer, 2 * TICK_NS);
  runFor(m, 5 * TICK_NS);
  expect(expired.map(([owner]) => owner)).toEqual(['there']);
  expect(m.interruptCounts.reschedule[1]).toBe(1);
});

test('an hrtimer of the softirq expires with interrupts on, behind the timer interrupt', () => {
  const m = quietMachine();
  const seen: unknown[] = [];
  const fn = (name: string) =>
    kernelFunction(`test_${name}`, 20, (on, timer: HrTimer): boolean => {
      seen.push([name, on.cpu.interruptsEnabled, on.cpu.hardirqDepth, on.cpu.softirqDepth, timer.queuedOn]);
      return false;
    });
  const at = m.now() + MILLISECOND;
  const soft = setupHrTimer(m, fn('soft'), null, HRTIMER_MODE.soft);
  const hard = setupHrTimer(m, fn('hard'), null, HRTIMER_MODE.abs);
  startHrTimer(m, soft, at, HRTIMER_MODE.soft);
  startHrTimer(m, hard, at + 1, HRTIMER_MODE.abs);
  runFor(m, 2 * MILLISECOND);
  expect(seen).toEqual([
    ['hard', false, 1, 0, null],
    ['soft', true, 0, 1, null],
  ]);
  expect(m.softirqCounts[8]).toEqual([1, 0]);
});
