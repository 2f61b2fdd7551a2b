import type { Cpu, WheelTimer } from '../cpu/cpu.ts';
import type { Machine } from '../machine.ts';
import { TICK_NS } from '../memory/kernel-data.ts';

/** mod_timer(): expires at a tick of the CPU that asks, in the TIMER softirq; queued by expiry, behind equal ones. */
export function startTimer(m: Machine, cpu: Cpu, timer: WheelTimer, delayNs: number): void {
  if (timer.pending) stopTimer(cpu, timer);
  const now = Math.max(cpu.time, m.clock);
  timer.expiresJiffies = Math.ceil((now + delayNs) / TICK_NS);
  timer.pending = true;
  const { timers } = cpu.wheel;
  let at = timers.length;
  while (at > 0 && timers[at - 1]!.expiresJiffies > timer.expiresJiffies) at -= 1;
  timers.splice(at, 0, timer);
}
/** timer_delete(): it does not expire any more. */
export function stopTimer(cpu: Cpu, timer: WheelTimer): void {
  const at = cpu.wheel.timers.indexOf(timer);
  if (at >= 0) cpu.wheel.timers.splice(at, 1);
  timer.pending = false;
}
export function createTimer(m: Machine, expire: (timer: WheelTimer) => void): WheelTimer {
  return { address: m.arena.allocate(64), expiresJiffies: 0, pending: false, expire };
}
