import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PT_REGS } from '../../src/btf/pt-regs.ts';
import { deliver } from '../../src/simkernel/cpu/deliver.ts';
import { VECTORS } from '../../src/simkernel/cpu/descriptor-tables.ts';
import { irqDisable, irqEnable, post, postNmi } from '../../src/simkernel/cpu/local-apic.ts';
import { FLAGS, FLAGS_IF, FLAGS_NO_IF } from '../../src/simkernel/cpu/registers.ts';
import type { Cpu } from '../../src/simkernel/cpu/cpu.ts';
import { kernelFunction } from '../../src/simkernel/execution/kernel-function.ts';
import { IO_APIC_CHIP } from '../../src/simkernel/functions/x86/irq-chips.ts';
import { requestIrq } from '../../src/simkernel/functions/kernel/irq-manage.ts';
import { registerNmiHandler } from '../../src/simkernel/functions/x86/nmi.ts';
import { createIrqDesc, IRQ_HANDLED } from '../../src/simkernel/irq/irq-desc.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import type { KernelObject } from '../../src/simkernel/memory/arena.ts';
import { machineRunning, MILLISECOND, runFor } from './support.ts';

const delivered: { readonly irq: number; readonly at: number; readonly on: boolean }[] = [];
let interruptsWereOn = true;
const isr = kernelFunction('test_property_isr', 40, (m, irq: number, _device: KernelObject | null): number => {
  delivered.push({ irq, at: m.cpu.time, on: interruptsWereOn });
  return IRQ_HANDLED;
});
const nmi = kernelFunction('test_property_nmi', 40, (_m, _type: number, _regs: KernelObject): number => 1);
const LINES = [32, 33, 34, 35] as const;

/** A machine whose first CPU belongs to the test, with four lines to it. */
function machine(): { m: Machine; cpu: Cpu; vectors: ReadonlyMap<number, number> } {
  const m = machineRunning([
    function* (u) {
      for (;;) yield u.nanosleep(1_000_000_000);
    },
  ]);
  runFor(m, MILLISECOND);
  registerNmiHandler(m, nmi);
  const cpu = m.cpuList[0]!;
  m.cpu = cpu;
  const vectors = new Map<number, number>();
  for (const irq of LINES) {
    const desc = createIrqDesc(m, {
      irq,
      chip: { ...IO_APIC_CHIP, startup: () => undefined },
      hwirq: irq,
      flow: 'edge',
      cpu: 0,
    });
    requestIrq(m, irq, isr, 0, 'test', null);
    vectors.set(irq, desc.vector);
  }
  return { m, cpu, vectors };
}
const { m, cpu, vectors } = machine();

/** The frame pointer lives in `fp`. */
const withoutRbp = (words: Iterable<number>): number[] => [...words].filter((_, i) => i >> 1 !== PT_REGS.bp / 8);

test('delivery and iret give back every register, flag and stack pointer, in the kernel', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer(), { minLength: 30, maxLength: 30 }),
      fc.constantFrom(FLAGS_IF, FLAGS_NO_IF, FLAGS_IF | FLAGS.resume),
      fc.constantFrom(...vectors.values(), VECTORS.nmi, VECTORS.localTimer, VECTORS.reschedule, VECTORS.irqWork),
      fc.integer({ min: 0, max: 200 }),
      (registers, flags, vector, depth) => {
        const before = { sp: cpu.sp, fp: cpu.fp, flags: cpu.flags };
        cpu.registers.set(registers);
        cpu.flags = flags;
        cpu.sp -= 8 * depth;
        const { sp, fp, fn } = cpu;
        deliver(m, cpu, vector);
        expect(withoutRbp(cpu.registers)).toEqual(withoutRbp(registers));
        expect({ flags: cpu.flags, sp: cpu.sp, fp: cpu.fp, fn: cpu.fn }).toEqual({ flags, sp, fp, fn });
        expect([cpu.hardirqDepth, cpu.softirqDepth, cpu.nmiDepth, cpu.irqRegs]).toEqual([0, 0, 0, 0]);
        Object.assign(cpu, before);
      },
    ),
    { numRuns: 150 },
  );
});

test('a program notices nothing of an interrupt: registers, flags, stack and mode are as before', () => {
  const user = machineRunning([
    function* (u) {
      for (;;) yield u.work(1_000_000);
    },
  ]);
  runFor(user, MILLISECOND);
  const on = user.cpuList.find(({ userMode }) => userMode)!;
  fc.assert(
    fc.property(
      fc.array(fc.integer(), { minLength: 30, maxLength: 30 }),
      fc.constantFrom(VECTORS.localTimer, VECTORS.irqWork, VECTORS.callFunction, VECTORS.nmi),
      (registers, vector) => {
        user.cpu = on;
        on.registers.set(registers);
        const { flags } = on;
        const { ip, sp } = on.current.user!;
        expect(deliver(user, on, vector)).toBeUndefined();
        expect(withoutRbp(on.registers)).toEqual(withoutRbp(registers));
        expect([on.flags, on.userMode, on.current.user!.ip, on.current.user!.sp]).toEqual([flags, true, ip, sp]);
      },
    ),
    { numRuns: 100 },
  );
});

/** What a CPU does between two interrupts: time with interrupts on or off. */
const stretch = fc.record({ ns: fc.integer({ min: 1, max: 4_000 }), on: fc.boolean() });
const arrival = fc.record({ after: fc.integer({ min: 0, max: 30_000 }), irq: fc.constantFrom(...LINES) });

test('every interrupt that reaches a CPU is served once, in the order of arrival, not early, and not while they are off', () => {
  fc.assert(
    fc.property(
      fc.array(arrival, { maxLength: 24 }),
      fc.array(stretch, { minLength: 1, maxLength: 24 }),
      fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 3 }),
      (arrivals, stretches, nmis) => {
        delivered.length = 0;
        cpu.pace = 1;
        const start = cpu.time;
        arrivals.forEach(({ after, irq }) => post(m, cpu, vectors.get(irq)!, start + after));
        nmis.forEach((after) => postNmi(m, cpu, start + after));
        for (const { ns, on } of stretches) {
          interruptsWereOn = on;
          if (on) irqEnable(m);
          else irqDisable(m);
          m.spend(ns);
        }
        interruptsWereOn = true;
        irqEnable(m);
        m.spend(60_000);
        const expected = arrivals
          .map(({ after, irq }, order) => ({ irq, time: start + after, order }))
          .sort((a, b) => a.time - b.time || a.order - b.order);
        expect(delivered.map(({ irq }) => irq)).toEqual(expected.map(({ irq }) => irq));
        delivered.forEach(({ at, on }, i) => {
          expect(at).toBeGreaterThanOrEqual(expected[i]!.time);
          expect(on).toBe(true);
          if (i > 0) expect(at).toBeGreaterThan(delivered[i - 1]!.at);
        });
        expect(cpu.arrivals).toEqual([]);
        expect(cpu.nmiAt).toBe(Infinity);
      },
    ),
    { numRuns: 200 },
  );
});
