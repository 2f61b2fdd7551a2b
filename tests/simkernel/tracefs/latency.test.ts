import { expect, test } from 'vitest';
import { machineRunning, MILLISECOND, runFor } from '../support.ts';
import type { Machine } from '../../../src/simkernel/machine.ts';
import { attach } from '../../../src/simkernel/probes/attach.ts';
import { traceArray } from '../../../src/simkernel/tracefs/trace-array.ts';
import { traceText } from '../../../src/simkernel/tracefs/trace-text.ts';

const machine = (): Machine =>
  machineRunning([
    function* (u) {
      for (;;) yield u.nanosleep(MILLISECOND / 5);
    },
  ]);

test('the profiler counts the calls that a probe sees, on the CPUs where they begin', () => {
  const m = machine();
  const array = traceArray(m);
  let calls = 0;
  attach(m, { kind: 'kprobe', function: 'do_nanosleep', offset: 0 }, () => (calls += 1));
  array.filters.only.add('do_nanosleep');
  array.profiler.enable(true);
  runFor(m, 10 * MILLISECOND);
  array.profiler.enable(false);
  const rows = m.cpuList.flatMap(({ id }) => array.profiler.text(id).split('\n').slice(2, -1));
  const hits = rows.reduce((sum, row) => sum + Number(row.split(/\s+/)[2]), 0);
  expect(calls).toBeGreaterThan(20);
  expect(hits).toBe(calls);
  const before = rows.join();
  runFor(m, 5 * MILLISECOND);
  expect(m.cpuList.flatMap(({ id }) => array.profiler.text(id).split('\n').slice(2, -1)).join()).toBe(before);
});

test('sleep counts only where the option says so', () => {
  const m = machine();
  const array = traceArray(m);
  array.filters.only.add('do_nanosleep');
  const average = (): number => {
    array.profiler.enable(true);
    runFor(m, 5 * MILLISECOND);
    array.profiler.enable(false);
    const row = m.cpuList.map(({ id }) => array.profiler.text(id).split('\n')[2]!).find((line) => line !== '')!;
    return Number(row.split(/\s+/)[5]);
  };
  expect(average()).toBeGreaterThan(190);
  array.options.set('sleep-time', false);
  expect(average()).toBeLessThan(5);
});

test('interrupts are off for a while, and nobody watches any more when the tracer is gone', () => {
  const m = machine();
  const array = traceArray(m);
  array.setTracer('irqsoff');
  expect(traceText(array, array.rings)).toBe('# tracer: irqsoff\n#\n');
  runFor(m, 5 * MILLISECOND);
  const { record, longestNs } = array.latency;
  expect(record!.latencyNs).toBe(longestNs);
  expect(longestNs).toBeGreaterThan(0);
  expect(longestNs).toBeLessThan(100_000);
  expect(traceText(array, array.rings)).toMatch(/# {2}=> started at: \w+\n# {2}=> ended at: {3}\w+/);
  array.setTracer('nop');
  expect(m.irqWatch).toBeNull();
  expect(array.options.get('latency-format')).toBe(false);
});

test('the most urgent task that is woken is waited for, and only the longest wait is kept', () => {
  const m = machine();
  const array = traceArray(m);
  array.setTracer('wakeup');
  runFor(m, 2 * MILLISECOND);
  // Nobody is more urgent than the idle task's own priority.
  expect(array.latency.record).toBeNull();
  for (const task of m.tasks.values()) if (task.process !== null) task.prio = 110;
  runFor(m, 5 * MILLISECOND);
  const { record, longestNs } = array.latency;
  expect(record!.task.nice).toBe(-10);
  expect(longestNs).toBeGreaterThan(0);
  array.latency.thresholdNs = 1e9;
  array.latency.longestNs = 0;
  runFor(m, 5 * MILLISECOND);
  expect(array.latency.longestNs).toBe(0);
});
