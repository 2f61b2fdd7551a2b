import { describe, expect, test } from 'vitest';
import { irqDisable, irqEnable, postNmi } from '../../src/simkernel/cpu/local-apic.ts';
import { Pending } from '../../src/simkernel/execution/pending.ts';
import { kernelFunction } from '../../src/simkernel/execution/kernel-function.ts';
import { createIrqWork, irqWorkQueue } from '../../src/simkernel/functions/kernel/irq-work.ts';
import type { IrqWork } from '../../src/simkernel/functions/kernel/irq-work.ts';
import { registerNmiHandler } from '../../src/simkernel/functions/x86/nmi.ts';
import { createKthread } from '../../src/simkernel/functions/kernel/kthread.ts';
import { onEachCpu, smpCallFunctionMany } from '../../src/simkernel/functions/x86/smp.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import type { KernelObject } from '../../src/simkernel/memory/arena.ts';
import { enqueueAtBoot } from '../../src/simkernel/tasks/process.ts';
import { machineRunning, MILLISECOND, runFor, u64At } from './support.ts';

const ran: { cpu: number; irqsOn: boolean }[] = [];
const probe = kernelFunction('test_smp_probe', 5_000, (m, _info: KernelObject | null): void => {
  ran.push({ cpu: m.cpu.id, irqsOn: m.cpu.interruptsEnabled });
});
function machine(): Machine {
  ran.length = 0;
  return machineRunning(
    Array.from(
      { length: 4 },
      () =>
        function* (u) {
          for (;;) {
            yield u.work(40_000);
            yield u.nanosleep(60_000);
          }
        },
    ),
    { cpus: 4 },
  );
}
/** Runs a kernel thread on CPU 0. */
function inThread(m: Machine, body: () => unknown): void {
  const thread = createKthread(m, 'caller', 900, 0, () => {
    const left = body();
    return left instanceof Pending ? left : 0;
  });
  enqueueAtBoot(m, thread, 0);
}

describe('a call to other CPUs', () => {
  test('runs once on each, interrupts off, and the caller goes on behind the slowest', () => {
    const m = machine();
    let began = 0;
    let ended = 0;
    inThread(m, () => {
      began = m.cpu.time;
      const asked = onEachCpu(m, probe, null);
      const after = (): number => {
        ended = m.cpu.time;
        return 0;
      };
      return asked instanceof Pending ? asked.then(after) : after();
    });
    const masks: number[] = [];
    m.attach({ kind: 'tracepoint', category: 'ipi', name: 'ipi_send_cpumask' }, (record) => {
      masks.push(m.arena.bytes[record + (m.words[(record + 8) >> 2]! & 0xffff)]!);
    });
    runFor(m, MILLISECOND);
    expect(ran.map(({ cpu }) => cpu).sort()).toEqual([0, 1, 2, 3]);
    expect(ran.every(({ irqsOn }) => !irqsOn)).toBe(true);
    expect(masks).toEqual([0b1110]);
    expect(ended - began).toBeGreaterThan(5_000);
    expect(m.cpuList.every((cpu) => cpu.callQueue.length === 0)).toBe(true);
  });
  test('without waiting comes back at once, and a single CPU gets its own vector', () => {
    const m = machine();
    let elapsed = 0;
    inThread(m, () => {
      const began = m.cpu.time;
      const asked = smpCallFunctionMany(m, { address: m.scratch, cpus: [2] }, probe, null, false);
      elapsed = m.cpu.time - began;
      return asked;
    });
    const vectors: string[] = [];
    for (const name of ['call_function_entry', 'call_function_single_entry']) {
      m.attach({ kind: 'tracepoint', category: 'irq_vectors', name }, () => {
        if (m.cpu.callQueue.length > 0) vectors.push(`${name} ${m.cpu.id}`);
      });
    }
    runFor(m, MILLISECOND);
    expect(ran).toEqual([{ cpu: 2, irqsOn: false }]);
    expect(vectors).toEqual(['call_function_single_entry 2']);
    expect(elapsed).toBeLessThan(1_000);
  });
});

describe('an irq_work', () => {
  const done: number[] = [];
  const work = kernelFunction('test_irq_work', 30, (m, _work: IrqWork): void => {
    done.push(m.cpu.time);
  });
  test('waits for interrupts to be on, runs once however often it was queued, and may be queued again', () => {
    const m = machine();
    runFor(m, MILLISECOND);
    m.cpu = m.cpuList[0]!;
    done.length = 0;
    const item = createIrqWork(m, work);
    irqDisable(m);
    expect(irqWorkQueue(m, item)).toBe(1);
    expect(irqWorkQueue(m, item)).toBe(0);
    m.spend(10_000);
    expect(done).toEqual([]);
    irqEnable(m);
    expect(done).toHaveLength(1);
    expect(m.interruptCounts.irqWork[0]).toBe(1);
    expect(irqWorkQueue(m, item)).toBe(1);
    m.spend(10_000);
    expect(done).toHaveLength(2);
  });
  test('of an NMI runs behind it', () => {
    const m = machine();
    runFor(m, MILLISECOND);
    done.length = 0;
    const item = createIrqWork(m, work);
    let depth = -1;
    registerNmiHandler(
      m,
      kernelFunction('test_nmi_irq_work', 30, (on, _type: number, _regs: KernelObject): number => {
        depth = done.length;
        return irqWorkQueue(on, item);
      }),
    );
    postNmi(m, m.cpuList[0]!, m.now() + 500);
    runFor(m, MILLISECOND);
    expect(depth).toBe(0);
    expect(done).toHaveLength(1);
  });
});

test('printk wakes the readers of /dev/kmsg by an irq_work, and they get every line in order', () => {
  const lines: string[] = [];
  const m = machineRunning([
    function* (u) {
      const fd = yield u.openat('/dev/kmsg');
      const buffer = u.buffer(256);
      for (;;) {
        const count = yield u.read(fd, buffer, 256);
        if (count <= 0) return;
        lines.push(u.text(buffer, count));
      }
    },
  ]);
  runFor(m, MILLISECOND);
  postNmi(m, m.cpuList[1]!, m.now() + 1_000);
  runFor(m, MILLISECOND);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^4,0,60001\d{3},-;Uhhuh\. NMI received for unknown reason 00 on CPU 1\.\n$/);
  expect(lines[1]).toMatch(/^4,1,\d+,-;Dazed and confused/);
  expect(m.interruptCounts.irqWork.reduce((a, b) => a + b)).toBeGreaterThan(0);
  expect(u64At(m, m.globals.jiffies_64)).toBeGreaterThan(0);
});
