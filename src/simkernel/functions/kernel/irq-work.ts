import { irqDisable, post } from '../../cpu/local-apic.ts';
import { VECTORS } from '../../cpu/descriptor-tables.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { TextSymbol } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { localIrqRestore } from './spinlock.ts';

/** struct irq_work: something for the next moment at which an interrupt may come; an NMI may ask for it too. */
export interface IrqWork extends KernelObject {
  readonly func: { (m: Machine, work: IrqWork): void; readonly symbol: TextSymbol };
  pending: boolean;
}
export function createIrqWork(m: Machine, func: IrqWork['func']): IrqWork {
  return { address: m.arena.allocate(32), func, pending: false };
}

/** A local APIC reaches itself faster than another. */
const SELF_IPI_NS = 120;
const archIrqWorkRaise = kernelFunction('arch_irq_work_raise', 20, (m): void =>
  post(m, m.cpu, VECTORS.irqWork, m.cpu.time + SELF_IPI_NS),
);
/** Queues it on this CPU unless it is queued already; 1 if it did. */
export const irqWorkQueue = kernelFunction(
  'irq_work_queue',
  15,
  (m, work: IrqWork): number => {
    if (work.pending) return 0;
    work.pending = true;
    const { irqWorks } = m.cpu;
    irqWorks.push(work);
    if (irqWorks.length === 1) archIrqWorkRaise(m);
    return 1;
  },
  { traceable: false },
);

const irqWorkSingle = kernelFunction(
  'irq_work_single',
  8,
  (m, work: IrqWork): void => {
    work.pending = false;
    work.func(m, work);
  },
  { traceable: false },
);
export const irqWorkRun = kernelFunction(
  'irq_work_run',
  10,
  (m): void => {
    const { flags } = m.cpu;
    irqDisable(m);
    for (const work of m.cpu.irqWorks.splice(0)) irqWorkSingle(m, work);
    localIrqRestore(m, flags);
  },
  { traceable: false },
);
