import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import { TASK_RUNNING } from '../../tasks/task.ts';
import { schedule, setTaskState } from '../kernel/sched.ts';
import { cancelSleeper, startSleeper } from '../kernel/timer.ts';

/** The time of a timeout in nanoseconds after now; Infinity waits for ever. */
export function deadline(m: Machine, ns: number): number {
  return ns < 0 ? Infinity : m.cpu.time + ns;
}

/** Sleeps until woken or until `expires`; returns 0 when that has passed. The caller has set the task's state. */
export const scheduleHrtimeoutRange = kernelFunction(
  'schedule_hrtimeout_range',
  30,
  (m, expires: number, _delta: number, _mode: number): Result => {
    const { current: task } = m.cpu;
    if (expires !== Infinity) {
      if (expires <= m.cpu.time) {
        setTaskState(m, task, TASK_RUNNING);
        return 0;
      }
      startSleeper(m, task, expires);
    }
    const slept = schedule(m);
    const after = (): number => {
      setTaskState(m, task, TASK_RUNNING);
      if (expires !== Infinity) cancelSleeper(m, task);
      return m.cpu.time >= expires ? 0 : 1;
    };
    return slept instanceof Pending ? slept.then(after) : after();
  },
);
