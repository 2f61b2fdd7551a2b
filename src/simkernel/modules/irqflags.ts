import { irqDisable, irqEnable } from '../cpu/local-apic.ts';
import type { DeviceSpec } from '../devices/device.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { localIrqRestore, localIrqSave } from '../functions/kernel/spinlock.ts';
import { createDelayedWork, queueDelayedWork } from '../functions/kernel/workqueue.ts';
import type { DelayedWork } from '../functions/kernel/workqueue.ts';
import type { Machine } from '../machine.ts';

const MODULE = { module: 'irqflags' };
/** irqs_disabled(), for the functions' arguments. */
const disabled = (m: Machine): number => (m.cpu.interruptsEnabled ? 0 : 1);

const irqflagsInner = kernelFunction('irqflags_inner', 50, (_m, _irqsDisabled: number): void => {}, MODULE);
const irqflagsOuter = kernelFunction('irqflags_outer', 50, (_m, _irqsDisabled: number): void => {}, MODULE);

/** local_irq_disable() twice and local_irq_enable() once: the outer section is open although nobody closed it. */
const irqflagsPlain = kernelFunction(
  'irqflags_plain',
  100,
  (m): void => {
    irqDisable(m);
    irqDisable(m);
    irqflagsInner(m, disabled(m));
    irqEnable(m);
    irqflagsOuter(m, disabled(m));
    irqEnable(m);
  },
  MODULE,
);
/** The same with local_irq_save() and local_irq_restore(), which nest. */
const irqflagsSaved = kernelFunction(
  'irqflags_saved',
  100,
  (m): void => {
    const outer = localIrqSave(m);
    const inner = localIrqSave(m);
    irqflagsInner(m, disabled(m));
    localIrqRestore(m, inner);
    irqflagsOuter(m, disabled(m));
    localIrqRestore(m, outer);
  },
  MODULE,
);
interface Device extends DelayedWork {
  gapNs: number;
}
const irqflagsWork = kernelFunction(
  'irqflags_work',
  100,
  (m, work: Device): void => {
    irqflagsPlain(m);
    irqflagsSaved(m);
    queueDelayedWork(m, work, work.gapNs);
  },
  MODULE,
);

/** Two sections without interrupts, one inside the other, done wrong and done right, every `gapNs`. */
export function irqFlags(gapNs: number): DeviceSpec {
  return {
    name: 'irqflags',
    start(m) {
      const work = Object.assign(createDelayedWork(m, m.workqueues.events, 0, irqflagsWork), { gapNs });
      queueDelayedWork(m, work, gapNs);
    },
  };
}
