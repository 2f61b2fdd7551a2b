import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeText, storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import type { TextSymbol } from '../execution/text.ts';

export const IRQ_NONE = 0;
export const IRQ_HANDLED = 1;

const IRQACTION = structFields('irqaction', {
  handler: 'handler',
  devId: 'dev_id',
  irq: 'irq',
  flags: 'flags',
  name: 'name',
});

/** A driver's interrupt handler: a kernel function of (irq, dev_id). */
export interface IrqHandler {
  (m: Machine, irq: number, device: KernelObject): number;
  readonly symbol: TextSymbol;
}

/** struct irqaction: one handler on one line. */
export interface IrqAction extends KernelObject {
  readonly irq: number;
  readonly name: string;
  readonly handler: IrqHandler;
  readonly device: KernelObject;
}

/** struct irq_desc: one interrupt line and its counters per CPU. */
export interface IrqDesc {
  readonly irq: number;
  /** As /proc/interrupts names chip and flow. */
  readonly chip: string;
  readonly actions: IrqAction[];
  readonly counts: number[];
}

/** Gives a line to a driver and a vector on one CPU to the line (MSI). */
export function requestIrq(
  m: Machine,
  chip: string,
  name: string,
  handler: IrqHandler,
  device: KernelObject,
  vector: number,
): IrqDesc {
  const irq = m.irqs.length === 0 ? FIRST_MSI_IRQ : m.irqs.at(-1)!.irq + 1;
  const address = m.arena.allocate(IRQACTION.size);
  const nameAt = m.arena.allocate(name.length + 1);
  storeText(m.arena.bytes, nameAt, name, name.length + 1);
  storeWord(m.words, address + IRQACTION.handler, { address: handler.symbol.entry });
  storeWord(m.words, address + IRQACTION.devId, device);
  m.words[(address + IRQACTION.irq) >> 2] = irq;
  storeWord(m.words, address + IRQACTION.name, { address: nameAt });
  const desc: IrqDesc = {
    irq,
    chip,
    actions: [{ address, irq, name, handler, device }],
    counts: new Array<number>(m.cpuList.length).fill(0),
  };
  m.irqs.push(desc);
  m.vectorIrq.set(vector, desc);
  return desc;
}

/** Lines 0-23 belong to the I/O APIC; message-signalled ones follow. */
const FIRST_MSI_IRQ = 24;
