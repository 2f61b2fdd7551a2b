import { programTimer } from '../cpu/local-apic.ts';
import type { Cpu } from '../cpu/cpu.ts';
import type { TextSymbol } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeNumber } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';

const HRTIMER = structFields('hrtimer', {
  expires: 'node.expires',
  softExpires: '_softexpires',
  function: 'function',
});

export const hrTimerBytes = (): number => HRTIMER.size;

/** enum hrtimer_mode: bits. */
export const HRTIMER_MODE = { abs: 0, rel: 1, pinned: 2, soft: 4, hard: 8 } as const;

/** What a timer runs when it expires; returns true to be started again at its new `expires`. */
export interface TimerFunction {
  (m: Machine, timer: HrTimer): boolean;
  readonly symbol: TextSymbol;
}

/** struct hrtimer. */
export interface HrTimer extends KernelObject {
  expires: number;
  queuedOn: Cpu | null;
  readonly expire: TimerFunction;
  /** Expires in the HRTIMER softirq instead of the interrupt. */
  readonly isSoft: boolean;
  /** Whom it serves: the sleeping task, the perf event. */
  owner: unknown;
}

export function createHrTimer(
  m: Pick<Machine, 'arena'>,
  expire: TimerFunction,
  owner: unknown,
  isSoft = false,
  address = m.arena.allocate(HRTIMER.size),
): HrTimer {
  storeNumber(m.arena.words, address + HRTIMER.function, 0);
  m.arena.words[(address + HRTIMER.function) >> 2] = expire.symbol.entry | 0x80000000;
  m.arena.words[(address + HRTIMER.function + 4) >> 2] = -1;
  return { address, expires: 0, queuedOn: null, expire, isSoft, owner };
}

/** The timers of a CPU that expire where this one does. */
function baseOf(cpu: Cpu, timer: HrTimer): HrTimer[] {
  return timer.isSoft ? cpu.softTimers : cpu.hrtimers;
}

/** Queues a timer by its expiry, behind equal ones, and programs the local APIC. */
export function enqueueTimer(m: Machine, cpu: Cpu, timer: HrTimer, expires: number): void {
  if (timer.queuedOn !== null) dequeueTimer(m, timer);
  timer.expires = expires;
  timer.queuedOn = cpu;
  storeNumber(m.words, timer.address + HRTIMER.expires, expires);
  storeNumber(m.words, timer.address + HRTIMER.softExpires, expires);
  const queue = baseOf(cpu, timer);
  let at = queue.length;
  while (at > 0 && queue[at - 1]!.expires > expires) at -= 1;
  queue.splice(at, 0, timer);
  if (at === 0) programTimer(m, cpu);
}

export function dequeueTimer(m: Machine, timer: HrTimer): void {
  const cpu = timer.queuedOn;
  if (cpu === null) return;
  timer.queuedOn = null;
  const queue = baseOf(cpu, timer);
  const at = queue.indexOf(timer);
  queue.splice(at, 1);
  if (at === 0) programTimer(m, cpu);
}
