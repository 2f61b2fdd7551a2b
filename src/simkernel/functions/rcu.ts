import type { Task } from '../tasks/task.ts';
import { TASK } from '../tasks/task.ts';
import { releaseTask } from '../tasks/process.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import type { Machine } from '../machine.ts';
import { raiseQuietly } from './softirq-vectors.ts';

/** call_rcu: `callback` runs after a grace period, in the RCU softirq. */
export function callRcu(m: Machine, callback: () => void): void {
  m.rcuCallbacks.push(callback);
  raiseQuietly(m.cpu, 'RCU');
}
export const rcuCoreSi = kernelFunction('rcu_core_si', 90, (m): void => {
  for (const callback of m.rcuCallbacks.splice(0)) callback();
});

/** The last of those who hold a task_struct lets go: its parent (or nobody), and the CPU that it ran on last. */
export function putTask(m: Machine, task: Task): void {
  task.references -= 1;
  m.words[(task.address + TASK.usage) >> 2] = task.references;
  if (task.references === 0) callRcu(m, () => releaseTask(m, task));
}
