import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { Pending, wait } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import { IRQ_WAKE_THREAD, IRQF_ONESHOT } from '../../irq/irq-desc.ts';
import type { IrqAction, IrqDesc, IrqThreadFunction } from '../../irq/irq-desc.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeWord } from '../../memory/arena.ts';
import { IRQACTION } from '../../irq/irq-desc.ts';
import { TASK_INTERRUPTIBLE, TASK_RUNNING } from '../../tasks/task.ts';
import { createKthread } from './kthread.ts';
import { schedule, setTaskState, wakeUpProcess } from './sched.ts';

/** SCHED_FIFO 50 as a kernel priority. */
const IRQ_THREAD_PRIORITY = 49;

/** The hard half of a handler that is only a thread. */
export const irqDefaultPrimaryHandler = kernelFunction(
  'irq_default_primary_handler',
  4,
  (_m, _irq: number, _device: KernelObject | null): number => IRQ_WAKE_THREAD,
);

/** The hard half asked for the thread; a one-shot line stays closed until it is done. */
export const irqWakeThread = kernelFunction('__irq_wake_thread', 15, (m, desc: IrqDesc, action: IrqAction): void => {
  const { thread } = action;
  if (thread === null || action.wanted) return;
  action.wanted = true;
  desc.threadsActive += 1;
  if ((action.flags & IRQF_ONESHOT) !== 0) desc.oneshot += 1;
  wakeUpProcess(m, thread);
});

const irqFinalizeOneshot = kernelFunction(
  'irq_finalize_oneshot.part.0',
  20,
  (m, desc: IrqDesc, action: IrqAction): void => {
    if ((action.flags & IRQF_ONESHOT) === 0) return;
    desc.oneshot -= 1;
    if (desc.oneshot === 0 && desc.depth === 0) desc.chip.unmask(m, desc);
  },
);
const irqThreadFn = kernelFunction('irq_thread_fn', 12, (m, desc: IrqDesc, action: IrqAction): Result => {
  const ran = (action.threadFn as IrqThreadFunction)(m, action.irq, action.device);
  const after = (ret: number): number => {
    irqFinalizeOneshot(m, desc, action);
    return ret;
  };
  return ran instanceof Pending ? ran.then(after) : after(ran);
});
const wakeThreadsWaitq = kernelFunction('wake_threads_waitq', 8, (m, desc: IrqDesc): void => {
  desc.threadsActive -= 1;
  if (desc.threadsActive > 0) return;
  for (const task of desc.threadWaiters.splice(0)) wakeUpProcess(m, task);
});
const irqThread = sleepingFunction(
  'irq_thread',
  20,
  function* (m, data: KernelObject & { readonly desc: IrqDesc; readonly action: IrqAction }) {
    const { desc, action } = data;
    while (desc.actions.includes(action)) {
      setTaskState(m, m.cpu.current, TASK_INTERRUPTIBLE);
      if (action.wanted) {
        action.wanted = false;
        setTaskState(m, m.cpu.current, TASK_RUNNING);
        yield* wait(irqThreadFn(m, desc, action));
        wakeThreadsWaitq(m, desc);
        continue;
      }
      const slept = schedule(m);
      if (slept instanceof Pending) yield slept;
    }
    return 0;
  },
);

/** `irq/16-name`: a real-time thread of its own for each threaded handler. */
export const setupIrqThread = kernelFunction('setup_irq_thread', 400, (m, desc: IrqDesc, action: IrqAction): void => {
  const data = { address: action.address, desc, action };
  const name = `irq/${desc.irq}-${action.name}`;
  const thread = createKthread(m, name, (m.lastPid += 1), null, () => irqThread(m, data), IRQ_THREAD_PRIORITY);
  thread.cpu = desc.cpu;
  thread.state = TASK_INTERRUPTIBLE;
  action.thread = thread;
  storeWord(m.words, action.address + IRQACTION.thread, thread);
});
