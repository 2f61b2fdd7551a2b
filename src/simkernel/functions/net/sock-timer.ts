import { TIMER } from '../../irq/timer-list.ts';
import type { TimerCallback } from '../../irq/timer-list.ts';
import type { Machine } from '../../machine.ts';
import { storeWord } from '../../memory/arena.ts';
import { TICK_NS } from '../../memory/kernel-data.ts';
import type { SockTimer } from '../../net/tcp-sock.ts';
import { startTimer, stopTimer } from '../kernel/timer-wheel.ts';

/** A timer inside of a socket; its callback asks `isSockTimerDue` first. */
export function createSockTimer(m: Machine, address: number, callback: TimerCallback, owner: unknown): SockTimer {
  storeWord(m.words, address + TIMER.function, { address: callback.symbol.entry });
  return { timer: { address, callback, owner, expires: 0, bucketExpiry: 0, queuedOn: null }, dueNs: 0, armedNs: 0 };
}
/** Whether it is time. One that was put off while it was queued goes back: moving it at once would cost more. */
export function isSockTimerDue(m: Machine, self: SockTimer): boolean {
  if (self.dueNs === 0) return false;
  const left = self.dueNs - m.cpu.time;
  if (left > TICK_NS) {
    self.armedNs = self.dueNs;
    startTimer(m, m.cpu, self.timer, left);
    return false;
  }
  self.dueNs = 0;
  return true;
}
/** sk_reset_timer(). */
export function resetSockTimer(m: Machine, self: SockTimer, delayNs: number): void {
  const due = m.cpu.time + delayNs;
  const { timer } = self;
  self.dueNs = due;
  // It goes off earlier than needed and then looks again.
  if (timer.queuedOn !== null && self.armedNs <= due) return;
  self.armedNs = due;
  startTimer(m, m.cpu, timer, delayNs);
}
/** It stays queued and finds nothing to do. */
export function clearSockTimer(self: SockTimer): void {
  self.dueNs = 0;
}
/** sk_stop_timer(), for good. */
export function stopSockTimer(m: Machine, self: SockTimer): void {
  self.dueNs = 0;
  if (self.timer.queuedOn !== null) stopTimer(m, self.timer);
}
