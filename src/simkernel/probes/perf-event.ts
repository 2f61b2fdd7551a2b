import { isUserFrame } from '../cpu/user-frame.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeNumber } from '../memory/arena.ts';
import { fetchCallerRegisters } from './caller-registers.ts';
import type { Handler } from './handler.ts';
import { runHandlers } from './handler.ts';

/** struct perf_event: counts something on one CPU and takes a sample every `period` of it. */
export interface PerfEvent extends KernelObject {
  readonly cpu: number;
  readonly period: number;
  /** Only what this process does. */
  readonly pid: number | undefined;
  /** How much is left until the next sample. */
  left: number;
  /** Null once it is closed. */
  handler: Handler | null;
}

/** The shortest time between two samples: what hrtimer events take (perf_swevent_start_hrtimer), and kernel.perf_event_max_sample_rate. */
export const LEAST_SAMPLE_NS = 10_000;
/** sample_period and addr behind the registers. */
const PERIOD_BYTES = 16;

export function createPerfEvent(
  m: Machine,
  parts: Pick<PerfEvent, 'cpu' | 'period' | 'pid'>,
  handler: Handler,
): PerfEvent {
  return { address: m.arena.allocate(m.abi.userRegistersBytes + PERIOD_BYTES), left: parts.period, handler, ...parts };
}

/** bpf_overflow_handler: the program's context is struct bpf_perf_event_data: registers, sample_period, addr. */
export function sample(m: Machine, event: PerfEvent, regs: number, address = 0): void {
  const { handler } = event;
  if (handler === null) return;
  const { words, abi } = m;
  words.copyWithin(event.address >> 2, regs >> 2, (regs + abi.userRegistersBytes) >> 2);
  storeNumber(words, event.address + abi.userRegistersBytes, event.period);
  storeNumber(words, event.address + abi.userRegistersBytes + 8, address);
  if (isUserFrame(m, regs)) m.trace.ip = 0;
  else m.traceFrom(words[(regs + abi.ip) >> 2]!, words[(regs + abi.fp) >> 2]!, 0);
  runHandlers(m, [handler], event.address);
}

/** What the kernel itself counts, by perf's names. */
export type SoftwareCounter =
  | 'page-faults'
  | 'minor-faults'
  | 'major-faults'
  | 'context-switches'
  | 'cpu-migrations'
  | 'alignment-faults'
  | 'emulation-faults'
  | 'bpf-output'
  | 'dummy';

const perfSweventOverflow = kernelFunction(
  'perf_swevent_overflow',
  30,
  (m, event: PerfEvent, _overflow: number, address: number, regs: KernelObject): void =>
    sample(m, event, regs.address, address),
  { traceable: false },
);
/** kernel/events/core.c: finds the events of this CPU that count such a thing. */
const doPerfSwEvent = kernelFunction(
  'do_perf_sw_event',
  20,
  (
    m,
    events: KernelObject & { readonly list: readonly PerfEvent[] },
    count: number,
    address: number,
    regs: KernelObject,
  ): void => {
    const { cpu } = m;
    for (const event of events.list) {
      if (event.cpu !== cpu.id || (event.pid !== undefined && event.pid !== cpu.current.tgid)) continue;
      event.left -= count;
      if (event.left > 0) continue;
      event.left += event.period;
      perfSweventOverflow(m, event, 1, address, regs);
    }
  },
  { traceable: false },
);

/** perf_sw_event(): one of these has happened; `regs` are those that the kernel was entered with, else the caller's. */
export function countSoftware(m: Machine, counter: SoftwareCounter, address = 0, regs?: KernelObject): void {
  const list = m.softwareEvents.get(counter);
  if (list === undefined || list.length === 0) return;
  doPerfSwEvent(m, { address: m.scratch, list }, 1, address, regs ?? fetchCallerRegisters(m));
}
