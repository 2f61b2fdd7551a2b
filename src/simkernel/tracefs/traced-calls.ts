import type { TextSymbol } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import { attach } from '../probes/attach.ts';
import { FUNCTION_SIZE, storeText } from './ftrace-events.ts';
import { MOST_SHOWN_ARGUMENTS } from './function-arguments.ts';
import { traceable } from './function-filter.ts';
import type { FunctionFilters, TracedFunction } from './function-filter.ts';
import type { TraceArray } from './trace-array.ts';

/** The functions that set_ftrace_filter and set_ftrace_notrace leave. */
export function chosen({ machine }: TraceArray, { only, not }: FunctionFilters): readonly TracedFunction[] {
  const [wanted, unwanted] = [only.names(), not.names()];
  return traceable(machine.arch).filter(({ name }) => wanted?.has(name) !== false && unwanted?.has(name) !== true);
}

/** Attaches to all the functions; what it returns lets go of them. */
export function attachAll(
  array: TraceArray,
  functions: readonly TracedFunction[],
  kind: 'fentry' | 'fexit',
  hit: (symbol: TextSymbol, name: string, context: number) => void,
): () => void {
  const attachments = functions.map(({ name, symbol }) =>
    attach(array.machine, { kind, function: name }, (context) => hit(symbol, name, context)),
  );
  return () => {
    for (const attached of attachments) if (attached.ok) attached.detach();
  };
}
/** The option func-args or funcgraph-args: the argument registers behind a record. */
export function withArguments(m: Machine, data: Uint8Array, context: number): Uint8Array {
  const size = 8 * MOST_SHOWN_ARGUMENTS;
  const whole = new Uint8Array(data.length + size);
  whole.set(data);
  // A context of a function with fewer arguments has its result and old values behind them.
  whole.set(m.arena.bytes.subarray(context, context + size), data.length);
  return whole;
}

/** A task, told apart from all others: each CPU has an idle task, and all of them have the number 0. */
export const taskKey = (pid: number, cpu: number): number => (pid === 0 ? -1 - cpu : pid);
export const currentKey = ({ cpu }: Machine): number => taskKey(cpu.current.pid, cpu.id);

/** The record of a call, by the low halves of its addresses. */
export function callRecord(ip: number, parent: number): Uint8Array {
  const data = new Uint8Array(FUNCTION_SIZE);
  storeText(data, 8, ip);
  storeText(data, 16, parent);
  return data;
}
