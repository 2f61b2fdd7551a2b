import { EINTR } from '../../errno.ts';
import { irqFromUser } from '../../cpu/user-frame.ts';
import { raiseSoftirq } from './softirq-vectors.ts';
import { programTimer } from '../../cpu/local-apic.ts';
import { storeTaskTimes } from '../../cpu/accounting.ts';
import type { Cpu } from '../../cpu/cpu.ts';
import { inlined, kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { TICK_NS, timeOfJiffies, updateJiffies } from '../../memory/kernel-data.ts';
import type { HrTimer, TimerFunction } from '../../irq/hrtimer.ts';
import { createHrTimer, dequeueTimer, enqueueTimer, HRTIMER_MODE, hrTimerBytes } from '../../irq/hrtimer.ts';
import type { Task } from '../../tasks/task.ts';
import { TASK_INTERRUPTIBLE, TASK_RUNNING } from '../../tasks/task.ts';
import {
  hrtimerCancel,
  hrtimerExpireEntry,
  hrtimerExpireExit,
  hrtimerRearm,
  hrtimerSetup,
  hrtimerStart,
  tickStop,
  timerBaseIdle,
} from '../../tracepoints/timer.ts';
import { isTimerDue } from './timer-wheel.ts';
import { schedTick, schedule, setTaskState, wakeUpProcess } from './sched.ts';

/** The bases that expire in hard interrupt context, and in the softirq. */
const HRTIMER_ACTIVE_HARD = 0x0f;
const HRTIMER_ACTIVE_SOFT = 0xf0;
export const HRTIMER_MODE_REL = HRTIMER_MODE.rel;
const TICK_MODE = HRTIMER_MODE.pinned | HRTIMER_MODE.hard;

/** enqueue_hrtimer() as debug_activate() tells of it. */
function activate(m: Machine, timer: HrTimer, expires: number, mode: number): void {
  const wasArmed = timer.queuedOn === null ? 0 : 1;
  enqueueTimer(m, m.cpu, timer, expires);
  hrtimerStart(m, timer, mode, wasArmed);
}
function cancel(m: Machine, timer: HrTimer): void {
  dequeueTimer(m, timer);
  hrtimerCancel(m, timer);
}
const hrtimerSetupFunction = kernelFunction(
  'hrtimer_setup',
  15,
  (m, timer: HrTimer, _function: KernelObject, clock: number, mode: number): void =>
    hrtimerSetup(m, timer, clock, mode),
);
const CLOCK_MONOTONIC = 1;
/** A timer of a driver's, or of whoever else has one to set up. */
export function setupHrTimer(
  m: Machine,
  expire: TimerFunction,
  owner: unknown,
  mode: number,
  address?: number,
): HrTimer {
  const timer = createHrTimer(m, expire, owner, (mode & HRTIMER_MODE.soft) !== 0, address);
  hrtimerSetupFunction(m, timer, { address: expire.symbol.entry }, CLOCK_MONOTONIC, mode);
  return timer;
}

const runHrtimerQueues = kernelFunction(
  '__hrtimer_run_queues',
  18,
  (m, _base: KernelObject, now: number, _flags: number, activeMask: number): void => {
    const queue = activeMask === HRTIMER_ACTIVE_SOFT ? m.cpu.softTimers : m.cpu.hrtimers;
    for (let timer = queue[0]; timer !== undefined && timer.expires <= now; timer = queue[0]) {
      queue.shift();
      timer.queuedOn = null;
      hrtimerCancel(m, timer);
      hrtimerExpireEntry(m, timer, now);
      const again = timer.expire(m, timer);
      hrtimerExpireExit(m, timer);
      if (again) activate(m, timer, timer.expires, HRTIMER_MODE.abs);
    }
  },
);

/** The event handler of the local APIC timer. */
export const hrtimerInterrupt = kernelFunction('hrtimer_interrupt', 40, (m, _device: KernelObject): void => {
  const { cpu } = m;
  const now = cpu.time;
  const [soft] = cpu.softTimers;
  if (soft !== undefined && !cpu.softTimersActive && soft.expires <= now) {
    cpu.softTimersActive = true;
    raiseSoftirq(m, cpu, 'HRTIMER');
  }
  runHrtimerQueues(m, cpu.wheel, now, 0, HRTIMER_ACTIVE_HARD);
  programTimer(m, cpu);
  if (cpu.timerDeadline !== Infinity) hrtimerRearm(m, cpu.timerDeadline, 0);
});
export const hrtimerRunSoftirq = kernelFunction('hrtimer_run_softirq', 20, (m): void => {
  const { cpu } = m;
  runHrtimerQueues(m, cpu.wheel, cpu.time, 0, HRTIMER_ACTIVE_SOFT);
  cpu.softTimersActive = false;
  programTimer(m, cpu);
});

const hrtimerStartRange = kernelFunction(
  'hrtimer_start_range_ns',
  35,
  (m, timer: HrTimer, time: number, _delta: number, mode: number): void => {
    activate(m, timer, time, mode);
  },
);
export function startHrTimer(m: Machine, timer: HrTimer, expires: number, mode: number): void {
  hrtimerStartRange(m, timer, expires, 0, mode);
}

const hrtimerCancelFunction = kernelFunction('hrtimer_cancel', 20, (m, timer: HrTimer): number => {
  if (timer.queuedOn === null) return 0;
  cancel(m, timer);
  return 1;
});

const runLocalTimers = inlined(10, (m): void => {
  if (isTimerDue(m.cpu)) raiseSoftirq(m, m.cpu, 'TIMER');
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
  if (!cpu.tickStopped) {
    timerBaseIdle(m, 1, cpu.id);
    tickStop(m, 1, NO_DEPENDENCY);
    cpu.tickStopped = true;
  }
  if (first === undefined) {
    if (cpu.tick.queuedOn !== null) cancel(m, cpu.tick);
    return;
  }
  const next = nextTick(cpu, timeOfJiffies(first.bucketExpiry));
  if (cpu.tick.queuedOn === null || cpu.tick.expires !== next) activate(m, cpu.tick, next, TICK_MODE);
});
/** TICK_DEP_MASK_NONE: nobody needs the tick. */
const NO_DEPENDENCY = 0;
export const tickNohzIdleEnter = kernelFunction('tick_nohz_idle_enter', 15, (_m): void => {});
export const tickNohzIdleExit = kernelFunction('tick_nohz_idle_exit', 30, (m): void => {
  const { cpu } = m;
  updateJiffies(m, cpu.time);
  if (cpu.tickStopped) timerBaseIdle(m, 0, cpu.id);
  cpu.tickStopped = false;
  activate(m, cpu.tick, nextTick(cpu, cpu.time), TICK_MODE);
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
  if (task.sleepTimer === null) {
    const address = task.allocate(m, hrTimerBytes());
    task.sleepTimer = setupHrTimer(m, hrtimerWakeup, task, HRTIMER_MODE.rel, address);
  }
  return task.sleepTimer;
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
    return task.pendingSignal === 0 || m.cpu.time >= timer.expires ? 0 : -EINTR;
  };
  return slept instanceof Pending ? slept.then(after) : after();
});
const TIMER_SLACK_NS = 50_000;

/** An on-stack hrtimer_sleeper: wakes the task at a time, with the slack that a task's timers have. */
export function startSleeper(m: Machine, task: Task, expires: number): void {
  hrtimerStartRange(m, sleeperTimer(m, task), expires + m.slack.uniform() * TIMER_SLACK_NS, TIMER_SLACK_NS, 0);
}
export function cancelSleeper(m: Machine, task: Task): void {
  hrtimerCancelFunction(m, sleeperTimer(m, task));
}

export const hrtimerNanosleep = kernelFunction(
  'hrtimer_nanosleep',
  35,
  (m, rqtp: number, mode: number, _clock: number): Result => {
    const timer = sleeperTimer(m, m.cpu.current);
    timer.expires = m.cpu.time + rqtp + m.slack.uniform() * TIMER_SLACK_NS;
    return doNanosleep(m, timer, mode);
  },
);
