import { textSymbols } from '../execution/text.ts';
import type { TextSymbol } from '../execution/text.ts';
import type { Architecture } from '../arch/architecture.ts';
import type { Machine } from '../machine.ts';
import { EINVAL } from '../errno.ts';
import { attach } from '../probes/attach.ts';
import { COMMON_SIZE, parsedFormat } from './event.ts';
import type { TraceEvent } from './event.ts';
import { glob } from './filter.ts';
import { GRAPH_HEADER, graphText } from './graph-text.ts';
import type { TraceEntry } from './ring-buffer.ts';
import type { TraceArray } from './trace-array.ts';

/** struct tracer: what current_tracer names. */
export interface FunctionTracer {
  readonly name: string;
  /** In place of the usual header. */
  readonly header?: string;
  readonly text?: (array: TraceArray, entries: readonly TraceEntry[]) => string;
  stop(): void;
}

/** set_ftrace_filter, set_ftrace_notrace, set_graph_function: patterns as they were written. */
export class FunctionFilter {
  patterns: string[] = [];
  private readonly arch: Architecture;

  constructor(arch: Architecture) {
    this.arch = arch;
  }
  /** False when no function has such a name. */
  add(text: string): boolean {
    if (text.startsWith('!')) {
      this.patterns = this.patterns.filter((pattern) => pattern !== text.slice(1));
      return true;
    }
    const pattern = glob(text);
    if (!traceable(this.arch).some(({ name }) => pattern.test(name))) return false;
    this.patterns.push(text);
    return true;
  }
  /** Names of the functions it stands for; null: no filter is set. */
  names(): ReadonlySet<string> | null {
    if (this.patterns.length === 0) return null;
    const patterns = this.patterns.map(glob);
    return new Set(
      traceable(this.arch)
        .filter(({ name }) => patterns.some((pattern) => pattern.test(name)))
        .map(({ name }) => name),
    );
  }
}
export interface FunctionFilters {
  readonly only: FunctionFilter;
  readonly not: FunctionFilter;
  readonly graph: FunctionFilter;
}
export function createFunctionFilters({ arch }: Machine): FunctionFilters {
  return { only: new FunctionFilter(arch), not: new FunctionFilter(arch), graph: new FunctionFilter(arch) };
}
/** A function under its name on the machine's architecture. */
interface TracedFunction {
  readonly name: string;
  readonly symbol: TextSymbol;
}
function traceable(arch: Architecture): readonly TracedFunction[] {
  return textSymbols().flatMap((symbol) => {
    const name = symbol.traceable ? arch.ownName(symbol.name) : undefined;
    return name === undefined ? [] : [{ name, symbol }];
  });
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
function ftraceEvent(name: string, id: number, fields: TraceEvent['fields'], print: string): TraceEvent {
  return {
    system: 'ftrace',
    name,
    id,
    fields,
    print,
    format: parsedFormat(print),
    title: '',
    // Nobody enables these: the tracers write them.
    listen: () => -EINVAL,
  };
}
const FUNCTION = ftraceEvent(
  'function',
  1,
  [pointer('ip', 8), pointer('parent_ip', 16)],
  '"%ps <-%ps", REC->ip, REC->parent_ip',
);
const DEPTH = { type: 'int', name: 'depth', dimensions: '', offset: 16, size: 4, signed: true };
const ENTRY = ftraceEvent('funcgraph_entry', 11, [pointer('func', 8), DEPTH], '"--> %ps (%d)", REC->func, REC->depth');
const EXIT = ftraceEvent(
  'funcgraph_exit',
  10,
  [pointer('func', 8), DEPTH, pointer('calltime', 24), pointer('rettime', 32)],
  '"<-- %ps (%d)", REC->func, REC->depth',
);
/** What trace_marker leaves. */
export const PRINT_EVENT = ftraceEvent('print', 5, [pointer('ip', 8)], '"%s", REC->buf');
export const isGraphEntry = (event: TraceEvent): boolean => event === ENTRY;
export const isGraphExit = (event: TraceEvent): boolean => event === EXIT;

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
  hit: (symbol: TextSymbol, name: string) => void,
): () => void {
  const attachments = functions.map(({ name, symbol }) =>
    attach(array.machine, { kind, function: name }, () => hit(symbol, name)),
  );
  return () => {
    for (const attached of attachments) if (attached.ok) attached.detach();
  };
}

function startFunction(array: TraceArray, filters: FunctionFilters): FunctionTracer {
  const { machine } = array;
  const stop = attachAll(array, chosen(array, filters), 'fentry', (symbol) => {
    if (!array.on) return;
    const data = new Uint8Array(COMMON_SIZE + 16);
    storeText(data, 8, symbol.entry);
    storeText(data, 16, machine.words[machine.trace.slot >> 2]!);
    array.commit(FUNCTION, data);
  });
  return { name: 'function', stop };
}

/** Calls under way of a task that the graph shows, and where it began to. */
interface GraphStack {
  readonly calls: { readonly symbol: TextSymbol; readonly timeNs: number }[];
}

function startGraph(array: TraceArray, filters: FunctionFilters): FunctionTracer {
  const { machine } = array;
  const roots = filters.graph.names();
  const stacks = new Map<number, GraphStack>();
  let active = true;
  const symbols = chosen(array, filters);
  const stackOf = (): GraphStack => {
    const { pid } = machine.cpu.current;
    // Each CPU has an idle task, and all of them have the number 0.
    const key = pid === 0 ? -1 - machine.cpu.id : pid;
    let stack = stacks.get(key);
    if (stack === undefined) stacks.set(key, (stack = { calls: [] }));
    return stack;
  };
  const stopEntries = attachAll(array, symbols, 'fentry', (symbol, name) => {
    const { calls } = stackOf();
    if (!array.on || (calls.length === 0 && roots?.has(name) === false)) return;
    const data = record(COMMON_SIZE + 12, []);
    storeText(data, 8, symbol.entry);
    new DataView(data.buffer).setInt32(16, calls.length, true);
    calls.push({ symbol, timeNs: machine.cpu.time });
    array.commit(ENTRY, data);
  });
  const stopExits = attachAll(array, symbols, 'fexit', (symbol) => {
    if (!active) return;
    const { calls } = stackOf();
    const at = calls.findLastIndex((call) => call.symbol === symbol);
    if (at < 0) return;
    const [call] = calls.splice(at);
    const data = record(COMMON_SIZE + 32, [
      [24, Math.round(call!.timeNs)],
      [32, Math.round(machine.cpu.time)],
    ]);
    storeText(data, 8, symbol.entry);
    new DataView(data.buffer).setInt32(16, at, true);
    if (array.on) array.commit(EXIT, data);
  });
  return {
    name: 'function_graph',
    header: GRAPH_HEADER,
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
