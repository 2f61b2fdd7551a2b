import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { createTask } from '../../tasks/process.ts';
import { DEFAULT_PRIORITY, PF_KTHREAD } from '../../tasks/task.ts';
import type { Task } from '../../tasks/task.ts';
import { doExit } from './exit.ts';
import { startAt } from './fork.ts';

/** A kernel thread's life: `kthread` calls its function, and the thread ends with it. */
const kthread = kernelFunction(
  'kthread',
  30,
  (m, create: KernelObject & { readonly run: (m: Machine) => Result }): Result => {
    const left = create.run(m);
    return left instanceof Pending ? left.then(() => doExit(m, 0)) : doExit(m, 0);
  },
);

export function createKthread(
  m: Machine,
  comm: string,
  pid: number,
  boundTo: number | null,
  run: (m: Machine) => Result,
  prio = DEFAULT_PRIORITY,
): Task {
  const task = createTask(m, { pid, comm, parent: m.tasks.get(2) ?? null, flags: PF_KTHREAD, prio });
  task.boundTo = boundTo;
  task.cpu = boundTo ?? 0;
  startAt(task, m, () => kthread(m, { address: task.address, run }));
  return task;
}
