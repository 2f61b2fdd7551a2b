import { irqFromUser } from '../cpu/user-frame.ts';
import { raiseSoftirq } from './softirq-vectors.ts';
import { programTimer } from '../cpu/local-apic.ts';
import { storeTaskTimes } from '../cpu/accounting.ts';
import type { Cpu } from '../cpu/cpu.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { Result } from '../execution/pending.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { TICK_NS, updateJiffies } from '../memory/kernel-data.ts';
import type { HrTimer } from '../irq/hrtimer.ts';
import { createHrTimer, dequeueTimer, enqueueTimer } from '../irq/hrtimer.ts';
import type { Task } from '../tasks/task.ts';
import { TASK_INTERRUPTIBLE, TASK_RUNNING } from '../tasks/task.ts';
import { hrtimerCancel, hrtimerExpireEntry, hrtimerExpireExit, hrtimerStart } from '../tracepoints/irq.ts';
import { schedTick, schedule, setTaskState, wakeUpProcess } from './sched.ts';

/** The bases that expire in hard interrupt context. */
const HRTIMER_ACTIVE_HARD = 0x0f;
export const HRTIMER_MODE_REL = 1;

const runHrtimerQueues = kernelFunction(
  '__hrtimer_run_queues',
  18,
  (m, _base: KernelObject, now: number, _flags: number, _activeMask: number): void => {
    const { hrtimers } = m.cpu;
    for (let timer = hrtimers[0]; timer !== undefined && timer.expires <= now; timer = hrtimers[0]) {
      hrtimers.shift();
      timer.queuedOn = null;
      hrtimerCancel(m, timer);
      hrtimerExpireEntry(m, timer, now);
      const again = timer.expire(m, timer);
      hrtimerExpireExit(m, timer);
      if (again) enqueueTimer(m, m.cpu, timer, timer.expires);
    }
  },
);

/** The event handler of the local APIC timer. */
export const hrtimerInterrupt = kernelFunction('hrtimer_interrupt', 40, (m, _device: KernelObject): void => {
  const { cpu } = m;
  runHrtimerQueues(m, cpu.wheel, cpu.time, 0, HRTIMER_ACTIVE_HARD);
  programTimer(m, cpu);
});

const hrtimerStartRange = kernelFunction(
  'hrtimer_start_range_ns',
  35,
  (m, timer: HrTimer, time: number, _delta: number, mode: number): void => {
    const wasArmed = timer.queuedOn === null ? 0 : 1;
    enqueueTimer(m, m.cpu, timer, time);
    hrtimerStart(m, timer, mode, wasArmed);
  },
);

const hrtimerCancelFunction = kernelFunction('hrtimer_cancel', 20, (m, timer: HrTimer): number => {
  if (timer.queuedOn === null) return 0;
  dequeueTimer(m, timer);
  hrtimerCancel(m, timer);
  return 1;
});

const runLocalTimers = kernelFunction('run_local_timers', 10, (m): void => {
  const { wheel, time } = m.cpu;
  const first = wheel.timers[0];
  if (first !== undefined && first.expiresJiffies * TICK_NS <= time) raiseSoftirq(m, m.cpu, 'TIMER');
});

const updateProcessTimes = kernelFunction('update_process_times', 40, (m, _userTick: number): void => {
  runLocalTimers(m);
  schedTick(m);
});

/** The scheduler's tick. Idle CPUs run it only for their next wheel timer. */
export const tickNohzHandler = kernelFunction('tick_nohz_handler', 30, (m, timer: HrTimer): boolean => {
  const { cpu } = m;
  updateJiffies(m, cpu.time);
  storeTaskTimes(m.words, cpu.current);
  updateProcessTimes(m, irqFromUser(m, cpu) ? 1 : 0);
  if (cpu.tickStopped) return false;
  timer.expires += TICK_NS;
  return true;
});

/** Entering idle: the tick stops, or waits for the next wheel timer. */
export const tickNohzIdleStopTick = kernelFunction('tick_nohz_idle_stop_tick', 45, (m): void => {
  const { cpu } = m;
  const first = cpu.wheel.timers[0];
  cpu.tickStopped = true;
  if (first !== undefined) enqueueTimer(m, cpu, cpu.tick, nextTick(cpu, first.expiresJiffies * TICK_NS));
  else dequeueTimer(m, cpu.tick);
});
export const tickNohzIdleEnter = kernelFunction('tick_nohz_idle_enter', 15, (_m): void => {});
export const tickNohzIdleExit = kernelFunction('tick_nohz_idle_exit', 30, (m): void => {
  const { cpu } = m;
  updateJiffies(m, cpu.time);
  cpu.tickStopped = false;
  enqueueTimer(m, cpu, cpu.tick, nextTick(cpu, cpu.time));
});
function nextTick(cpu: Cpu, earliest: number): number {
  return Math.ceil(Math.max(earliest, cpu.time + 1) / TICK_NS) * TICK_NS;
}

const hrtimerWakeup = kernelFunction('hrtimer_wakeup', 12, (m, timer: HrTimer): boolean => {
  wakeUpProcess(m, timer.owner as Task);
  return false;
});

/** One timer object per sleeper, as the on-stack hrtimer_sleeper of the kernel. */
function sleeperTimer(m: Machine, task: Task): HrTimer {
  return (task.sleepTimer ??= createHrTimer(m, hrtimerWakeup, task));
}

/** Sleeps for `ns` (or until a signal): the do_nanosleep of nanosleep and clock_nanosleep. */
const doNanosleep = kernelFunction('do_nanosleep', 45, (m, timer: HrTimer, mode: number): Result => {
  const task = m.cpu.current;
  setTaskState(m, task, TASK_INTERRUPTIBLE);
  hrtimerStartRange(m, timer, timer.expires, TIMER_SLACK_NS, mode);
  const slept = schedule(m);
  const after = (): number => {
    setTaskState(m, task, TASK_RUNNING);
    hrtimerCancelFunction(m, timer);
    return 0;
  };
  return slept instanceof Pending ? slept.then(after) : after();
});
const TIMER_SLACK_NS = 50_000;

export const hrtimerNanosleep = kernelFunction(
  'hrtimer_nanosleep',
  35,
  (m, rqtp: number, mode: number, _clock: number): Result => {
    const timer = sleeperTimer(m, m.cpu.current);
    timer.expires = m.cpu.time + rqtp + m.slack.uniform() * TIMER_SLACK_NS;
    return doNanosleep(m, timer, mode);
  },
);
