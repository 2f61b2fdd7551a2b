import type { Task } from '../../tasks/task.ts';
import { TASK } from '../../tasks/task.ts';
import { releaseTask } from '../../tasks/process.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import { raiseQuietly } from './softirq-vectors.ts';

/** struct rcu_head, and when it was handed in. */
export interface RcuCallback {
  readonly queuedAt: number;
  readonly callback: () => void;
}
/** call_rcu: `callback` runs after a grace period, in the RCU softirq. */
export function callRcu(m: Machine, callback: () => void): void {
  m.rcuCallbacks.push({ queuedAt: m.cpu.time, callback });
  raiseQuietly(m.cpu, 'RCU');
}
export const rcuCoreSi = kernelFunction('rcu_core_si', 90, (m): void => {
  const { time } = m.cpu;
  // Those that a CPU ahead of this one has queued are its own softirq's.
  const due = m.rcuCallbacks.splice(0);
  for (const entry of due) {
    if (entry.queuedAt <= time) entry.callback();
    else m.rcuCallbacks.push(entry);
  }
});

/** The last of those who hold a task_struct lets go: its parent (or nobody), and the CPU that it ran on last. */
export function putTask(m: Machine, task: Task): void {
  task.references -= 1;
  m.words[(task.address + TASK.usage) >> 2] = task.references;
  if (task.references === 0) callRcu(m, () => releaseTask(m, task));
}
