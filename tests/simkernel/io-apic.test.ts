import { describe, expect, test } from 'vitest';
import { kernelFunction } from '../../src/simkernel/execution/kernel-function.ts';
import { IO_APIC_CHIP } from '../../src/simkernel/functions/x86/irq-chips.ts';
import { disableIrqNosync, enableIrq, freeIrq, requestIrq } from '../../src/simkernel/functions/kernel/irq-manage.ts';
import { entryRegisters, readRegister, RTE_LEVEL, RTE_MASKED } from '../../src/simkernel/irq/io-apic.ts';
import { createIrqDesc, IRQ_HANDLED, IRQ_NONE, IRQF_SHARED } from '../../src/simkernel/irq/irq-desc.ts';
import type { IrqDesc } from '../../src/simkernel/irq/irq-desc.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import type { KernelObject } from '../../src/simkernel/memory/arena.ts';
import { machineRunning, MILLISECOND, runFor } from './support.ts';

const KEYBOARD = 1;
const SHARED = 17;

interface Device extends KernelObject {
  wants: boolean;
  served: number;
  readonly cpus: Set<number>;
}
const testIrq = kernelFunction('test_device_irq', 50, (m, irq: number, data: KernelObject | null): number => {
  const device = data as Device;
  if (!device.wants) return IRQ_NONE;
  device.wants = false;
  device.served += 1;
  device.cpus.add(m.cpu.id);
  m.ioApic.setLine(irq, false, m.cpu.time);
  return IRQ_HANDLED;
});
function device(m: Machine): Device {
  return { address: m.arena.allocate(64), wants: false, served: 0, cpus: new Set() };
}
function line(m: Machine, pin: number, flow: IrqDesc['flow'], cpu = 1): IrqDesc {
  return createIrqDesc(m, { irq: pin, chip: IO_APIC_CHIP, hwirq: pin, flow, cpu });
}
function idleMachine(): Machine {
  const m = machineRunning([]);
  runFor(m, MILLISECOND);
  m.cpu = m.cpuList[0]!;
  return m;
}
/** The device asks for attention. */
function raise(m: Machine, irq: number, who: Device): void {
  who.wants = true;
  m.ioApic.setLine(irq, false, m.now());
  m.ioApic.setLine(irq, true, m.now());
}
function entry(m: Machine, pin: number): { low: number; high: number } {
  const registers = entryRegisters(pin);
  return { low: readRegister(m.ioApic, registers.low), high: readRegister(m.ioApic, registers.high) };
}

test('a pin without a driver is masked; requesting its line writes vector, destination and trigger', () => {
  const m = idleMachine();
  expect(entry(m, SHARED)).toEqual({ low: RTE_MASKED, high: 0 });
  const desc = line(m, SHARED, 'fasteoi');
  expect(requestIrq(m, SHARED, testIrq, 0, 'test', device(m))).toBe(0);
  expect(entry(m, SHARED)).toEqual({ low: RTE_LEVEL | desc.vector, high: 1 << 24 });
  expect(requestIrq(m, 5, testIrq, 0, 'nothing there', null)).toBe(-22);
});

describe.each([
  ['edge', KEYBOARD],
  ['fasteoi', SHARED],
] as const)('%s', (flow, pin) => {
  test('the line reaches the handler on its CPU, through vector and gate', () => {
    const m = idleMachine();
    line(m, pin, flow);
    const one = device(m);
    requestIrq(m, pin, testIrq, 0, 'test', one);
    for (let i = 0; i < 3; i += 1) {
      raise(m, pin, one);
      runFor(m, MILLISECOND);
    }
    expect(one.served).toBe(3);
    expect([...one.cpus]).toEqual([1]);
    expect(m.shell('cat /proc/interrupts')).toMatch(new RegExp(` ${pin}: +0 +3 +IO-APIC +${pin}-${flow} +test\n`));
  });

  test('an interrupt that comes while the line is disabled waits for the last enable_irq', () => {
    const m = idleMachine();
    line(m, pin, flow);
    const one = device(m);
    requestIrq(m, pin, testIrq, 0, 'test', one);
    disableIrqNosync(m, pin);
    disableIrqNosync(m, pin);
    raise(m, pin, one);
    runFor(m, MILLISECOND);
    expect(one.served).toBe(0);
    expect(entry(m, pin).low & RTE_MASKED).not.toBe(0);
    enableIrq(m, pin);
    runFor(m, MILLISECOND);
    expect(one.served).toBe(0);
    enableIrq(m, pin);
    runFor(m, MILLISECOND);
    expect(one.served).toBe(1);
    expect(entry(m, pin).low & RTE_MASKED).toBe(0);
  });
});

test('a shared level-triggered line calls every handler until no device holds it', () => {
  const m = idleMachine();
  line(m, SHARED, 'fasteoi');
  const [one, two] = [device(m), device(m)];
  expect(requestIrq(m, SHARED, testIrq, IRQF_SHARED, 'one', one)).toBe(0);
  expect(requestIrq(m, SHARED, testIrq, 0, 'selfish', device(m))).toBe(-16);
  expect(requestIrq(m, SHARED, testIrq, IRQF_SHARED, 'two', two)).toBe(0);
  raise(m, SHARED, two);
  runFor(m, MILLISECOND);
  expect([one.served, two.served]).toEqual([0, 1]);
  freeIrq(m, SHARED, two);
  raise(m, SHARED, one);
  runFor(m, MILLISECOND);
  expect([one.served, two.served]).toEqual([1, 1]);
  freeIrq(m, SHARED, one);
  expect(entry(m, SHARED).low & RTE_MASKED).not.toBe(0);
});

test('a level that is still high after the end of interrupt interrupts again', () => {
  const m = idleMachine();
  line(m, SHARED, 'fasteoi');
  let calls = 0;
  const stubborn = Object.assign(
    (at: Machine): number => {
      calls += 1;
      if (calls === 4) at.ioApic.setLine(SHARED, false, at.cpu.time);
      return IRQ_HANDLED;
    },
    { symbol: testIrq.symbol },
  );
  requestIrq(m, SHARED, stubborn, 0, 'stubborn', null);
  m.ioApic.setLine(SHARED, true, m.now());
  runFor(m, MILLISECOND);
  expect(calls).toBe(4);
});
