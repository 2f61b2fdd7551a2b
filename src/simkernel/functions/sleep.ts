import type { WheelTimer } from '../cpu/cpu.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { Result } from '../execution/pending.ts';
import { createTimer, startTimer, stopTimer } from '../irq/timer-list.ts';
import { TICK_NS } from '../memory/kernel-data.ts';
import { TASK_RUNNING, TASK_UNINTERRUPTIBLE } from '../tasks/task.ts';
import { schedule, setTaskState, wakeUpProcess } from './sched.ts';

/** Sleeps for so many ticks. */
const scheduleTimeout = kernelFunction('schedule_timeout', 30, (m, timeout: number): Result => {
  const task = m.cpu.current;
  const timer: WheelTimer = createTimer(m, () => wakeUpProcess(m, task));
  const on = m.cpu.id;
  startTimer(m, m.cpu, timer, timeout * TICK_NS);
  const slept = schedule(m);
  const after = (): number => {
    // Woken early, as whoever may not sleep is.
    if (timer.pending) stopTimer(m.cpuList[on]!, timer);
    m.arena.free(timer.address, 64);
    setTaskState(m, task, TASK_RUNNING);
    return 0;
  };
  return slept instanceof Pending ? slept.then(after) : after();
});
/** At least so long: a timer wheel is coarse. */
export const msleep = kernelFunction('msleep', 10, (m, msecs: number): Result => {
  setTaskState(m, m.cpu.current, TASK_UNINTERRUPTIBLE);
  return scheduleTimeout(m, Math.ceil((msecs * 1e6) / TICK_NS) + 1);
});
