import { post } from '../../cpu/local-apic.ts';
import { TASK_RUNNING, TASK_UNINTERRUPTIBLE } from '../../tasks/task.ts';
import { mightSleep } from './atomic.ts';
import { irqDefaultPrimaryHandler, setupIrqThread } from './irq-thread.ts';
import { registerIrqProc } from './irq-proc.ts';
import { x86VectorActivate, x86VectorDeactivate } from '../x86/irq-vectors.ts';
import { schedule, setTaskState, wakeUpProcess } from './sched.ts';
import type { CpuMask } from '../x86/smp.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { createIrqAction, freeIrqAction, IRQF_SHARED, linkActions, setDepth } from '../../irq/irq-desc.ts';
import type { IrqDesc, IrqHandler, IrqThreadFunction } from '../../irq/irq-desc.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeText } from '../../memory/arena.ts';
import { EBUSY, EINVAL, EIO } from '../../errno.ts';

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
    if (action.threadFn !== null) setupIrqThread(m, desc, action);
    registerIrqProc(m, desc);
    if (first === undefined) {
      const error = x86VectorActivate(m, desc, desc, 0);
      if (error !== 0) return error;
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
    threadFn: (KernelObject & { readonly call: IrqThreadFunction }) | null,
    flags: number,
    name: KernelObject & { readonly text: string },
    device: KernelObject | null,
  ): number => {
    const desc = descOf(m, irq);
    // free_irq could not tell the handlers of a shared line apart without it.
    if (desc === undefined || (device === null && (flags & IRQF_SHARED) !== 0)) return -EINVAL;
    const action = createIrqAction(m, desc, name, handler.call, threadFn?.call ?? null, device, flags);
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
  return requestWithThread(m, irq, handler, null, flags, name, device);
}
/** The same for a driver whose work is done in a thread: the hard half (or none) says with IRQ_WAKE_THREAD that there is some. */
export function requestWithThread(
  m: Machine,
  irq: number,
  handler: IrqHandler | null,
  threadFn: IrqThreadFunction | null,
  flags: number,
  name: string,
  device: KernelObject | null,
): number {
  const at = m.arena.allocate(name.length + 1);
  storeText(m.arena.bytes, at, name, name.length + 1);
  const hard = handler ?? irqDefaultPrimaryHandler;
  const call = { address: hard.symbol.entry, call: hard };
  const thread = threadFn === null ? null : { address: threadFn.symbol.entry, call: threadFn };
  return requestThreadedIrq(m, irq, call, thread, flags, { address: at, text: name }, device);
}

/** Takes the handler of `device` off a line; the last one shuts it down. */
export const freeIrq = kernelFunction('free_irq', 300, (m, irq: number, device: KernelObject | null): void => {
  const desc = descOf(m, irq);
  const at = desc?.actions.findIndex((action) => action.device === device) ?? -1;
  if (desc === undefined || at < 0) return;
  const [action] = desc.actions.splice(at, 1);
  linkActions(m, desc);
  if (action!.thread !== null) wakeUpProcess(m, action!.thread);
  freeIrqAction(m, action!);
  if (desc.actions.length > 0) return;
  setDepth(m, desc, 1);
  desc.chip.mask(m, desc);
  x86VectorDeactivate(m, desc, desc);
});

/** Which CPUs a line may interrupt: at once, or with its next interrupt where the controller cannot be changed at any time. */
const irqSetAffinityLocked = kernelFunction(
  'irq_set_affinity_locked',
  40,
  (m, data: IrqDesc, mask: CpuMask, _force: number): number => {
    data.affinity = mask.cpus;
    if (data.vector === 0) return 0;
    if (data.chip.movesAtOnce) return data.chip.setAffinity(m, data, mask);
    data.wantedAffinity = mask.cpus;
    return 0;
  },
);
export const irqSetAffinity = kernelFunction('irq_set_affinity', 30, (m, irq: number, mask: CpuMask): number => {
  const desc = descOf(m, irq);
  if (desc === undefined || mask.cpus.length === 0) return -EINVAL;
  return desc.isManaged ? -EIO : irqSetAffinityLocked(m, desc, mask, 0);
});

/**
 * Counts; the line stays open at its chip until an interrupt really comes (lazy disabling), so that an edge is not lost: the
 * flow handler then notes it as pending and masks the line.
 */
export const disableIrqNosync = kernelFunction('disable_irq_nosync', 40, (m, irq: number): void => {
  const desc = descOf(m, irq);
  if (desc !== undefined) setDepth(m, desc, desc.depth + 1);
});

/** Until no handler of the line runs on another CPU, and no thread of it at all. */
const synchronizeIrq = kernelFunction('synchronize_irq', 30, (m, irq: number): Result => {
  const desc = descOf(m, irq);
  if (desc === undefined) return 0;
  // By its own clock the other CPU may still be in the handler that we have seen run.
  const { cpu } = m;
  if (desc.cpu !== cpu.id && desc.lastHandled > cpu.time) m.spend((desc.lastHandled - cpu.time) / cpu.pace);
  return waitForThreads(m, desc);
});
function waitForThreads(m: Machine, desc: IrqDesc): Result {
  if (desc.threadsActive === 0) return 0;
  const task = m.cpu.current;
  desc.threadWaiters.push(task);
  setTaskState(m, task, TASK_UNINTERRUPTIBLE);
  const slept = schedule(m);
  const again = (): Result => {
    setTaskState(m, task, TASK_RUNNING);
    return waitForThreads(m, desc);
  };
  return slept instanceof Pending ? slept.then(again) : again();
}
/** Closes the line and waits for a running handler: never from that handler. */
export const disableIrq = kernelFunction('disable_irq', 15, (m, irq: number): Result => {
  mightSleep(m, 'kernel/irq/manage.c', 675);
  disableIrqNosync(m, irq);
  return synchronizeIrq(m, irq);
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
