import { expect, test } from 'vitest';
import { textSymbols } from '../../src/simkernel/execution/text.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import { SCENARIOS } from '../../src/simkernel/scenarios/index.ts';
import { createMachine } from '../../src/simkernel/machine.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import {
  currentPid,
  fieldOffset,
  kernelFunctions,
  machineRunning,
  MILLISECOND,
  runFor,
  SECOND,
  textAt,
  u64At,
} from './support.ts';

function* burns(u: UserContext): UserBody {
  for (;;) yield u.work(500_000);
}

test('three hungry tasks share one CPU by preemption at the tick', () => {
  const m = machineRunning([burns, burns, burns], { cpus: 1 });
  const ran = new Map<number, number>();
  let preempted = 0;
  const pidAt = fieldOffset('sched:sched_stat_runtime', 'pid');
  const runtimeAt = fieldOffset('sched:sched_stat_runtime', 'runtime');
  m.attach({ kind: 'tracepoint', category: 'sched', name: 'sched_stat_runtime' }, (record) => {
    const pid = m.words[(record + pidAt) >> 2]!;
    ran.set(pid, (ran.get(pid) ?? 0) + u64At(m, record + runtimeAt));
  });
  m.attach({ kind: 'tracepoint', category: 'sched', name: 'sched_switch' }, (record) => {
    // Still runnable when it left: the tick took the CPU away.
    if (m.words[(record + 24) >> 2] !== 0 && m.words[(record + 32) >> 2] === 0) preempted += 1;
  });
  runFor(m, 240 * MILLISECOND);
  for (const pid of [1000, 1001, 1002]) expect(ran.get(pid)! / (80 * MILLISECOND)).toBeCloseTo(1, 0.9);
  expect(preempted).toBeGreaterThan(40);
});

test('time goes forward on every CPU, and no task runs before it was woken', () => {
  const m = createMachine({ scenario: SCENARIOS.server });
  const last = new Map<number, number>();
  const woken = new Map<number, number>();
  let checked = 0;
  let backwards = 0;
  const time = (): number => {
    const cpu = m.words[m.current.cpu >> 2]!;
    const now = u64At(m, m.current.time);
    if (now < (last.get(cpu) ?? 0)) backwards += 1;
    last.set(cpu, now);
    return now;
  };
  m.attach({ kind: 'tracepoint', category: 'raw_syscalls', name: 'sys_enter' }, time);
  m.attach({ kind: 'tracepoint', category: 'raw_syscalls', name: 'sys_exit' }, time);
  m.attach({ kind: 'tracepoint', category: 'sched', name: 'sched_waking' }, (r) =>
    woken.set(m.words[(r + 24) >> 2]!, time()),
  );
  m.attach({ kind: 'tracepoint', category: 'sched', name: 'sched_switch' }, (r) => {
    const now = time();
    const next = m.words[(r + 56) >> 2]!;
    const since = woken.get(next);
    if (since === undefined || next === 0) return;
    expect(now).toBeGreaterThan(since);
    woken.delete(next);
    checked += 1;
  });
  runFor(m, 0.25 * SECOND);
  expect(backwards).toBe(0);
  expect(checked).toBeGreaterThan(100);
});

test('a child is forked, runs a program, exits and is waited for, and nothing is left of it', () => {
  const m = machineRunning([
    function* (u) {
      for (;;) {
        const child = yield u.fork(function* (v) {
          yield v.execve('/usr/bin/program1', ['program1']);
          return 1;
        });
        const waited = yield u.wait4(child);
        if (waited !== child) throw new Error('waited for another');
      }
    },
    function* (u) {
      yield u.work(50_000);
      return 3;
    },
  ]);
  const counts: Record<string, number> = {};
  const names = [
    'sched_process_fork',
    'sched_process_exec',
    'sched_process_exit',
    'sched_process_wait',
    'sched_wakeup_new',
    'sched_process_free',
  ];
  for (const name of names) {
    counts[name] = 0;
    m.attach({ kind: 'tracepoint', category: 'sched', name }, () => (counts[name]! += 1));
  }
  runFor(m, 1000);
  const before = m.tasks.size;
  runFor(m, 40 * MILLISECOND);
  const { sched_process_fork: forks } = counts;
  expect(forks).toBeGreaterThan(50);
  for (const name of names) expect(Math.abs(counts[name]! - forks!)).toBeLessThanOrEqual(3);
  expect(m.tasks.size).toBeLessThan(before + 6);
});

test('a failing execve returns to the program that called it', () => {
  const results: number[] = [];
  const m = machineRunning([
    function* (u) {
      results.push(yield u.execve('/usr/bin/missing', []));
      results.push(yield u.openat('/no/such/file'));
      results.push(yield u.close(17));
      results.push(yield u.call('getpid'));
    },
  ]);
  runFor(m, MILLISECOND);
  expect(results).toEqual([-2, -2, -9, 1000]);
});

function trace(m: Machine): string[] {
  const lines: string[] = [];
  const note = (what: string) => (): void => {
    lines.push(
      `${u64At(m, m.current.time)} ${m.words[m.current.cpu >> 2]} ${currentPid(m)} ${textAt(m, m.current.comm)} ${what}`,
    );
  };
  m.attach({ kind: 'tracepoint', category: 'raw_syscalls', name: 'sys_enter' }, note('enter'));
  m.attach({ kind: 'tracepoint', category: 'sched', name: 'sched_switch' }, () => note(kernelFunctions(m).join())());
  m.attach({ kind: 'tracepoint', category: 'block', name: 'block_rq_complete' }, note('complete'));
  runFor(m, 0.04 * SECOND);
  return lines;
}

test('the same seed gives the same history, another seed another one', () => {
  const first = trace(createMachine({ scenario: SCENARIOS.server, seed: 5 }));
  expect(first.length).toBeGreaterThan(150);
  expect(trace(createMachine({ scenario: SCENARIOS.server, seed: 5 }))).toEqual(first);
  expect(trace(createMachine({ scenario: SCENARIOS.server, seed: 6 }))).not.toEqual(first);
});

test('probes do not change what happens', () => {
  const plain = trace(createMachine({ scenario: SCENARIOS.server }));
  const m = createMachine({ scenario: SCENARIOS.server });
  for (const name of ['vfs_read', 'schedule', 'try_to_wake_up', 'filemap_read', 'nvme_irq']) {
    m.attach({ kind: 'kprobe', function: name, offset: 0 }, () => undefined);
    m.attach({ kind: 'kretprobe', function: name }, () => undefined);
    m.attach({ kind: 'fexit', function: name }, () => undefined);
  }
  expect(trace(m)).toEqual(plain);
});

test('every function may be probed at once, and returns as often as it is called', () => {
  const plain = trace(createMachine({ scenario: SCENARIOS.server }));
  const m = createMachine({ scenario: SCENARIOS.server });
  const calls = new Map<string, number>();
  for (const { name } of textSymbols()) {
    const enter = m.attach({ kind: 'kprobe', function: name, offset: 0 }, () =>
      calls.set(name, (calls.get(name) ?? 0) + 1),
    );
    if (!enter.ok) continue;
    m.attach({ kind: 'fentry', function: name }, () => undefined);
    m.attach({ kind: 'fexit', function: name }, () => undefined);
    m.attach({ kind: 'kretprobe', function: name }, () => calls.set(name, calls.get(name)! - 1));
  }
  expect(trace(m)).toEqual(plain);
  expect(calls.size).toBeGreaterThan(90);
  // What is left is on some stack now: as many as tasks can sleep in, do_exit never returns.
  for (const [name, left] of calls) {
    expect(left, name).toBeGreaterThanOrEqual(0);
    if (name !== 'do_task_dead' && name !== 'do_exit' && name !== 'do_group_exit' && name !== 'schedule')
      expect(left, name).toBeLessThan(20);
  }
});

test('idle stacks end where each CPU was started', () => {
  const m = machineRunning([
    function* (u) {
      for (;;) {
        yield u.work(80_000);
        yield u.nanosleep(100_000);
      }
    },
    function* (u) {
      for (;;) {
        yield u.work(80_000);
        yield u.nanosleep(130_000);
      }
    },
  ]);
  const ends = new Map<number, string>();
  m.attach({ kind: 'tracepoint', category: 'sched', name: 'sched_switch' }, () => {
    const frames = kernelFunctions(m);
    if (frames.includes('do_idle')) {
      ends.set(m.words[m.current.cpu >> 2]!, frames.slice(frames.indexOf('cpu_startup_entry') + 1).join(' '));
    }
  });
  runFor(m, 5 * MILLISECOND);
  expect(ends.get(0)).toBe('rest_init start_kernel x86_64_start_reservations x86_64_start_kernel common_startup_64');
  expect(ends.get(1)).toBe('start_secondary common_startup_64');
});

test('the first file that a program opens is descriptor 3', () => {
  let fd = -1;
  const m = machineRunning(
    [
      function* (u) {
        fd = yield u.openat('/etc/data');
        if ((yield u.write(1, u.buffer(8), 8)) !== 8) throw new Error('standard output is closed');
      },
    ],
    { files: [{ path: '/etc/data', size: 4096 }] },
  );
  runFor(m, MILLISECOND);
  expect(fd).toBe(3);
});

test('a CPU with two tasks less than another takes one over, in the SCHED softirq', () => {
  const busy = function* (u: UserContext): UserBody {
    for (;;) yield u.work(3_000_000);
  };
  const m = machineRunning([busy, busy, busy, busy, busy, busy], { cpus: 2 });
  // All of them but one begin on the first CPU.
  runFor(m, MILLISECOND);
  const [first, second] = m.cpuList;
  for (const task of second!.runQueue.tasks.splice(0)) {
    task.cpu = 0;
    first!.runQueue.add(task);
  }
  expect(first!.runQueue.tasks.length).toBe(4);
  let balanced = 0;
  m.attach({ kind: 'kprobe', function: 'sched_balance_domains', offset: 0 }, () => (balanced += 1));
  runFor(m, 400 * MILLISECOND);
  expect(balanced).toBeGreaterThan(4);
  expect(Math.abs(first!.runQueue.tasks.length - second!.runQueue.tasks.length)).toBeLessThan(2);
  expect(m.softirqCounts[7]!.every((count) => count > 0)).toBe(true);
});
