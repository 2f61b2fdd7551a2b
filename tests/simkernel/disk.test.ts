import { expect, test } from 'vitest';
import { createMachine } from '../../src/simkernel/machine.ts';
import { SCENARIOS } from '../../src/simkernel/scenarios/index.ts';
import { kernelFunctions, machineRunning, MILLISECOND, runFor, SECOND, u64At } from './support.ts';

test('every request that is issued completes once, after a plausible latency, with the same identity', () => {
  const m = createMachine({ scenario: SCENARIOS.server });
  const issued = new Map<number, { at: number; bytes: number }>();
  let issues = 0;
  let bytes = 0;
  let completedBytes = 0;
  const latencies: number[] = [];
  m.attach({ kind: 'tracepoint', category: 'block', name: 'block_rq_issue' }, (record) => {
    const size = m.words[(record + 28) >> 2]!;
    expect(size % 4096).toBe(0);
    expect(size).toBe(m.words[(record + 24) >> 2]! * 512);
    const sector = u64At(m, record + 16);
    expect(issued.has(sector)).toBe(false);
    issued.set(sector, { at: u64At(m, m.current.time), bytes: size });
    issues += 1;
    bytes += size;
  });
  m.attach({ kind: 'tracepoint', category: 'block', name: 'block_rq_complete' }, (record) => {
    const sector = u64At(m, record + 16);
    const start = issued.get(sector)!;
    latencies.push(u64At(m, m.current.time) - start.at);
    completedBytes += m.words[(record + 24) >> 2]! * 512;
    issued.delete(sector);
  });
  runFor(m, 0.5 * SECOND);
  expect(issues).toBeGreaterThan(20);
  let inFlight = 0;
  for (const left of issued.values()) inFlight += left.bytes;
  expect(completedBytes + inFlight).toBe(bytes);
  expect(Math.min(...latencies)).toBeGreaterThan(8_000);
  expect(Math.max(...latencies)).toBeLessThan(5 * MILLISECOND);
  const sorted = latencies.sort((a, b) => a - b);
  expect(sorted[sorted.length >> 1]).toBeGreaterThan(40_000);
  expect(sorted[sorted.length >> 1]).toBeLessThan(200_000);
});

test('a completion interrupts whoever runs and wakes the reader', () => {
  const m = machineRunning(
    [
      function* (u) {
        const fd = yield u.openat('/data');
        const buffer = u.buffer(4096);
        for (let page = 0; page < 400; page += 2) yield u.pread(fd, buffer, 4096, ((page * 97) % 9000) * 4096);
      },
    ],
    { files: [{ path: '/data', size: 64 * 1_048_576, warm: 0 }], cpus: 1 },
  );
  const stacks: string[][] = [];
  m.attach({ kind: 'kprobe', function: 'nvme_irq', offset: 0 }, () => stacks.push(kernelFunctions(m)));
  let slept = 0;
  m.attach({ kind: 'tracepoint', category: 'sched', name: 'sched_switch' }, () => {
    if (kernelFunctions(m).includes('io_schedule')) slept += 1;
  });
  runFor(m, 60 * MILLISECOND);
  expect(stacks.length).toBeGreaterThan(100);
  expect(slept).toBeGreaterThan(100);
  const [first] = stacks;
  expect(first!.slice(0, 8)).toEqual([
    'nvme_irq',
    '__handle_irq_event_percpu',
    'handle_irq_event_percpu',
    'handle_irq_event',
    'handle_edge_irq',
    '__common_interrupt',
    'common_interrupt',
    'asm_common_interrupt',
  ]);
  expect(first!.slice(8)).toContain('do_idle');
});
