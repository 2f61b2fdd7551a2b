import { kernelFunction } from '../../execution/kernel-function.ts';
import type { TextSymbol } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { TICK_NS } from '../../memory/kernel-data.ts';
import { raiseSoftirq } from './softirq-vectors.ts';

/** irq_poll_budget: so many in one run of the softirq, which also ends with the tick. */
const BUDGET = 256;

/** struct irq_poll: what NAPI is to network cards, for other devices. */
export interface IrqPoll extends KernelObject {
  readonly weight: number;
  /** Takes at most so many; returns how many it took. */
  readonly poll: { (m: Machine, iop: IrqPoll, weight: number): number; readonly symbol: TextSymbol };
  scheduled: boolean;
}
export function createIrqPoll(m: Machine, weight: number, poll: IrqPoll['poll']): IrqPoll {
  return { address: m.arena.allocate(64), weight, poll, scheduled: false };
}

/** lib/irq_poll.c: from an interrupt handler that has masked its device. */
export const irqPollSched = kernelFunction(
  'irq_poll_sched',
  15,
  (m, iop: IrqPoll): void => {
    if (iop.scheduled) return;
    iop.scheduled = true;
    m.cpu.irqPolls.push(iop);
    raiseSoftirq(m, m.cpu, 'IRQ_POLL');
  },
  { traceable: false },
);
/** Nothing is left: the driver may unmask its device. */
export const irqPollComplete = kernelFunction(
  'irq_poll_complete',
  12,
  (m, iop: IrqPoll): void => {
    iop.scheduled = false;
    const { irqPolls } = m.cpu;
    const at = irqPolls.indexOf(iop);
    if (at >= 0) irqPolls.splice(at, 1);
  },
  { traceable: false },
);
export const irqPollSoftirq = kernelFunction(
  'irq_poll_softirq',
  25,
  (m): void => {
    const { irqPolls, time } = m.cpu;
    const end = time + TICK_NS;
    let budget = BUDGET;
    while (irqPolls.length > 0 && budget > 0 && m.cpu.time < end) {
      const iop = irqPolls[0]!;
      const work = iop.poll(m, iop, iop.weight);
      budget -= work;
      // One that has used up its weight waits behind the others.
      if (work >= iop.weight && irqPolls[0] === iop) irqPolls.push(irqPolls.shift()!);
    }
    if (irqPolls.length > 0) raiseSoftirq(m, m.cpu, 'IRQ_POLL');
  },
  { traceable: false },
);
