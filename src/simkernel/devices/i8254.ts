import { kernelFunction, sleepingFunction } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import { IO_APIC_CHIP } from '../functions/x86/irq-chips.ts';
import { requestIrq } from '../functions/kernel/irq-manage.ts';
import { createKthread } from '../functions/kernel/kthread.ts';
import { schedule, setTaskState, wakeUpProcess } from '../functions/kernel/sched.ts';
import { createIrqDesc, IRQ_HANDLED } from '../irq/irq-desc.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { TICK_NS } from '../memory/kernel-data.ts';
import { printk } from '../printk.ts';
import { enqueueAtBoot } from '../tasks/process.ts';
import { TASK_RUNNING, TASK_UNINTERRUPTIBLE } from '../tasks/task.ts';
import type { Task } from '../tasks/task.ts';
import type { DeviceSpec } from './device.ts';

/** Line 0 of the 8259A; at the I/O APIC it comes in at pin 2. */
const IRQ = 0;
const PIN = 2;
/** 14.31818 MHz / 12. */
const PIT_HZ = 1_193_182;
/** A write to port 0x40 or 0x43. */
const PORT_NS = 900;
/** LAPIC_CAL_LOOPS: a tenth of a second of ticks, of which the first only starts the measurement. */
const CALIBRATION_TICKS = 25;
/** What the local APIC's timer counts in: the bus clock by 16, and a crystal that is a little fast. */
const APIC_HZ = 62_500_300;

/** Channel 0 of the 8254 as a clock event device: counts down, pulses the line, starts again. */
class Channel implements KernelObject {
  readonly address: number;
  eventHandler: (m: Machine) => void = () => undefined;
  private readonly machine: Machine;
  private generation = 0;

  constructor(m: Machine) {
    this.machine = m;
    this.address = m.arena.allocate(64);
  }
  /** Mode 2 with this latch. */
  periodic(latch: number): void {
    const generation = (this.generation += 1);
    const periodNs = (latch * 1e9) / PIT_HZ;
    const pulse = (timeNs: number): void => {
      if (this.generation !== generation) return;
      this.machine.ioApic.setLine(PIN, true, timeNs);
      this.machine.ioApic.setLine(PIN, false, timeNs);
      this.machine.schedule(timeNs + periodNs, () => pulse(timeNs + periodNs));
    };
    const first = this.machine.cpu.time + periodNs;
    this.machine.schedule(first, () => pulse(first));
  }
  /** Mode 0 without a count: it stands still. */
  shutdown(): void {
    this.generation += 1;
  }
}

const timerInterrupt = kernelFunction('timer_interrupt', 25, (m, _irq: number, device: KernelObject | null): number => {
  (device as Channel).eventHandler(m);
  return IRQ_HANDLED;
});
const pitSetPeriodic = kernelFunction('pit_set_periodic', 30, (m, channel: Channel): number => {
  m.spend(3 * PORT_NS);
  channel.periodic(Math.round((PIT_HZ * TICK_NS) / 1e9));
  return 0;
});
const pitShutdown = kernelFunction('pit_shutdown', 30, (m, channel: Channel): number => {
  m.spend(3 * PORT_NS);
  channel.shutdown();
  return 0;
});

/** What lapic_cal_handler() has seen of the APIC timer's counter. */
interface Calibration extends KernelObject {
  ticks: number;
  firstCount: number;
  lastCount: number;
  waiter: Task | null;
}
/** TMCCT counts down; from one reading to the next it is the difference that counts. */
const readApicTimer = (m: Machine): number => Math.floor((m.cpu.time * APIC_HZ) / 1e9);
const lapicCalHandler = kernelFunction('lapic_cal_handler', 40, (m, calibration: Calibration): void => {
  const count = readApicTimer(m);
  if (calibration.ticks === 0) calibration.firstCount = count;
  calibration.lastCount = count;
  calibration.ticks += 1;
  if (calibration.ticks > CALIBRATION_TICKS && calibration.waiter !== null) wakeUpProcess(m, calibration.waiter);
});
const calibrateApicClock = sleepingFunction('calibrate_APIC_clock', 200, function* (m, channel: Channel) {
  const task = m.cpu.current;
  const calibration: Calibration = { address: channel.address, ticks: 0, firstCount: 0, lastCount: 0, waiter: task };
  channel.eventHandler = (on) => lapicCalHandler(on, calibration);
  pitSetPeriodic(m, channel);
  while (calibration.ticks <= CALIBRATION_TICKS) {
    setTaskState(m, task, TASK_UNINTERRUPTIBLE);
    const slept = schedule(m);
    if (slept instanceof Pending) yield slept;
  }
  setTaskState(m, task, TASK_RUNNING);
  pitShutdown(m, channel);
  channel.eventHandler = () => undefined;
  const perTick = (calibration.lastCount - calibration.firstCount) / CALIBRATION_TICKS;
  printk(m, `..... calibration result: ${Math.round(perTick)}`);
  printk(m, `..... host bus clock speed is ${((perTick * 1e9) / TICK_NS / 1e6).toFixed(4)} MHz.`);
  return 0;
});

/**
 * The interval timer of the PC. As on every machine whose CPUs have a timer of their own it has one use left: with its known
 * frequency theirs is measured, then it is silent.
 */
export const intervalTimer: DeviceSpec = {
  name: 'i8254',
  start(m) {
    const channel = new Channel(m);
    createIrqDesc(m, { irq: IRQ, chip: IO_APIC_CHIP, hwirq: PIN, flow: 'edge', cpu: 0 });
    requestIrq(m, IRQ, timerInterrupt, 0, 'timer', channel);
    const thread = createKthread(m, 'lapic_cal', (m.lastPid += 1), 0, () => calibrateApicClock(m, channel));
    enqueueAtBoot(m, thread, 0);
  },
};
