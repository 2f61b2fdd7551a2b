import { describe, expect, test } from 'vitest';
import { GATE_SIZE, lidt, setGate, INTERRUPT_GATE, VECTORS } from '../../src/simkernel/cpu/descriptor-tables.ts';
import { irqDisable, irqEnable, post, postNmi } from '../../src/simkernel/cpu/local-apic.ts';
import { DR6_STEP } from '../../src/simkernel/cpu/debug-registers.ts';
import { FLAGS } from '../../src/simkernel/cpu/registers.ts';
import { kernelFunction } from '../../src/simkernel/execution/kernel-function.ts';
import type { KernelFunction } from '../../src/simkernel/execution/kernel-function.ts';
import { createKthread } from '../../src/simkernel/functions/kernel/kthread.ts';
import { enqueueAtBoot } from '../../src/simkernel/tasks/process.ts';
import { registerNmiHandler } from '../../src/simkernel/functions/x86/nmi.ts';
import type { KernelObject } from '../../src/simkernel/memory/arena.ts';
import { faultAt } from '../../src/simkernel/functions/x86/kernel-access.ts';
import { IMAGE_START } from '../../src/simkernel/memory/arena.ts';
import type { Image } from '../../src/simkernel/programs/image.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import { currentPid, fieldOffset, machineRunning, MILLISECOND, runFor, u64At } from './support.ts';

function removeGate(m: Machine, vector: number): void {
  const gate = m.cpuList[0]!.idt + vector * GATE_SIZE;
  m.arena.bytes.fill(0, gate, gate + GATE_SIZE);
}
/** Signals that processes died of. */
function deaths(m: Machine): Map<number, number> {
  const seen = new Map<number, number>();
  m.attach({ kind: 'kprobe', function: 'do_exit', offset: 0 }, (regs) => seen.set(currentPid(m), u64At(m, regs + 112)));
  return seen;
}
const sleeper: NonNullable<Image['main']> = function* (u) {
  for (;;) yield u.nanosleep(100_000);
};
const THREAD = 900;
/** Runs something in a kernel thread. */
function inThread(m: Machine, body: () => void): void {
  const thread = createKthread(m, 'thread', THREAD, 0, () => {
    body();
    return 0;
  });
  enqueueAtBoot(m, thread, 0);
}
function run(m: Machine, ns: number): void {
  const end = m.now() + ns;
  while (m.now() < end && m.halted === undefined) m.run(end);
}

describe('int N in a program', () => {
  test.each([
    [VECTORS.breakpoint, 5, /^$/],
    // DPL 0: only the CPU itself may go through.
    [
      VECTORS.pageFault,
      11,
      /program0\[1000\] general protection fault ip:[0-9a-f]+ sp:[0-9a-f]+ error:72 in program0\[1054,555555554000\+2000\]\n/,
    ],
    [0x99, 11, /general protection fault .* error:4ca in program0\[/],
  ])('int %i ends it by signal %i', (vector, signal, log) => {
    const m = machineRunning([
      function* (u) {
        yield u.work(1_000);
        yield u.interrupt(vector);
        throw new Error('it went on');
      },
      function* (u) {
        for (;;) yield u.nanosleep(100_000);
      },
    ]);
    const died = deaths(m);
    runFor(m, 5 * MILLISECOND);
    expect([...died]).toEqual([[1000, signal]]);
    expect(m.shell('dmesg')).toMatch(log);
    expect(m.tasks.has(1000)).toBe(false);
    expect(m.tasks.has(1001)).toBe(true);
  });
  test('touching an address where nothing is mapped is a segmentation fault', () => {
    const m = machineRunning([
      function* (u) {
        yield u.touch(0x1234);
        throw new Error('it went on');
      },
    ]);
    const died = deaths(m);
    runFor(m, 5 * MILLISECOND);
    expect([...died]).toEqual([[1000, 11]]);
    expect(m.shell('dmesg')).toMatch(/program0\[1000\]: segfault at 1234 ip [0-9a-f]{16} sp [0-9a-f]{16} error 6\n/);
  });
});

test('an exception in the kernel without a handler is an oops: its task dies, the machine goes on', () => {
  const m = machineRunning([
    function* (u) {
      for (;;) yield u.getpid();
    },
    function* (u) {
      for (;;) yield u.nanosleep(100_000);
    },
  ]);
  const died = deaths(m);
  m.attach({ kind: 'kprobe', function: '__x64_sys_getpid', offset: 10 }, () => undefined);
  runFor(m, MILLISECOND);
  expect(died.size).toBe(0);
  removeGate(m, VECTORS.breakpoint);
  runFor(m, 5 * MILLISECOND);
  expect([...died]).toEqual([[1000, 11]]);
  const log = m.shell('dmesg');
  expect(log).toMatch(/\] Oops: segment-related general protection fault: 001a \[#1\] SMP NOPTI\n/);
  expect(log).toMatch(/\] CPU: \d UID: 0 PID: 1000 Comm: program0 /);
  expect(log).toMatch(/\] RIP: 0010:__do_sys_getpid\+0xb\/0x[0-9a-f]+\n/);
  expect(log).toMatch(/\] {2}x64_sys_call\+0x26\/0x[0-9a-f]+\n.*\] {2}do_syscall_64\+0x7c\//);
  const before = m.cpuList.map(({ time }) => time);
  runFor(m, 5 * MILLISECOND);
  expect(m.cpuList.every(({ time }, i) => time >= before[i]!)).toBe(true);
  expect(m.halted).toBeUndefined();
});

test('the idle task cannot be killed: panic', () => {
  const m = machineRunning([sleeper]);
  runFor(m, MILLISECOND);
  removeGate(m, VECTORS.localTimer);
  run(m, 50 * MILLISECOND);
  expect(m.halted).toBe('Kernel panic - not syncing: Attempted to kill the idle task!');
  expect(m.shell('dmesg')).toMatch(
    /Comm: swapper\/\d[^]*---\[ end Kernel panic - not syncing: Attempted to kill the idle/,
  );
  const { clock } = m;
  m.run(clock + MILLISECOND);
  expect(m.clock).toBe(clock);
});

test('a gate that leads to no code faults like one that is not there', () => {
  const m = machineRunning([sleeper]);
  runFor(m, MILLISECOND);
  setGate(m.arena, m.cpuList[0]!.idt, VECTORS.localTimer, (IMAGE_START + 0x01f0_0000) | 0x80000000, INTERRUPT_GATE, 0);
  run(m, 50 * MILLISECOND);
  expect(m.halted).toMatch(/idle task/);
});

test('a fault while a fault is delivered is a double fault, and one more resets the machine', () => {
  const make = (): Machine => {
    const m = machineRunning([sleeper]);
    runFor(m, MILLISECOND);
    removeGate(m, VECTORS.localTimer);
    removeGate(m, VECTORS.generalProtection);
    return m;
  };
  const m = make();
  run(m, 50 * MILLISECOND);
  expect(m.shell('dmesg')).toMatch(/traps: PANIC: double fault, error_code: 0x0\n/);
  expect(m.halted).toBe('Kernel panic - not syncing: Machine halted.');
  const other = make();
  removeGate(other, VECTORS.doubleFault);
  run(other, 50 * MILLISECOND);
  expect(other.halted).toMatch(/^CPU \d: triple fault/);
});

test.each([
  [VECTORS.divideError, 8, 'divide error'],
  [VECTORS.invalidOpcode, 4, 'invalid opcode'],
] as const)('exception %i in a program ends it by signal %i', (vector, signal, text) => {
  const m = machineRunning([
    function* (u) {
      yield u.work(1_000);
      yield u.raise(vector);
      throw new Error('it went on');
    },
  ]);
  const died = deaths(m);
  runFor(m, 5 * MILLISECOND);
  expect([...died]).toEqual([[1000, signal]]);
  expect(m.shell('dmesg')).toMatch(
    new RegExp(`traps: program0\\[1000\\] trap ${text} ip:[0-9a-f]+ sp:[0-9a-f]+ error:0 in program0\\[[0-9a-f]+,`),
  );
});

test('int 0x80 is a system call with the numbers of 32-bit x86', () => {
  const results: number[] = [];
  const m = machineRunning([
    function* (u) {
      results.push(yield u.interrupt(0x80, 20), yield u.interrupt(0x80, 24), yield u.interrupt(0x80, 399));
      results.push(yield u.getpid());
    },
  ]);
  const entered: number[] = [];
  m.attach({ kind: 'tracepoint', category: 'raw_syscalls', name: 'sys_enter' }, (record) =>
    entered.push(u64At(m, record + 8)),
  );
  runFor(m, 5 * MILLISECOND);
  expect(results).toEqual([1000, 0, -38, 1000]);
  expect(entered.slice(0, 4)).toEqual([20, 24, 399, 39]);
});

describe('an NMI', () => {
  test('comes through while interrupts are off, and an interrupt does not', () => {
    const m = machineRunning([sleeper]);
    runFor(m, MILLISECOND);
    const [cpu] = m.cpuList;
    m.cpu = cpu!;
    irqDisable(m);
    postNmi(m, cpu!, cpu!.time + 500);
    post(m, cpu!, VECTORS.reschedule, cpu!.time + 500);
    m.spend(2_000);
    expect(m.interruptCounts.nmi).toEqual([1, 0]);
    expect(m.interruptCounts.reschedule).toEqual([0, 0]);
    expect(cpu!.interruptsEnabled).toBe(false);
    irqEnable(m);
    expect(m.interruptCounts.reschedule).toEqual([1, 0]);
    expect(m.shell('dmesg')).toContain('Uhhuh. NMI received for unknown reason 00 on CPU 0.');
  });
});

test('handlers of NMIs are asked in turn, and what one takes care of is not unknown', () => {
  const m = machineRunning([sleeper]);
  runFor(m, MILLISECOND);
  const [cpu] = m.cpuList;
  const handler = kernelFunction('test_nmi_handler', 100, (_m, _type: number, _regs: KernelObject): number => 1);
  registerNmiHandler(m, handler);
  const handled: number[] = [];
  m.attach({ kind: 'tracepoint', category: 'nmi', name: 'nmi_handler' }, (record) =>
    handled.push(m.words[(record + fieldOffset('nmi:nmi_handler', 'handled')) >> 2]!),
  );
  postNmi(m, cpu!, m.now() + 500);
  runFor(m, MILLISECOND);
  expect(handled).toEqual([1]);
  expect(m.shell('dmesg')).toBe('');
});

test('a NULL pointer that the kernel follows is an oops that says so', () => {
  const m = machineRunning([sleeper]);
  const died = deaths(m);
  inThread(m, () => faultAt(m, 0x18, false));
  runFor(m, MILLISECOND);
  expect([...died]).toEqual([[THREAD, 11]]);
  expect(m.shell('dmesg')).toMatch(
    /BUG: kernel NULL pointer dereference, address: 0{14}18\n.*#PF: supervisor read access in kernel mode\n[^]*Oops: Oops: 0000 \[#1\]/,
  );
});

const deeper: KernelFunction<[depth: number, limit: number], number> = kernelFunction(
  'test_deeper',
  20,
  (m, depth: number, limit: number): number => (depth === limit ? depth : deeper(m, depth + 1, limit)),
);
describe('a stack that is full', () => {
  test('is a double fault that says whose stack it was; the task dies, the machine goes on', () => {
    const m = machineRunning([sleeper]);
    const died = deaths(m);
    inThread(m, () => {
      deeper(m, 0, 50);
      expect(died.size).toBe(0);
      deeper(m, 0, 1_000);
    });
    runFor(m, 5 * MILLISECOND);
    expect([...died]).toEqual([[THREAD, 11]]);
    const log = m.shell('dmesg');
    const hit =
      /BUG: TASK stack guard page was hit at ffff8881([0-9a-f]{8}) \(stack is ffff8881([0-9a-f]{8})\.\.ffff8881([0-9a-f]{8})\)\n/.exec(
        log,
      );
    const [at, low, high] = hit!.slice(1).map((digits) => parseInt(digits, 16));
    expect(high! - low!).toBe(16383);
    expect(at).toBeLessThan(low!);
    expect(low! - at!).toBeLessThan(256);
    expect(log).toMatch(/Oops: stack guard page: 0000 \[#1\]/);
    expect(log).toMatch(/RIP: 0010:test_deeper\+0xd\/0x/);
    expect(m.tasks.has(1000)).toBe(true);
    expect(m.halted).toBeUndefined();
  });
  test('of the interrupts takes the machine along', () => {
    const m = machineRunning([sleeper]);
    runFor(m, MILLISECOND);
    m.attach({ kind: 'kprobe', function: 'hrtimer_wakeup', offset: 0 }, () => {
      deeper(m, 0, 1_000);
    });
    run(m, 5 * MILLISECOND);
    expect(m.halted).toBe('Kernel panic - not syncing: Fatal exception in interrupt');
    expect(m.shell('dmesg')).toMatch(/BUG: IRQ stack guard page was hit at /);
  });
});

test('a program that sets the trap flag gets SIGTRAP behind its next instruction', () => {
  const m = machineRunning([
    function* (u) {
      yield u.work(1_000);
      yield u.popf(FLAGS.trap);
      yield u.work(1_000);
      throw new Error('it went on');
    },
    function* (u) {
      for (;;) yield u.nanosleep(100_000);
    },
  ]);
  const died = deaths(m);
  runFor(m, 5 * MILLISECOND);
  expect([...died]).toEqual([[1000, 5]]);
  expect(m.cpuList.every(({ flags, attentive }) => (flags & FLAGS.trap) === 0 && !attentive)).toBe(true);
});

test('a debugger that steps a program sees every step, and the program does not notice', () => {
  let steps = 0;
  const results: number[] = [];
  const m = machineRunning([
    function* (u) {
      yield u.popf(FLAGS.trap);
      for (let i = 0; i < 5; i += 1) results.push(yield u.getpid());
      yield u.popf(0);
      results.push(yield u.getpid());
    },
  ]);
  m.debugNotifiers.push((_m, _regs, dr6) => {
    steps += dr6 & DR6_STEP ? 1 : 0;
    return dr6 & ~DR6_STEP;
  });
  runFor(m, 5 * MILLISECOND);
  expect(results).toEqual([1000, 1000, 1000, 1000, 1000, 1000]);
  expect(steps).toBe(6);
});

test('lidt with a shorter table: vectors behind its end are general protection faults, and none at all resets the machine', () => {
  const make = (limit: number): Machine => {
    const m = machineRunning([sleeper]);
    runFor(m, MILLISECOND);
    for (const cpu of m.cpuList) lidt(cpu, cpu.idt, limit);
    run(m, 50 * MILLISECOND);
    return m;
  };
  // Exceptions are still there, so the timer's vector ends in an oops of the idle task.
  const short = make(32 * GATE_SIZE - 1);
  expect(short.shell('dmesg')).toMatch(/Oops: segment-related general protection fault: 0762 /);
  expect(short.halted).toMatch(/idle task/);
  expect(make(-1).halted).toMatch(/triple fault/);
});
