import { post } from '../cpu/local-apic.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { createIrqAction, freeIrqAction, IRQF_SHARED, linkActions, setDepth } from '../irq/irq-desc.ts';
import type { IrqDesc, IrqHandler } from '../irq/irq-desc.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeText } from '../memory/arena.ts';

const EBUSY = 16;
const EINVAL = 22;

function descOf(m: Machine, irq: number): IrqDesc | undefined {
  return m.irqs.find((desc) => desc.irq === irq);
}

/** kernel/irq/manage.c: the first handler of a line starts it at its chip; others must agree to share it. */
const setupIrq = kernelFunction(
  '__setup_irq',
  400,
  (m, _irq: number, desc: IrqDesc, action: ReturnType<typeof createIrqAction>): number => {
    const [first] = desc.actions;
    if (first !== undefined && (first.flags & action.flags & IRQF_SHARED) === 0) return -EBUSY;
    desc.actions.push(action);
    linkActions(m, desc);
    if (first === undefined) {
      setDepth(m, desc, 0);
      desc.chip.startup(m, desc);
    }
    return 0;
  },
);
const requestThreadedIrq = kernelFunction(
  'request_threaded_irq',
  120,
  (
    m,
    irq: number,
    handler: KernelObject & { readonly call: IrqHandler },
    _threadFn: null,
    flags: number,
    name: KernelObject & { readonly text: string },
    device: KernelObject | null,
  ): number => {
    const desc = descOf(m, irq);
    // free_irq could not tell the handlers of a shared line apart without it.
    if (desc === undefined || (device === null && (flags & IRQF_SHARED) !== 0)) return -EINVAL;
    const action = createIrqAction(m, desc, name, handler.call, device, flags);
    const error = setupIrq(m, irq, desc, action);
    if (error !== 0) freeIrqAction(m, action);
    return error;
  },
);
/** Gives a line to a driver; 0 or -errno. */
export function requestIrq(
  m: Machine,
  irq: number,
  handler: IrqHandler,
  flags: number,
  name: string,
  device: KernelObject | null,
): number {
  const at = m.arena.allocate(name.length + 1);
  storeText(m.arena.bytes, at, name, name.length + 1);
  const call = { address: handler.symbol.entry, call: handler };
  return requestThreadedIrq(m, irq, call, null, flags, { address: at, text: name }, device);
}

/** Takes the handler of `device` off a line; the last one shuts it down. */
export const freeIrq = kernelFunction('free_irq', 300, (m, irq: number, device: KernelObject | null): void => {
  const desc = descOf(m, irq);
  const at = desc?.actions.findIndex((action) => action.device === device) ?? -1;
  if (desc === undefined || at < 0) return;
  const [action] = desc.actions.splice(at, 1);
  linkActions(m, desc);
  freeIrqAction(m, action!);
  if (desc.actions.length > 0) return;
  setDepth(m, desc, 1);
  desc.chip.mask(m, desc);
});

/**
 * Counts; the line stays open at its chip until an interrupt really comes (lazy disabling), so that an edge is not lost: the
 * flow handler then notes it as pending and masks the line.
 */
export const disableIrqNosync = kernelFunction('disable_irq_nosync', 40, (m, irq: number): void => {
  const desc = descOf(m, irq);
  if (desc !== undefined) setDepth(m, desc, desc.depth + 1);
});

/** The last of nested calls opens the line; an edge that came meanwhile is sent again. */
export const enableIrq = kernelFunction('enable_irq', 45, (m, irq: number): void => {
  const desc = descOf(m, irq);
  if (desc === undefined || desc.depth === 0) return;
  setDepth(m, desc, desc.depth - 1);
  if (desc.depth > 0) return;
  desc.chip.unmask(m, desc);
  if (!desc.pending) return;
  desc.pending = false;
  // A level-triggered line needs no reminder: it is still high.
  if (desc.flow === 'edge') post(m, m.cpuList[desc.cpu]!, desc.vector, m.cpu.time);
});
