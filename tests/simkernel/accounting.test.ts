import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CPU_TIMES, cpuTimes } from '../../src/simkernel/cpu/accounting.ts';
import type { CpuTime } from '../../src/simkernel/cpu/accounting.ts';
import { createMachine } from '../../src/simkernel/machine.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import { SCENARIOS } from '../../src/simkernel/scenarios/index.ts';
import type { ScenarioName } from '../../src/simkernel/scenarios/index.ts';
import { TASK } from '../../src/simkernel/tasks/task.ts';
import { machineRunning, MILLISECOND, runFor, SECOND, u64At } from './support.ts';

const sum = (values: Iterable<number>): number => Array.from(values).reduce((a, b) => a + b, 0);
const timeOf = (m: Machine, cpu: number, name: CpuTime): number =>
  cpuTimes(m.cpuList[cpu]!, m.now())[CPU_TIMES.indexOf(name)]!;
const text = (m: Machine, path: string): string => String.fromCharCode(...m.readFile(path)!);

test('the parts of every CPU add up to the time that it has run, to the nanosecond, whenever somebody looks', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<ScenarioName>('server', 'idle', 'interrupts'),
      fc.integer({ min: 1, max: 1000 }),
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.integer({ min: 1, max: 40 * MILLISECOND }), { minLength: 1, maxLength: 5 }),
      (name, seed, cpus, pauses) => {
        const m = createMachine({ scenario: SCENARIOS[name], seed, cpus });
        let before = m.cpuList.map((cpu) => cpuTimes(cpu, m.now()));
        for (const pause of pauses) {
          runFor(m, pause);
          const after = m.cpuList.map((cpu) => cpuTimes(cpu, m.now()));
          after.forEach((times, id) => {
            expect(sum(times)).toBe(Math.floor(Math.max(m.now(), m.cpuList[id]!.time)));
            times.forEach((ns, use) => expect(ns).toBeGreaterThanOrEqual(before[id]![use]!));
          });
          before = after;
        }
      },
    ),
    { seed: 5, numRuns: 30 },
  );
});

test('time in user mode and in the kernel is told apart', () => {
  const m = machineRunning(
    [
      function* (u) {
        for (;;) {
          yield u.work(900_000);
          yield u.getpid();
        }
      },
    ],
    { cpus: 1 },
  );
  runFor(m, SECOND);
  expect(timeOf(m, 0, 'user') / SECOND).toBeGreaterThan(0.99);
  expect(timeOf(m, 0, 'system')).toBeGreaterThan(0);
  // The tick is an interrupt, 250 times a second.
  expect(timeOf(m, 0, 'irq')).toBeGreaterThan(250 * 100);
  const task = m.tasks.get(1000)!;
  const [utime, stime] = task.times;
  expect(utime! + stime!).toBeGreaterThanOrEqual(task.sumExecRuntime);
  expect(utime! + stime! - task.sumExecRuntime).toBeLessThan(5 * MILLISECOND);
  // Guest memory follows at ticks.
  expect(utime! - u64At(m, task.address + TASK.utime)).toBeLessThan(5 * MILLISECOND);
});

test('an idle CPU whose task waits for the disk waits for I/O, and another one does not', () => {
  const m = machineRunning(
    [
      function* (u) {
        const fd = yield u.openat('/data/cold');
        const buffer = u.buffer(4096);
        for (let i = 0; ; i += 1) yield u.pread(fd, buffer, 4096, ((i * 7919) % 90_000) * 4096);
      },
    ],
    {
      cpus: 2,
      disks: [{ kind: 'hard-disk', mountedAt: '/data' }],
      files: [{ path: '/data/cold', size: 384 << 20, warm: 0 }],
    },
  );
  const before = m.now();
  runFor(m, SECOND);
  expect(timeOf(m, 0, 'iowait') / SECOND).toBeGreaterThan(0.9);
  expect(timeOf(m, 1, 'iowait')).toBe(0);
  expect(timeOf(m, 1, 'idle')).toBeGreaterThan(before + 0.9 * SECOND);
  expect(text(m, '/proc/stat')).toMatch(/^procs_blocked 1$/m);
});

describe('/proc/stat', () => {
  const m = createMachine({ scenario: SCENARIOS.server });
  runFor(m, SECOND);
  const lines = text(m, '/proc/stat').trimEnd().split('\n');
  const row = (name: string): number[] =>
    lines
      .find((line) => line.startsWith(`${name} `))!
      .trim()
      .split(/ +/)
      .slice(1)
      .map(Number);

  test('has the rows of Linux in their order', () => {
    expect(lines.map((line) => line.slice(0, line.indexOf(' ')))).toEqual(
      'cpu cpu0 cpu1 cpu2 cpu3 intr ctxt btime processes procs_running procs_blocked softirq'.split(' '),
    );
  });
  test('gives ten columns in hundredths of a second', () => {
    expect(row('cpu')).toHaveLength(10);
    expect(Math.abs(sum(row('cpu1')) - 6100)).toBeLessThan(CPU_TIMES.length);
  });
  test('counts what /proc/interrupts and /proc/softirqs list', () => {
    const counted = text(m, '/proc/interrupts')
      .split('\n')
      .slice(1)
      .flatMap((line) => line.split(/ +/).slice(2, 6).map(Number));
    expect(row('intr')[0]).toBe(sum(counted.filter((n) => !Number.isNaN(n))));
    expect(row('softirq')[0]).toBe(sum(row('softirq').slice(1)));
    expect(row('softirq').slice(1)).toEqual(m.softirqCounts.map(sum));
  });
  test('counts forks, context switches and running tasks', () => {
    expect(row('processes')[0]).toBeGreaterThanOrEqual(m.tasks.size);
    expect(row('ctxt')[0]).toBeGreaterThan(1000);
    expect(row('procs_running')[0]).toBe(Number(/ (\d+)\/\d+ /.exec(text(m, '/proc/loadavg'))![1]));
  });
});

test('/proc/meminfo follows the page cache and never exceeds what is there', () => {
  const m = createMachine({ scenario: SCENARIOS.server });
  const field = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text(m, '/proc/meminfo'))![1]);
  const before = field('Cached');
  const free = field('MemFree');
  runFor(m, SECOND);
  expect(field('Cached')).toBeGreaterThan(before);
  expect(field('MemFree')).toBeLessThan(free);
  expect(field('MemFree') + field('Cached')).toBeLessThan(field('MemTotal'));
});
