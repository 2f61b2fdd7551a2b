import { expect, test } from 'vitest';
import { VECTORS } from '../../src/simkernel/cpu/descriptor-tables.ts';
import { post } from '../../src/simkernel/cpu/local-apic.ts';
import { kernelFunction } from '../../src/simkernel/execution/kernel-function.ts';
import { Pending } from '../../src/simkernel/execution/pending.ts';
import type { Result } from '../../src/simkernel/execution/pending.ts';
import { IO_APIC_CHIP } from '../../src/simkernel/functions/x86/irq-chips.ts';
import {
  disableIrq,
  enableIrq,
  requestIrq,
  requestWithThread,
} from '../../src/simkernel/functions/kernel/irq-manage.ts';
import { createMutex, mutexLock, mutexUnlock } from '../../src/simkernel/functions/kernel/mutex.ts';
import type { Mutex } from '../../src/simkernel/functions/kernel/mutex.ts';
import { createKthread } from '../../src/simkernel/functions/kernel/kthread.ts';
import { msleep } from '../../src/simkernel/functions/kernel/sleep.ts';
import { raiseSoftirq } from '../../src/simkernel/functions/kernel/softirq-vectors.ts';
import {
  createSpinLock,
  localIrqRestore,
  localIrqSave,
  spinLock,
  spinUnlock,
} from '../../src/simkernel/functions/kernel/spinlock.ts';
import { createWork, queueWorkOn } from '../../src/simkernel/functions/kernel/workqueue.ts';
import { entryRegisters, readRegister, RTE_MASKED } from '../../src/simkernel/irq/io-apic.ts';
import {
  createIrqDesc,
  IRQ_HANDLED,
  IRQ_NONE,
  IRQ_WAKE_THREAD,
  IRQF_ONESHOT,
} from '../../src/simkernel/irq/irq-desc.ts';
import type { IrqDesc } from '../../src/simkernel/irq/irq-desc.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import type { KernelObject } from '../../src/simkernel/memory/arena.ts';
import { enqueueAtBoot } from '../../src/simkernel/tasks/process.ts';
import { machineRunning, MILLISECOND, runFor, SECOND } from './support.ts';

const IRQ = 20;

function idleMachine(): Machine {
  const m = machineRunning([]);
  runFor(m, MILLISECOND);
  m.cpu = m.cpuList[0]!;
  return m;
}
function line(m: Machine, flow: IrqDesc['flow'] = 'fasteoi'): IrqDesc {
  return createIrqDesc(m, { irq: IRQ, chip: IO_APIC_CHIP, hwirq: IRQ, flow, cpu: 1 });
}
const isMasked = (m: Machine): boolean => (readRegister(m.ioApic, entryRegisters(IRQ).low) & RTE_MASKED) !== 0;

const nobody = kernelFunction('test_nobody_isr', 50, (_m, _irq: number, _d: KernelObject | null): number => IRQ_NONE);
const wakes = kernelFunction(
  'test_wakes_isr',
  50,
  (_m, _irq: number, _d: KernelObject | null): number => IRQ_WAKE_THREAD,
);
const disables = kernelFunction('test_disables_isr', 50, (m, irq: number, _d: KernelObject | null): number => {
  m.ioApic.setLine(irq, false, m.cpu.time);
  disableIrq(m, irq);
  return IRQ_HANDLED;
});
const slowThread = kernelFunction('test_slow_thread', 50, (m, irq: number, _d: KernelObject | null): Result => {
  m.ioApic.setLine(irq, false, m.cpu.time);
  const slept = msleep(m, 8);
  return slept instanceof Pending ? slept.then(() => IRQ_HANDLED) : IRQ_HANDLED;
});

test('a line that stays high and that nobody answers for is closed after 100,000 interrupts', () => {
  const m = idleMachine();
  const desc = line(m);
  requestIrq(m, IRQ, nobody, 0, 'nobody', null);
  m.ioApic.setLine(IRQ, true, m.now());
  runFor(m, SECOND);
  expect(desc.counts).toEqual([0, 100_000]);
  expect(desc.depth).toBe(1);
  expect(isMasked(m)).toBe(true);
  const log = m.shell('dmesg');
  expect(log).toMatch(/irq 20: nobody cared \(try booting with the "irqpoll" option\)\n/);
  expect(log).toMatch(/handlers:\n.*\[<0{8}[0-9a-f]{8}>\] test_nobody_isr\n.*Disabling IRQ #20\n$/);
});

test('a one-shot line stays closed until the thread of its handler is done', () => {
  const m = idleMachine();
  line(m);
  expect(requestWithThread(m, IRQ, wakes, slowThread, IRQF_ONESHOT, 'slow', null)).toBe(0);
  m.ioApic.setLine(IRQ, true, m.now());
  runFor(m, MILLISECOND);
  expect(isMasked(m)).toBe(true);
  expect(m.shell('ps')).toContain('irq/20-slow');
  runFor(m, 20 * MILLISECOND);
  expect(isMasked(m)).toBe(false);
});

test('disable_irq in the handler of the line is reported, and closes it', () => {
  const m = idleMachine();
  const desc = line(m, 'edge');
  requestIrq(m, IRQ, disables, 0, 'disables', null);
  m.ioApic.setLine(IRQ, true, m.now());
  runFor(m, MILLISECOND);
  expect(desc.depth).toBe(1);
  expect(m.shell('dmesg')).toMatch(/BUG: sleeping function called from invalid context at kernel\/irq\/manage.c:/);
  enableIrq(m, IRQ);
  expect(desc.depth).toBe(0);
});

test('local_irq_save and local_irq_restore nest', () => {
  const m = idleMachine();
  const outer = localIrqSave(m);
  const inner = localIrqSave(m);
  localIrqRestore(m, inner);
  expect(m.cpu.interruptsEnabled).toBe(false);
  localIrqRestore(m, outer);
  expect(m.cpu.interruptsEnabled).toBe(true);
});

test('a mutex is handed from task to task in the order of asking, and its waiters sleep', () => {
  const m = machineRunning([], { cpus: 2 });
  const order: string[] = [];
  const lock: Mutex = createMutex(m);
  const hold = (name: string) => (): Result => {
    const locked = mutexLock(m, lock);
    const inside = (): Result => {
      order.push(`${name} in`);
      const slept = msleep(m, 4);
      const leave = (): number => {
        order.push(`${name} out`);
        mutexUnlock(m, lock);
        return 0;
      };
      return slept instanceof Pending ? slept.then(leave) : leave();
    };
    return locked instanceof Pending ? locked.then(inside) : inside();
  };
  runFor(m, 1000);
  ['one', 'two', 'three'].forEach((name, i) => {
    enqueueAtBoot(m, createKthread(m, name, 5000 + i, null, hold(name)), i % 2);
  });
  m.cpuList[0]!.needResched = true;
  runFor(m, 60 * MILLISECOND);
  expect(order).toHaveLength(6);
  for (let i = 0; i < 6; i += 2) expect(order[i]!.replace(' in', ' out')).toBe(order[i + 1]);
  expect([5000, 5001, 5002].some((pid) => m.tasks.has(pid))).toBe(false);
  expect(m.shell('dmesg')).toBe('');
});

test('a softirq raised outside an interrupt is served by ksoftirqd, and work by a kworker that may sleep', () => {
  const m = idleMachine();
  const ran: string[] = [];
  const workFunction = kernelFunction('test_work', 50, (at, _work: KernelObject): Result => {
    ran.push(at.cpu.current.comm);
    const slept = msleep(at, 4);
    return slept instanceof Pending ? slept.then(() => 0) : 0;
  });
  m.attach({ kind: 'tracepoint', category: 'irq', name: 'softirq_entry' }, () => ran.push(m.cpu.current.comm));
  raiseSoftirq(m, m.cpu, 'HI');
  queueWorkOn(m, 0, m.workqueues.events, createWork(m, workFunction));
  post(m, m.cpu, VECTORS.reschedule, m.now());
  runFor(m, 40 * MILLISECOND);
  expect(ran).toContain('ksoftirqd/0');
  expect(ran).toContain('kworker/0:1');
});

test('a spinlock that another CPU holds is waited for by turning in place, and tracers see for how long', () => {
  const m = machineRunning([]);
  runFor(m, MILLISECOND);
  const lock = createSpinLock(m);
  const events: [string, number][] = [];
  for (const name of ['contention_begin', 'contention_end']) {
    m.attach({ kind: 'tracepoint', category: 'lock', name }, () => events.push([name, m.cpu.time]));
  }
  const [first, second] = m.cpuList;
  m.cpu = first!;
  spinLock(m, lock);
  m.spend(3_000);
  spinUnlock(m, lock);
  second!.time = first!.time - 2_000;
  m.cpu = second!;
  spinLock(m, lock);
  spinUnlock(m, lock);
  expect(events.map(([name]) => name)).toEqual(['contention_begin', 'contention_end']);
  expect(events[1]![1] - events[0]![1]).toBeGreaterThan(1_900);
  expect(second!.time).toBeGreaterThanOrEqual(first!.time);
});
