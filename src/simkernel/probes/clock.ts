import { irqFromUser } from '../cpu/user-frame.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import type { HrTimer } from '../irq/hrtimer.ts';
import { createHrTimer, dequeueTimer, enqueueTimer } from '../irq/hrtimer.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeNumber } from '../memory/arena.ts';
import type { Attachment } from './attach.ts';
import type { Handler } from './handler.ts';
import { runHandlers } from './handler.ts';
import { LEAST_SAMPLE_NS } from './perf-event.ts';

/** A cpu-clock perf event on one CPU. */
interface ClockEvent extends KernelObject {
  readonly periodNs: number;
  /** struct bpf_perf_event_data: registers, sample_period, addr. */
  readonly context: number;
  handler: Handler | null;
}
/** sample_period and addr behind the registers. */
const PERIOD_BYTES = 16;

/** kernel/events/core.c: the hrtimer of a software clock event; the sample is of what the interrupt hit. */
const perfSweventHrtimer = kernelFunction('perf_swevent_hrtimer', 60, (m, timer: HrTimer): boolean => {
  const event = timer.owner as ClockEvent;
  if (event.handler === null) return false;
  const { cpu, words, abi } = m;
  const regs = cpu.irqRegs;
  words.copyWithin(event.context >> 2, regs >> 2, (regs + abi.userRegistersBytes) >> 2);
  storeNumber(words, event.context + abi.userRegistersBytes, event.periodNs);
  storeNumber(words, event.context + abi.userRegistersBytes + 8, 0);
  if (irqFromUser(m, cpu)) m.trace.ip = 0;
  else m.traceFrom(words[(regs + abi.ip) >> 2]!, words[(regs + abi.fp) >> 2]!, 0);
  runHandlers(m, [event.handler], event.context);
  timer.expires += Math.max(event.periodNs, LEAST_SAMPLE_NS);
  return true;
});

export function attachClock(m: Machine, periodNs: number, cpu: number | 'all', handler: Handler): Attachment {
  if (periodNs <= 0) return { ok: false, errno: 'EINVAL', reason: 'a clock needs a period' };
  const timers: HrTimer[] = [];
  for (const on of m.cpuList) {
    if (cpu !== 'all' && on.id !== cpu) continue;
    const context = m.arena.allocate(m.abi.userRegistersBytes + PERIOD_BYTES);
    const event: ClockEvent = { address: context, context, periodNs, handler };
    const timer = createHrTimer(m, perfSweventHrtimer, event);
    enqueueTimer(m, on, timer, m.now() + Math.max(periodNs, LEAST_SAMPLE_NS));
    timers.push(timer);
  }
  if (timers.length === 0) return { ok: false, errno: 'EINVAL', reason: `no CPU ${String(cpu)}` };
  return {
    ok: true,
    detach() {
      for (const timer of timers) {
        (timer.owner as ClockEvent).handler = null;
        dequeueTimer(m, timer);
      }
    },
  };
}
