import { Pending } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import { TASK_RUNNING, TASK_UNINTERRUPTIBLE } from '../../tasks/task.ts';
import type { Task } from '../../tasks/task.ts';
import { ioSchedule } from './block.ts';
import { setTaskState } from '../kernel/sched.ts';

/** The sleep of all who wait for a disk: until the transfer is over, counted as waiting for I/O. */
export function* untilDone(
  m: Machine,
  io: { readonly done: boolean; readonly waiters: Task[] },
): Generator<Pending, void, number> {
  while (!io.done) {
    const task = m.cpu.current;
    io.waiters.push(task);
    setTaskState(m, task, TASK_UNINTERRUPTIBLE);
    const slept = ioSchedule(m);
    if (slept instanceof Pending) yield slept;
    setTaskState(m, task, TASK_RUNNING);
  }
}
