import { wakeUpProcess } from './sched.ts';
import type { Cpu } from '../../cpu/cpu.ts';
import type { Machine } from '../../machine.ts';
import { softirqRaise } from '../../tracepoints/irq.ts';

/** include/linux/interrupt.h: the vectors in order of their bits. */
export const SOFTIRQS = [
  'HI',
  'TIMER',
  'NET_TX',
  'NET_RX',
  'BLOCK',
  'IRQ_POLL',
  'TASKLET',
  'SCHED',
  'HRTIMER',
  'RCU',
] as const;
export type Softirq = (typeof SOFTIRQS)[number];

/** Marks a softirq pending on a CPU; it runs when the outermost interrupt there ends. */
export function raiseSoftirq(m: Machine, cpu: Cpu, softirq: Softirq): void {
  raiseQuietly(cpu, softirq);
  softirqRaise(m, SOFTIRQS.indexOf(softirq));
  // No interrupt will end here and look, and no local_bh_enable() either.
  if (cpu.hardirqDepth === 0 && cpu.softirqDepth === 0 && cpu.bhDisabled === 0) wakeupSoftirqd(m, cpu);
}
/** Without the event: RCU's vector is raised by the tick's check of the callbacks, which is not simulated. */
export function raiseQuietly(cpu: Cpu, softirq: Softirq): void {
  cpu.softirqPending |= 1 << SOFTIRQS.indexOf(softirq);
}

/** Leaves what is pending to the CPU's own thread. */
export function wakeupSoftirqd(m: Machine, cpu: Cpu): void {
  if (cpu.ksoftirqd !== null) wakeUpProcess(m, cpu.ksoftirqd);
}
