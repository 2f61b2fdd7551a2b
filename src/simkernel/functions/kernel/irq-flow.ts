import { kernelFunction } from '../../execution/kernel-function.ts';
import { IRQ_WAKE_THREAD, IRQF_ONESHOT } from '../../irq/irq-desc.ts';
import type { IrqAction, IrqDesc } from '../../irq/irq-desc.ts';
import type { Machine } from '../../machine.ts';
import { irqHandlerEntry, irqHandlerExit } from '../../tracepoints/irq.ts';
import { noteInterrupt } from './irq-spurious.ts';
import { irqWakeThread } from './irq-thread.ts';

const handleIrqEventPercpuInner = kernelFunction('__handle_irq_event_percpu', 15, (m, desc: IrqDesc): number => {
  let handled = 0;
  for (const action of desc.actions) {
    irqHandlerEntry(m, desc.irq, action);
    const ret = action.handler(m, action.irq, action.device);
    irqHandlerExit(m, desc.irq, action, ret);
    if ((ret & IRQ_WAKE_THREAD) !== 0) irqWakeThread(m, desc, action);
    handled |= ret;
  }
  return handled;
});
const handleIrqEventPercpu = kernelFunction('handle_irq_event_percpu', 10, (m, desc: IrqDesc): number => {
  const handled = handleIrqEventPercpuInner(m, desc);
  noteInterrupt(m, desc, handled);
  return handled;
});
const handleIrqEvent = kernelFunction('handle_irq_event', 14, (m, desc: IrqDesc): number => {
  const handled = handleIrqEventPercpu(m, desc);
  desc.lastHandled = m.cpu.time;
  return handled;
});
/** An interrupt of a disabled line is remembered and the line closed. */
function isDisabled(m: Machine, desc: IrqDesc): boolean {
  if (desc.depth === 0) return false;
  desc.pending = true;
  desc.chip.mask(m, desc);
  return true;
}
/** The chip may send the next one while the handlers run. */
export const handleEdgeIrq = kernelFunction('handle_edge_irq', 22, (m, desc: IrqDesc): void => {
  if (isDisabled(m, desc)) return desc.chip.acknowledge(m, desc);
  desc.chip.acknowledge(m, desc);
  handleIrqEvent(m, desc);
});
const isOneshot = ({ flags }: IrqAction): boolean => (flags & IRQF_ONESHOT) !== 0;
/** Level-triggered lines: the end of interrupt comes last, when the device has let go of the line. */
export const handleFasteoiIrq = kernelFunction('handle_fasteoi_irq', 20, (m, desc: IrqDesc): void => {
  if (!isDisabled(m, desc)) {
    if (desc.actions.some(isOneshot)) desc.chip.mask(m, desc);
    handleIrqEvent(m, desc);
    // cond_unmask_eoi_irq: unless a thread was woken, or nobody cared.
    if (desc.actions.some(isOneshot) && desc.oneshot === 0 && desc.depth === 0) desc.chip.unmask(m, desc);
  }
  desc.chip.acknowledge(m, desc);
});
