import { expect, test } from 'vitest';
import { createMachine } from '../../src/simkernel/machine.ts';
import { SCENARIOS } from '../../src/simkernel/scenarios/index.ts';
import { fieldOffset, kernelFunctions, machineRunning, MILLISECOND, runFor, SECOND, textAt, u64At } from './support.ts';

/** 259:0 as the kernel's dev_t. */
const NVME = 259 << 20;

test('every request that is issued completes once, after a plausible latency, with the same identity', () => {
  const m = createMachine({ scenario: SCENARIOS.server });
  const issued = new Map<number, { at: number; bytes: number }>();
  let issues = 0;
  let bytes = 0;
  let completedBytes = 0;
  const latencies: number[] = [];
  m.attach({ kind: 'tracepoint', category: 'block', name: 'block_rq_issue' }, (record) => {
    if (m.words[(record + 8) >> 2] !== NVME) return;
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
    if (m.words[(record + 8) >> 2] !== NVME) return;
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

/** Latencies of block requests of one device, by number of bytes read at random or one after the other. */
function hardDiskLatencies(next: (i: number) => number): number[] {
  const m = machineRunning(
    [
      function* (u) {
        const fd = yield u.openat('/mnt/data');
        const buffer = u.buffer(131_072);
        for (let i = 0; i < 60; i += 1) yield u.pread(fd, buffer, 131_072, next(i) * 131_072);
      },
    ],
    {
      files: [{ path: '/mnt/data', size: 40_000 * 1_048_576, warm: 0 }],
      cpus: 1,
      disks: [{ kind: 'hard-disk', mountedAt: '/mnt' }],
    },
  );
  const started = new Map<number, number>();
  const latencies: number[] = [];
  m.attach({ kind: 'tracepoint', category: 'block', name: 'block_rq_issue' }, (record) => {
    expect(m.words[(record + 8) >> 2]).toBe(8 << 20);
    started.set(u64At(m, record + 16), u64At(m, m.current.time));
  });
  m.attach({ kind: 'tracepoint', category: 'block', name: 'block_rq_complete' }, (record) => {
    expect(m.words[(record + 8) >> 2]).toBe(8 << 20);
    latencies.push(u64At(m, m.current.time) - started.get(u64At(m, record + 16))!);
  });
  runFor(m, SECOND);
  return latencies.sort((a, b) => a - b);
}
test('a hard disk needs seek and rotation for random access, and next to nothing for what follows', () => {
  const random = hardDiskLatencies((i) => (Math.imul(i, 0x9e3779b1) >>> 8) % 300_000);
  const median = random[random.length >> 1]!;
  expect(random.length).toBeGreaterThan(40);
  expect(median).toBeGreaterThan(7 * MILLISECOND);
  expect(median).toBeLessThan(16 * MILLISECOND);
  expect(random.at(-1)).toBeLessThan(30 * MILLISECOND);
  const sequential = hardDiskLatencies((i) => i);
  // 128 KiB at 69 MB/s.
  expect(sequential[sequential.length >> 1]).toBeLessThan(2.2 * MILLISECOND);
  expect(sequential[sequential.length >> 1]).toBeGreaterThan(1.7 * MILLISECOND);
});

test('the disk interrupts through the I/O APIC and completes in the BLOCK softirq', () => {
  const m = createMachine({ scenario: SCENARIOS.server });
  const names = new Set<string>();
  const name = fieldOffset('irq:irq_handler_entry', 'name');
  m.attach({ kind: 'tracepoint', category: 'irq', name: 'irq_handler_entry' }, (record) =>
    names.add(textAt(m, record + (m.words[(record + name) >> 2]! & 0xffff))),
  );
  const stacks: string[][] = [];
  m.attach({ kind: 'kprobe', function: 'ahci_single_level_irq_intr', offset: 0 }, () =>
    stacks.push(kernelFunctions(m)),
  );
  const ends: string[][] = [];
  m.attach({ kind: 'kprobe', function: 'scsi_end_request', offset: 0 }, () => ends.push(kernelFunctions(m)));
  runFor(m, 0.5 * SECOND);
  expect([...names]).toContain('ahci[0000:00:1f.2]');
  expect(stacks[0]!.slice(3, 7)).toEqual([
    'handle_irq_event',
    'handle_fasteoi_irq',
    '__common_interrupt',
    'common_interrupt',
  ]);
  expect(ends[0]).toContain('blk_done_softirq');
  expect(m.shell('cat /proc/interrupts')).toMatch(/ 16: .*IO-APIC +16-fasteoi +ahci\[0000:00:1f\.2\]\n/);
});
