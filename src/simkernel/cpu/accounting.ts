import { storeNumber } from '../memory/arena.ts';
import { DEFAULT_PRIORITY, TASK, TASK_STIME, TASK_UTIME } from '../tasks/task.ts';
import type { Task } from '../tasks/task.ts';
import type { Cpu } from './cpu.ts';

/**
 * Where the time of the CPUs goes, to the nanosecond, as with CONFIG_VIRT_CPU_ACCOUNTING_GEN and CONFIG_IRQ_TIME_ACCOUNTING:
 * whoever is about to change what a CPU does (user mode, kernel, interrupt, softirq, task) first charges the time since
 * the last such change to what it did. Only whole nanoseconds are charged, so that the parts add up to the whole exactly.
 */
export const CPU_TIMES = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq'] as const;
export type CpuTime = (typeof CPU_TIMES)[number];
const USER = 0;
const NICE = 1;
const SYSTEM = 2;
const IDLE = 3;
const IOWAIT = 4;
const IRQ = 5;
const SOFTIRQ = 6;
/** Behind them in the same array, where doubles cost no boxes: up to when all is charged, and what interrupts took from tasks. */
const ACCOUNTED = 7;
const STOLEN = 8;
export const CPU_TIME_SLOTS = 9;

function currentUse(cpu: Cpu): number {
  if (cpu.hardirqDepth > 0) return IRQ;
  if (cpu.softirqDepth > 0) return SOFTIRQ;
  if (cpu.current === cpu.idle) return cpu.runQueue.ioWaiters > 0 ? IOWAIT : IDLE;
  if (cpu.userMode) return cpu.current.prio > DEFAULT_PRIORITY ? NICE : USER;
  return SYSTEM;
}

/** Charges the time up to now to what the CPU does now. */
export function account(cpu: Cpu): void {
  accountUntil(cpu, cpu.time);
}
function accountUntil(cpu: Cpu, timeNs: number): void {
  const { times } = cpu;
  const until = Math.floor(timeNs);
  const ns = until - times[ACCOUNTED]!;
  if (ns <= 0) return;
  times[ACCOUNTED] = until;
  const use = currentUse(cpu);
  times[use]! += ns;
  const { current } = cpu;
  // A softirq in its thread is that thread's work, though the CPU counts it as softirq.
  const isStolen = use === IRQ || (use === SOFTIRQ && current !== cpu.ksoftirqd);
  if (isStolen) times[STOLEN]! += ns;
  else if (use <= SYSTEM || use === SOFTIRQ) current.times[use <= NICE ? TASK_UTIME : TASK_STIME]! += ns;
}

/** Brings what guest memory shows of a task's times up to date: at ticks and when it leaves the CPU, as Linux does. */
export function storeTaskTimes(words: Int32Array, task: Task): void {
  storeNumber(words, task.address + TASK.utime, task.times[TASK_UTIME]!);
  storeNumber(words, task.address + TASK.stime, task.times[TASK_STIME]!);
}

/** rq_clock_task: the CPU's time without what interrupts took from its tasks. */
export function taskClock(cpu: Cpu): number {
  account(cpu);
  return cpu.times[ACCOUNTED]! - cpu.times[STOLEN]!;
}

/** rq->nr_iowait: tasks that wait for a disk and last ran on this CPU; an idle CPU's time is theirs from now on. */
export function addIoWaiters(cpu: Cpu, count: number, timeNs: number): void {
  if (cpu.halted) accountUntil(cpu, timeNs);
  cpu.runQueue.ioWaiters += count;
}

/** What a CPU has done since boot, in nanoseconds by CPU_TIMES, with what it is doing at the moment. */
export function cpuTimes(cpu: Cpu, nowNs: number): Float64Array {
  const times = cpu.times.slice(0, CPU_TIMES.length);
  const ahead = Math.floor(Math.max(cpu.time, nowNs)) - cpu.times[ACCOUNTED]!;
  if (ahead > 0) times[currentUse(cpu)]! += ahead;
  return times;
}

/** What a CPU has executed of all that, in nanoseconds. */
export function executedNs(cpu: Cpu, nowNs: number): number {
  return cpuTimes(cpu, nowNs).reduce((sum, ns, use) => (use === IDLE || use === IOWAIT ? sum : sum + ns), 0);
}
