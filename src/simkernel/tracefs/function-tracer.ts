import type { TextSymbol } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import { EINVAL } from '../errno.ts';
import { attach } from '../probes/attach.ts';
import { COMMON_SIZE, parsedFormat } from './event.ts';
import { argumentsText, MOST_SHOWN_ARGUMENTS } from './function-arguments.ts';
import type { TraceEvent } from './event.ts';
import { traceable } from './function-filter.ts';
import type { FunctionFilters, TracedFunction } from './function-filter.ts';
import { graphHeader, graphText } from './graph-text.ts';
import { loadInteger } from './print-format.ts';
import type { TraceEntry } from './ring-buffer.ts';
import { recordKernelStack } from './stack-records.ts';
import { shownSymbol } from './symbol-style.ts';
import type { TraceArray } from './trace-array.ts';

/** struct tracer: what current_tracer names. */
export interface FunctionTracer {
  readonly name: string;
  /** In place of the usual header. */
  readonly header?: (array: TraceArray) => string;
  readonly text?: (array: TraceArray, entries: readonly TraceEntry[]) => string;
  stop(): void;
}

function chosen({ machine }: TraceArray, { only, not }: FunctionFilters): readonly TracedFunction[] {
  const [wanted, unwanted] = [only.names(), not.names()];
  return traceable(machine.arch).filter(({ name }) => wanted?.has(name) !== false && unwanted?.has(name) !== true);
}

const pointer = (name: string, offset: number) => ({
  type: 'unsigned long',
  name,
  dimensions: '',
  offset,
  size: 8,
  signed: false,
});
function ftraceEvent(
  name: string,
  id: number,
  fields: TraceEvent['fields'],
  print: string,
  describe?: TraceEvent['describe'],
): TraceEvent {
  return {
    system: 'ftrace',
    name,
    id,
    fields,
    print,
    format: parsedFormat(print),
    title: '',
    ...(describe === undefined ? {} : { describe }),
    // Nobody enables these: the tracers write them.
    listen: () => -EINVAL,
  };
}
const FUNCTION = ftraceEvent(
  'function',
  1,
  [pointer('ip', 8), pointer('parent_ip', 16)],
  '"%ps <-%ps", REC->ip, REC->parent_ip',
  (array, data) => {
    const { machine, options } = array;
    const ip = loadInteger(data, 8, 8, false);
    const args = data.length > FUNCTION_SIZE ? argumentsText(machine, ip, data, FUNCTION_SIZE) : '';
    const parent = options.get('print-parent') ? ` <-${shownSymbol(array, loadInteger(data, 16, 8, false))}` : '';
    return `${shownSymbol(array, ip)}${args}${parent}`;
  },
);
const FUNCTION_SIZE = COMMON_SIZE + 16;
const DEPTH = { type: 'int', name: 'depth', dimensions: '', offset: 16, size: 4, signed: true };
const ENTRY = ftraceEvent('funcgraph_entry', 11, [pointer('func', 8), DEPTH], '"--> %ps (%d)", REC->func, REC->depth');
/** Behind a call's record stand its arguments, where they are wanted. */
export const ENTRY_SIZE = COMMON_SIZE + 12;
const EXIT = ftraceEvent(
  'funcgraph_exit',
  10,
  [pointer('func', 8), DEPTH, pointer('calltime', 24), pointer('rettime', 32), pointer('retval', 40)],
  '"<-- %ps (%d)", REC->func, REC->depth',
);
const EXIT_SIZE = COMMON_SIZE + 40;
/** What trace_marker leaves. */
export const PRINT_EVENT = ftraceEvent('print', 5, [pointer('ip', 8)], '"%s", REC->buf');

function record(size: number, words: readonly (readonly [offset: number, value: number])[]): Uint8Array {
  const data = new Uint8Array(size);
  const view = new DataView(data.buffer);
  for (const [offset, value] of words) {
    view.setUint32(offset, (value % 4294967296) | 0, true);
    view.setUint32(offset + 4, Math.floor(value / 4294967296), true);
  }
  return data;
}
function storeText(data: Uint8Array, offset: number, low: number): void {
  const view = new DataView(data.buffer);
  view.setInt32(offset, low | 0x80000000, true);
  view.setInt32(offset + 4, -1, true);
}

/** Attaches to all the functions; what it returns lets go of them. */
function attachAll(
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
function withArguments(m: Machine, data: Uint8Array, context: number): Uint8Array {
  const size = 8 * MOST_SHOWN_ARGUMENTS;
  const whole = new Uint8Array(data.length + size);
  whole.set(data);
  // A context of a function with fewer arguments has its result and old values behind them.
  whole.set(m.arena.bytes.subarray(context, context + size), data.length);
  return whole;
}

function startFunction(array: TraceArray, filters: FunctionFilters): FunctionTracer {
  const { machine, options } = array;
  const stop = attachAll(array, chosen(array, filters), 'fentry', (symbol, _name, context) => {
    if (!array.isOn || !array.functionTasks.has(machine.cpu.current.pid)) return;
    const data = new Uint8Array(FUNCTION_SIZE);
    storeText(data, 8, symbol.entry);
    storeText(data, 16, machine.words[machine.trace.slot >> 2]!);
    array.commit(FUNCTION, options.get('func-args') ? withArguments(machine, data, context) : data);
    if (options.get('func_stack_trace')) recordKernelStack(array);
  });
  return { name: 'function', stop };
}

/** A call under way of a task that the graph follows. */
interface GraphCall {
  readonly symbol: TextSymbol;
  readonly timeNs: number;
  /** Only counted: too deep, or below a function that is left out. */
  readonly isHidden: boolean;
}

function startGraph(array: TraceArray, filters: FunctionFilters): FunctionTracer {
  const { machine, options } = array;
  const roots = filters.graph.names();
  const hidden = filters.graphNot.names();
  const stacks = new Map<number, GraphCall[]>();
  let active = true;
  const symbols = chosen(array, filters);
  const callsOf = (): GraphCall[] => {
    const { pid } = machine.cpu.current;
    // Each CPU has an idle task, and all of them have the number 0.
    const key = pid === 0 ? -1 - machine.cpu.id : pid;
    let calls = stacks.get(key);
    if (calls === undefined) stacks.set(key, (calls = []));
    return calls;
  };
  const isHidden = (calls: readonly GraphCall[], name: string): boolean =>
    calls.at(-1)?.isHidden === true ||
    hidden?.has(name) === true ||
    (array.graphDepth > 0 && calls.length >= array.graphDepth);
  const stopEntries = attachAll(array, symbols, 'fentry', (symbol, name, context) => {
    const calls = callsOf();
    if (!array.isOn || (calls.length === 0 && roots?.has(name) === false)) return;
    if (calls.length === 0 && !array.functionTasks.has(machine.cpu.current.pid)) return;
    if (machine.cpu.hardirqDepth > 0 && !options.get('funcgraph-irqs')) return;
    const call = { symbol, timeNs: machine.cpu.time, isHidden: isHidden(calls, name) };
    calls.push(call);
    if (call.isHidden) return;
    const data = record(ENTRY_SIZE, []);
    storeText(data, 8, symbol.entry);
    new DataView(data.buffer).setInt32(16, calls.length - 1, true);
    array.commit(ENTRY, options.get('funcgraph-args') ? withArguments(machine, data, context) : data);
  });
  const stopExits = attachAll(array, symbols, 'fexit', (symbol, _name, context) => {
    if (!active) return;
    const calls = callsOf();
    const at = calls.findLastIndex((call) => call.symbol === symbol);
    if (at < 0) return;
    const [call] = calls.splice(at);
    if (call!.isHidden || !array.isOn) return;
    const data = record(EXIT_SIZE, [
      [24, Math.round(call!.timeNs)],
      [32, Math.round(machine.cpu.time)],
    ]);
    storeText(data, 8, symbol.entry);
    new DataView(data.buffer).setInt32(16, at, true);
    const { view } = machine.arena;
    const result = context + 8 * view.getInt32(context - 8, true);
    new DataView(data.buffer).setBigUint64(40, view.getBigUint64(result, true), true);
    array.commit(EXIT, data);
  });
  return {
    name: 'function_graph',
    header: graphHeader,
    text: graphText,
    stop() {
      active = false;
      stopEntries();
      stopExits();
    },
  };
}

type Start = (array: TraceArray, filters: FunctionFilters) => FunctionTracer | null;
/** available_tracers. */
export const TRACERS = {
  function_graph: startGraph,
  function: startFunction,
  nop: () => null,
} as const satisfies Record<string, Start>;
export type TracerName = keyof typeof TRACERS;
