import type { Cpu } from '../../cpu/cpu.ts';
import { inlined, kernelFunction } from '../../execution/kernel-function.ts';
import { allocateTimer, insertTimer, removeTimer } from '../../irq/timer-list.ts';
import type { TimerCallback, TimerWheel, WheelTimer } from '../../irq/timer-list.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { jiffiesAt, TICK_NS } from '../../memory/kernel-data.ts';
import { timerCancel, timerExpireEntry, timerExpireExit, timerInit, timerStart } from '../../tracepoints/timer.ts';
import { sendReschedule } from '../x86/smp.ts';

const timerInitKey = kernelFunction('timer_init_key', 10, (m, timer: WheelTimer): void => timerInit(m, timer));

/** timer_setup(): `owner` is the object that holds the timer. */
export function createTimer(m: Machine, callback: TimerCallback, owner: unknown): WheelTimer {
  const timer = allocateTimer(m, callback, owner);
  timerInitKey(m, timer);
  return timer;
}

function detachTimer(m: Machine, timer: WheelTimer): void {
  removeTimer(timer);
  timerCancel(m, timer);
}
function enqueueOn(m: Machine, cpu: Cpu, timer: WheelTimer, expires: number): void {
  insertTimer(m, cpu, timer, expires, jiffiesAt(m.cpu.time));
  timerStart(m, timer, timer.bucketExpiry);
}
/** Starts a timer of this CPU, or gives it another time; 1 if it was running. */
const modTimer = kernelFunction('mod_timer', 30, (m, timer: WheelTimer, expires: number): number => {
  const wasPending = timer.queuedOn !== null;
  if (wasPending) detachTimer(m, timer);
  enqueueOn(m, m.cpu, timer, expires);
  return wasPending ? 1 : 0;
});
/** An idle CPU whose tick has stopped must look at its wheel anew. */
const addTimerOn = kernelFunction('add_timer_on', 35, (m, timer: WheelTimer, cpu: number): void => {
  const target = m.cpuList[cpu]!;
  enqueueOn(m, target, timer, timer.expires);
  if (target.tickStopped) sendReschedule(m, target);
});
/** It does not expire any more; 1 if it would have. */
const timerDelete = kernelFunction('timer_delete', 20, (m, timer: WheelTimer): number => {
  if (timer.queuedOn === null) return 0;
  detachTimer(m, timer);
  return 1;
});

/** mod_timer() or add_timer_on(), by the CPU: so many nanoseconds from now, counted in whole ticks. */
export function startTimer(m: Machine, cpu: Cpu, timer: WheelTimer, delayNs: number): void {
  const expires = jiffiesAt(m.cpu.time) + Math.ceil(delayNs / TICK_NS);
  if (cpu === m.cpu) {
    modTimer(m, timer, expires);
    return;
  }
  if (timer.queuedOn !== null) timerDelete(m, timer);
  timer.expires = expires;
  addTimerOn(m, timer, cpu.id);
}
export function stopTimer(m: Machine, timer: WheelTimer): void {
  timerDelete(m, timer);
}

const callTimerFn = kernelFunction(
  'call_timer_fn',
  12,
  (m, timer: WheelTimer, _fn: KernelObject, baseclk: number): void => {
    timerExpireEntry(m, timer, baseclk);
    timer.callback(m, timer);
    timerExpireExit(m, timer);
  },
);
const runTimers = inlined(20, (m, base: TimerWheel): void => {
  const clock = jiffiesAt(m.cpu.time);
  const { timers } = base;
  for (let timer = timers[0]; timer !== undefined && timer.bucketExpiry <= clock; timer = timers[0]) {
    detachTimer(m, timer);
    callTimerFn(m, timer, { address: timer.callback.symbol.entry }, timer.bucketExpiry);
  }
});
export const runTimerSoftirq = kernelFunction('run_timer_softirq', 15, (m): void => runTimers(m, m.cpu.wheel));

/** Whether the CPU's wheel has something for the softirq. */
export function isTimerDue(cpu: Cpu): boolean {
  const first = cpu.wheel.timers[0];
  return first !== undefined && first.bucketExpiry <= jiffiesAt(cpu.time);
}
