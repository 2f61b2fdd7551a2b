import { schedulePulses } from '../devices/device.ts';
import type { DeviceSpec } from '../devices/device.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { Result } from '../execution/pending.ts';
import { IO_APIC_CHIP } from '../functions/x86/irq-chips.ts';
import { requestWithThread } from '../functions/kernel/irq-manage.ts';
import { GFP_ATOMIC, kfree, kmalloc } from '../functions/mm/slab.ts';
import { msleep } from '../functions/kernel/sleep.ts';
import { createTasklet, taskletSchedule } from '../functions/kernel/tasklet.ts';
import type { Tasklet } from '../functions/kernel/tasklet.ts';
import { createWork, queueWorkOn } from '../functions/kernel/workqueue.ts';
import type { Work } from '../functions/kernel/workqueue.ts';
import { createIrqDesc, IRQ_HANDLED, IRQ_WAKE_THREAD, IRQF_ONESHOT } from '../irq/irq-desc.ts';
import type { KernelObject } from '../memory/arena.ts';

/** Line 5 of the 8259A: the sound card's. */
const IRQ = 5;
const MODULE = { module: 'halves' };

interface Halves extends KernelObject {
  readonly tasklet: Tasklet;
  readonly work: Work;
}

/** Soon, on this CPU, in the softirq: what must not sleep. */
const halvesTasklet = kernelFunction('halves_tasklet', 900, (_m, _tasklet: Tasklet): void => {}, MODULE);
/** Later, in a kworker: what may. */
const halvesWork = kernelFunction(
  'halves_work',
  2_500,
  (m, _work: Work): Result => {
    const slept = msleep(m, 4);
    return slept instanceof Pending ? slept.then(() => 0) : 0;
  },
  MODULE,
);
/** In a thread of its own, by priority. */
const halvesThread = kernelFunction(
  'halves_thread',
  4_000,
  (m, irq: number, _devId: KernelObject | null): number => {
    m.ioApic.setLine(irq, false, m.cpu.time);
    return IRQ_HANDLED;
  },
  MODULE,
);
/** The top half: as little as possible, then all three kinds of bottom half. */
const halvesIsr = kernelFunction(
  'halves_isr',
  200,
  (m, _irq: number, devId: KernelObject | null): number => {
    const { tasklet, work } = devId as Halves;
    // A top half may allocate only what is there at once.
    kfree(m, kmalloc(m, 256, GFP_ATOMIC));
    taskletSchedule(m, tasklet);
    queueWorkOn(m, m.cpu.id, m.workqueues.events, work);
    return IRQ_WAKE_THREAD;
  },
  MODULE,
);

/** A device that interrupts every `gapNs`, and a driver that does its work in every way that there is. */
export function bottomHalves(gapNs: number, count: number): DeviceSpec {
  return {
    name: 'halves',
    start(m) {
      const device: Halves = {
        address: m.arena.allocate(64),
        tasklet: createTasklet(m, halvesTasklet),
        work: createWork(m, halvesWork),
      };
      createIrqDesc(m, { irq: IRQ, chip: IO_APIC_CHIP, hwirq: IRQ, flow: 'fasteoi' });
      requestWithThread(m, IRQ, halvesIsr, halvesThread, IRQF_ONESHOT, 'halves', device);
      schedulePulses(m, gapNs, count, gapNs, (timeNs) => m.ioApic.setLine(IRQ, true, timeNs));
    },
  };
}
