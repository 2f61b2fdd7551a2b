import { schedulePulses } from '../devices/device.ts';
import type { DeviceSpec } from '../devices/device.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { IO_APIC_CHIP } from '../functions/x86/irq-chips.ts';
import { requestIrq } from '../functions/kernel/irq-manage.ts';
import { createMutex, mutexLock, mutexUnlock } from '../functions/kernel/mutex.ts';
import type { Mutex } from '../functions/kernel/mutex.ts';
import { GFP_KERNEL, kfree, kmalloc } from '../functions/mm/slab.ts';
import { msleep } from '../functions/kernel/sleep.ts';
import { createIrqDesc, IRQ_HANDLED } from '../irq/irq-desc.ts';
import type { KernelObject } from '../memory/arena.ts';

const IRQ = 10;

/** Allocates as if it could wait, takes a mutex and sleeps, in an interrupt: the kernel reports what it sees first, and the sleep. */
const sleepyIsr = kernelFunction(
  'sleepy_isr',
  80,
  (m, irq: number, devId: KernelObject | null): number => {
    const { lock } = devId as KernelObject & { readonly lock: Mutex };
    m.ioApic.setLine(irq, false, m.cpu.time);
    // May wait for memory; GFP_ATOMIC would not.
    const buffer = kmalloc(m, 4096, GFP_KERNEL);
    mutexLock(m, lock);
    msleep(m, 1);
    mutexUnlock(m, lock);
    kfree(m, buffer);
    return IRQ_HANDLED;
  },
  { module: 'sleepy' },
);

/** A driver whose handler may not do what it does. */
export function sleepyHandler(afterNs: number, count: number, gapNs: number): DeviceSpec {
  return {
    name: 'sleepy',
    start(m) {
      createIrqDesc(m, { irq: IRQ, chip: IO_APIC_CHIP, hwirq: IRQ, flow: 'edge' });
      requestIrq(m, IRQ, sleepyIsr, 0, 'sleepy', {
        address: m.arena.allocate(64),
        lock: createMutex(m),
      } as KernelObject);
      schedulePulses(m, afterNs, count, gapNs, (timeNs) => m.ioApic.setLine(IRQ, true, timeNs));
    },
  };
}
