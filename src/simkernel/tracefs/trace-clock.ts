import type { Cpu } from '../cpu/cpu.ts';
import type { Machine } from '../machine.ts';
import { TICK_NS } from '../memory/kernel-data.ts';
import { HARDWARE_RATES } from '../probes/hardware-events.ts';

/** A clock of trace_clock. */
interface ClockRow {
  /** Shown as seconds and microseconds; others as plain numbers. */
  readonly isTime: boolean;
  readonly read: (cpu: Cpu, events: number, m: Machine) => number;
}
const sinceBoot: ClockRow = { isTime: true, read: (cpu) => cpu.time };
const NS_PER_CLOCK_T = 1e7;
/** How far leap seconds have put TAI ahead of UTC. */
const TAI_OFFSET_NS = 37e9;

/** The clock a trace array's records are stamped with; the machine is never suspended, so that most agree. */
export const CLOCKS = {
  local: sinceBoot,
  global: sinceBoot,
  counter: { isTime: false, read: (_cpu, events) => events },
  uptime: {
    isTime: false,
    read: ({ time }) => Math.floor((Math.floor(time / TICK_NS) * TICK_NS) / NS_PER_CLOCK_T),
  },
  perf: sinceBoot,
  mono: sinceBoot,
  mono_raw: sinceBoot,
  boot: sinceBoot,
  tai: { isTime: true, read: ({ time }, _events, m) => m.bootTimeNs + TAI_OFFSET_NS + time },
  'x86-tsc': { isTime: false, read: ({ time }) => Math.floor(time * HARDWARE_RATES['ref-cycles']) },
} as const satisfies Record<string, ClockRow>;
export type ClockName = keyof typeof CLOCKS;
