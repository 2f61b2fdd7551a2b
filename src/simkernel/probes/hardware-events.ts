import { executedNs } from '../cpu/accounting.ts';
import { postNmi } from '../cpu/local-apic.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { registerNmiHandler } from '../functions/x86/nmi.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import type { PerfEvent } from './perf-event.ts';
import { LEAST_SAMPLE_NS, sample } from './perf-event.ts';

/**
 * The performance monitoring unit, as a model of the work that a CPU does: while it executes, events happen at these rates
 * per nanosecond; a halted CPU counts nothing. 3 GHz, some more than one instruction per cycle, a branch in five
 * instructions; of the loads one in forty leaves the first two caches, and one in eight of these goes to memory.
 */
export const HARDWARE_RATES = {
  'cpu-cycles': 3,
  'ref-cycles': 2.8,
  'bus-cycles': 0.1,
  instructions: 3.6,
  'branch-instructions': 0.72,
  'branch-misses': 0.011,
  'cache-references': 0.09,
  'cache-misses': 0.011,
  'backend-stalls': 0.8,
  'frontend-stalls': 0.35,
} as const;
export type HardwareCounter = keyof typeof HARDWARE_RATES;

/** A counter programmed to overflow after `period` events. */
export interface HardwareEvent extends PerfEvent {
  readonly rate: number;
  /** Executed time of its CPU when it last overflowed. */
  startedAt: number;
  overflown: boolean;
}

/** arch/x86/events/core.c: the unit's interrupt is an NMI. */
const perfEventNmiHandler = kernelFunction(
  'perf_event_nmi_handler',
  60,
  (m, _type: number, regs: KernelObject): number => {
    let handled = 0;
    for (const event of m.hardwareEvents) {
      if (event.cpu !== m.cpu.id || !event.overflown) continue;
      event.overflown = false;
      handled += 1;
      if (event.pid === undefined || event.pid === m.cpu.current.tgid) sample(m, event, regs.address);
    }
    return handled;
  },
  { traceable: false },
);

/** Counts on one CPU; the first event of a machine registers the NMI handler. */
export function startHardwareEvent(m: Machine, event: HardwareEvent): void {
  if (!m.nmiHandlers.includes(perfEventNmiHandler)) registerNmiHandler(m, perfEventNmiHandler);
  m.hardwareEvents.push(event);
  event.startedAt = executedNs(m.cpuList[event.cpu]!, m.now());
  watch(m, event);
}

/** How much of a period a counter may be late: while its CPU is halted nobody looks more often than that. */
const SKID = 1 / 16;

/** Looks again when the counter would overflow if its CPU did nothing but execute. */
function watch(m: Machine, event: HardwareEvent, nowNs = m.now()): void {
  const cpu = m.cpuList[event.cpu]!;
  const needed = Math.max(event.period / event.rate, LEAST_SAMPLE_NS);
  const left = event.startedAt + needed - executedNs(cpu, m.now());
  const at = nowNs + Math.max(left, needed * SKID, 1);
  m.schedule(at, () => {
    if (event.handler === null) return;
    const executed = executedNs(cpu, m.now());
    if (executed >= event.startedAt + needed) {
      event.startedAt = executed;
      event.overflown = true;
      postNmi(m, cpu, at);
    }
    watch(m, event, at);
  });
}
