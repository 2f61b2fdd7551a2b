import { startFunction, startGraph } from './function-tracer.ts';
import { startIrqsOff } from './latency/irqsoff-tracer.ts';
import { startWakeup } from './latency/wakeup-tracer.ts';
import type { StartTracer } from './tracer.ts';

/** available_tracers. */
export const TRACERS = {
  irqsoff: startIrqsOff,
  function_graph: startGraph,
  wakeup_rt: startWakeup('wakeup_rt'),
  wakeup: startWakeup('wakeup'),
  function: startFunction,
  nop: () => null,
} as const satisfies Record<string, StartTracer>;
export type TracerName = keyof typeof TRACERS;
