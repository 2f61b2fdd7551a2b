import type { Cpu } from '../cpu/cpu.ts';
import type { TextSymbol } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeNumber, storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';

export const TIMER = structFields('timer_list', { expires: 'expires', function: 'function', flags: 'flags' });

/** What a timer calls when it expires, in the TIMER softirq. */
export interface TimerCallback {
  (m: Machine, timer: WheelTimer): void;
  readonly symbol: TextSymbol;
}

/** struct timer_list. */
export interface WheelTimer extends KernelObject {
  readonly callback: TimerCallback;
  /** Whom it serves: the sleeping task, the work to queue. */
  readonly owner: unknown;
  /** In jiffies: what was asked for, and when its bucket is looked at. */
  expires: number;
  bucketExpiry: number;
  queuedOn: Cpu | null;
}

/** struct timer_base: the timers of one CPU, by the expiry of their buckets, in each in the order of arrival. */
export interface TimerWheel extends KernelObject {
  readonly timers: WheelTimer[];
}

export function allocateTimer(m: Machine, callback: TimerCallback, owner: unknown): WheelTimer {
  const address = m.arena.allocate(TIMER.size);
  storeWord(m.words, address + TIMER.function, { address: callback.symbol.entry });
  return { address, callback, owner, expires: 0, bucketExpiry: 0, queuedOn: null };
}
export function freeTimer(m: Machine, timer: WheelTimer): void {
  m.arena.free(timer.address, TIMER.size);
}

/*
 * The wheel (kernel/time/timer.c): nine levels of 64 buckets, each level eight times as coarse as the one before. A timer goes
 * into the level that its distance needs and expires with its bucket, at the next multiple of the level's granularity: late
 * by up to an eighth, never early, and nothing is sorted again later.
 */
const LEVELS = 9;
const COARSER = 8;
const LEVEL_REACH = 63;

function bucketExpiryOf(expires: number, clock: number): number {
  const distance = expires - clock;
  let granularity = 1;
  for (let level = 1; level < LEVELS && distance >= LEVEL_REACH * granularity; level += 1) granularity *= COARSER;
  return Math.floor((expires + granularity) / granularity) * granularity;
}

export function insertTimer(m: Machine, cpu: Cpu, timer: WheelTimer, expires: number, clock: number): void {
  timer.expires = expires;
  timer.bucketExpiry = bucketExpiryOf(expires, clock);
  timer.queuedOn = cpu;
  storeNumber(m.words, timer.address + TIMER.expires, expires);
  m.words[(timer.address + TIMER.flags) >> 2] = cpu.id;
  const { timers } = cpu.wheel;
  let at = timers.length;
  while (at > 0 && timers[at - 1]!.bucketExpiry > timer.bucketExpiry) at -= 1;
  timers.splice(at, 0, timer);
}
export function removeTimer(timer: WheelTimer): void {
  const timers = timer.queuedOn?.wheel.timers;
  timer.queuedOn = null;
  timers?.splice(timers.indexOf(timer), 1);
}
