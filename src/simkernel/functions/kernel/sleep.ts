import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import { freeTimer } from '../../irq/timer-list.ts';
import type { WheelTimer } from '../../irq/timer-list.ts';
import { TICK_NS } from '../../memory/kernel-data.ts';
import { TASK_RUNNING, TASK_UNINTERRUPTIBLE } from '../../tasks/task.ts';
import type { Task } from '../../tasks/task.ts';
import { schedule, setTaskState, wakeUpProcess } from './sched.ts';
import { createTimer, startTimer, stopTimer } from './timer-wheel.ts';

/** kernel/time/sleep_timeout.c */
const processTimeout = kernelFunction('process_timeout', 8, (m, timer: WheelTimer): void => {
  wakeUpProcess(m, timer.owner as Task);
});
/** LONG_MAX, as near as a number comes to it. */
export const MAX_SCHEDULE_TIMEOUT = 2 ** 63 - 1024;
/** Sleeps for so many ticks at most; returns what is left of them. */
export const scheduleTimeout = kernelFunction('schedule_timeout', 30, (m, timeout: number): Result => {
  if (timeout === MAX_SCHEDULE_TIMEOUT) {
    const slept = schedule(m);
    return slept instanceof Pending ? slept.then(() => timeout) : timeout;
  }
  const task = m.cpu.current;
  const until = m.cpu.time + timeout * TICK_NS;
  const timer = createTimer(m, processTimeout, task);
  startTimer(m, m.cpu, timer, timeout * TICK_NS);
  const slept = schedule(m);
  const after = (): number => {
    // Woken early, as whoever may not sleep is.
    if (timer.queuedOn !== null) stopTimer(m, timer);
    freeTimer(m, timer);
    setTaskState(m, task, TASK_RUNNING);
    return Math.max(0, Math.ceil((until - m.cpu.time) / TICK_NS));
  };
  return slept instanceof Pending ? slept.then(after) : after();
});
/** At least so long: a timer wheel is coarse. */
export const msleep = kernelFunction('msleep', 10, (m, msecs: number): Result => {
  setTaskState(m, m.cpu.current, TASK_UNINTERRUPTIBLE);
  return scheduleTimeout(m, Math.ceil((msecs * 1e6) / TICK_NS) + 1);
});
