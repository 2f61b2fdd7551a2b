import { tracepoint } from './tracepoint.ts';
import type { RecordFields, Tracepoint } from './tracepoint.ts';

/** A record whose fields are the event's arguments, in their order. */
const numbers =
  (...names: readonly string[]) =>
  (f: RecordFields): ((...values: number[]) => void) => {
    const fields = names.map((name) => f.number(name));
    return (...values) => fields.forEach((set, i) => set(values[i] ?? 0));
  };

/** arch/x86/include/asm/trace/irq_vectors.h: how lines come by their vectors. */
export const vectorSetup: Tracepoint<[irq: number, isLegacy: number, ret: number]> = tracepoint(
  'irq_vectors:vector_setup',
  3,
  numbers('irq', 'is_legacy', 'ret'),
);
type Activation = Tracepoint<[irq: number, isManaged: number, canReserve: number, reserve: number]>;
const activation = numbers('irq', 'is_managed', 'can_reserve', 'reserve');
export const vectorActivate: Activation = tracepoint('irq_vectors:vector_activate', 4, activation);
export const vectorDeactivate: Activation = tracepoint('irq_vectors:vector_deactivate', 4, activation);
export const vectorAlloc: Tracepoint<[irq: number, vector: number, reserved: number, ret: number]> = tracepoint(
  'irq_vectors:vector_alloc',
  4,
  numbers('irq', 'vector', 'reserved', 'ret'),
);
type Move = Tracepoint<[irq: number, vector: number, cpu: number, prevVector: number, prevCpu: number]>;
const move = numbers('irq', 'vector', 'cpu', 'prev_vector', 'prev_cpu');
export const vectorUpdate: Move = tracepoint('irq_vectors:vector_update', 5, move);
export const vectorClear: Move = tracepoint('irq_vectors:vector_clear', 5, move);
export const vectorConfig: Tracepoint<[irq: number, vector: number, cpu: number, apicdest: number]> = tracepoint(
  'irq_vectors:vector_config',
  4,
  numbers('irq', 'vector', 'cpu', 'apicdest'),
);
export const vectorFreeMoved: Tracepoint<[irq: number, cpu: number, vector: number, isManaged: number]> = tracepoint(
  'irq_vectors:vector_free_moved',
  4,
  numbers('irq', 'cpu', 'vector', 'is_managed'),
);
