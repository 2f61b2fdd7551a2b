import type { Cpu } from '../cpu/cpu.ts';
import type { Machine } from '../machine.ts';

/*
 * What CPUs tell each other through memory. A CPU runs its segment to the end before another one runs (see run.ts), so it may
 * have left something in memory at a time that the other has not reached. On a real machine nobody would find it there yet, or
 * would wait for the lock around it. So such things carry the time of their last change, and whoever looks at one turns in
 * place until then: no effect precedes its cause.
 */

/** Something in memory that one CPU changes and another finds: a socket, a queue, a sleeping task. */
export interface HandOver {
  /** When it was last changed, by the clock of the CPU that did. */
  leftAt: number;
}

/** It has been changed now. */
export function leave(m: Machine, what: HandOver): void {
  if (m.cpu.time > what.leftAt) what.leftAt = m.cpu.time;
}
/** Looks at it, as soon as whoever changed it has. */
export function takeUp(m: Machine, what: HandOver): void {
  const { cpu } = m;
  if (cpu.time < what.leftAt) spinUntil(m, cpu, what.leftAt);
}
/** Turns in place; interrupts come meanwhile if they may. */
export function spinUntil(m: Machine, cpu: Cpu, timeNs: number): void {
  const ns = timeNs - cpu.time;
  cpu.time = timeNs;
  if (timeNs >= cpu.horizon) m.catchUp(cpu, ns);
}
