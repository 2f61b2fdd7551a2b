import type { DeviceSpec } from '../devices/device.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { Result } from '../execution/pending.ts';
import { createIrqWork, irqWorkQueue } from '../functions/kernel/irq-work.ts';
import type { IrqWork } from '../functions/kernel/irq-work.ts';
import { onEachCpu } from '../functions/x86/smp.ts';
import { createDelayedWork, queueDelayedWork } from '../functions/kernel/workqueue.ts';
import type { DelayedWork } from '../functions/kernel/workqueue.ts';
import type { KernelObject } from '../memory/arena.ts';

const MODULE = { module: 'everywhere' };

/** Reads a counter that only its own CPU can read. */
const everywhereRead = kernelFunction('everywhere_read', 180, (_m, _info: KernelObject | null): void => {}, MODULE);
/** What is left for a moment at which interrupts are on. */
const everywhereReport = kernelFunction('everywhere_report', 250, (_m, _work: IrqWork): void => {}, MODULE);

interface Survey extends DelayedWork {
  gapNs: number;
  report: IrqWork;
}
/** Asks all CPUs and waits for the slowest, then leaves the report to an irq_work. */
const everywhereSurvey = kernelFunction(
  'everywhere_survey',
  120,
  (m, work: Survey): Result => {
    const asked = onEachCpu(m, everywhereRead, null);
    const after = (): number => {
      irqWorkQueue(m, work.report);
      queueDelayedWork(m, work, work.gapNs);
      return 0;
    };
    return asked instanceof Pending ? asked.then(after) : after();
  },
  MODULE,
);

/** A driver that reads a counter of every CPU every `gapNs`. */
export function counterOfEveryCpu(gapNs: number): DeviceSpec {
  return {
    name: 'everywhere',
    start(m) {
      const report = createIrqWork(m, everywhereReport);
      const work = Object.assign(createDelayedWork(m, m.workqueues.events, 1, everywhereSurvey), { gapNs, report });
      queueDelayedWork(m, work, gapNs);
    },
  };
}
