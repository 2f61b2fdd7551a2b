import type { FunctionFilters } from './function-filter.ts';
import type { TraceEntry } from './ring-buffer.ts';
import type { TraceArray } from './trace-array.ts';

/** struct tracer: what current_tracer names. */
export interface Tracer {
  readonly name: string;
  /** In place of the usual header. */
  readonly header?: (array: TraceArray) => string;
  readonly text?: (array: TraceArray, entries: readonly TraceEntry[]) => string;
  /** The buffers that were put away at the longest latency are what `trace` shows (use_max_tr). */
  readonly showsLongest?: true;
  stop(): void;
}
export type StartTracer = (array: TraceArray, filters: FunctionFilters) => Tracer | null;
