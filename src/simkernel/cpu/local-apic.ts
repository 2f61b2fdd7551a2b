import type { Machine } from '../machine.ts';
import type { Arrival, Cpu } from './cpu.ts';
import { VECTORS } from './descriptor-tables.ts';
import { FLAGS } from './registers.ts';

/*
 * What reaches a CPU and when: vectors on their way to its local APIC, the APIC's one-shot timer, and the interrupt flag.
 * `horizon` is the one number that running code compares its time with.
 */

/** Sends a vector to a CPU's local APIC. */
export function post(m: Machine, cpu: Cpu, vector: number, timeNs: number): void {
  const { arrivals } = cpu;
  const arrival: Arrival = { timeNs, vector };
  let at = arrivals.length;
  while (at > 0 && arrivals[at - 1]!.timeNs > timeNs) at -= 1;
  if (at === arrivals.length) arrivals.push(arrival);
  else arrivals.splice(at, 0, arrival);
  refresh(m, cpu);
}

/** Pulls the NMI pin of a CPU. */
export function postNmi(m: Machine, cpu: Cpu, timeNs: number): void {
  cpu.nmiAt = Math.min(cpu.nmiAt, timeNs);
  refresh(m, cpu);
}

/** Sets the one-shot timer of a CPU's local APIC to its first hrtimer. */
export function programTimer(m: Machine, cpu: Cpu): void {
  const hard = cpu.hrtimers[0]?.expires ?? Infinity;
  // Those of the softirq need no interrupt while it is on its way.
  const soft = cpu.softTimersActive ? Infinity : (cpu.softTimers[0]?.expires ?? Infinity);
  cpu.timerDeadline = Math.min(hard, soft);
  refresh(m, cpu);
}

/** Acknowledges the earliest interrupt: its vector. */
export function takeInterrupt(m: Machine, cpu: Cpu): number {
  if (cpu.nmiAt <= cpu.nextArrival) {
    cpu.nmiAt = Infinity;
    refresh(m, cpu);
    return VECTORS.nmi;
  }
  const [first] = cpu.arrivals;
  if (first !== undefined && first.timeNs < cpu.timerDeadline) {
    // Mostly there is one.
    if (cpu.arrivals.length === 1) cpu.arrivals.pop();
    else cpu.arrivals.shift();
    refresh(m, cpu);
    return first.vector;
  }
  cpu.timerDeadline = Infinity;
  refresh(m, cpu);
  return VECTORS.localTimer;
}

/** Recomputes when a CPU must next look up from its work. */
export function refresh(m: Machine, cpu: Cpu): void {
  // An NMI waits for nothing but the end of another.
  const nmiAt = cpu.nmiDepth === 0 ? cpu.nmiAt : Infinity;
  if (!cpu.interruptsEnabled) {
    cpu.nextArrival = nmiAt;
    cpu.horizon = cpu.attentive ? 0 : nmiAt;
    return;
  }
  const [first] = cpu.arrivals;
  const next = first !== undefined && first.timeNs < cpu.timerDeadline ? first.timeNs : cpu.timerDeadline;
  cpu.nextArrival = next < nmiAt ? next : nmiAt;
  cpu.horizon = cpu.attentive ? 0 : nextLook(m, cpu);
}

/** Time of the next interrupt or device event that this CPU has to stop for. */
export function nextLook(m: Machine, cpu: Cpu): number {
  const { nextArrival } = cpu;
  return nextArrival < m.events.nextTime || !cpu.interruptsEnabled ? nextArrival : m.events.nextTime;
}

/** `cli`: local_irq_disable() does not count; the second changes nothing. */
export function irqDisable(m: Machine): void {
  const { cpu } = m;
  const wereEnabled = cpu.interruptsEnabled;
  cpu.flags &= ~FLAGS.interrupt;
  refresh(m, cpu);
  if (wereEnabled && m.irqWatch !== null) m.irqWatch(true);
}

/** `sti`: what has come meanwhile is delivered at once. */
export function irqEnable(m: Machine): void {
  const { cpu } = m;
  if (cpu.interruptsEnabled) return;
  if (m.irqWatch !== null) m.irqWatch(false);
  cpu.flags |= FLAGS.interrupt;
  refresh(m, cpu);
  if (cpu.time >= cpu.horizon) m.catchUp(cpu, 0);
}
