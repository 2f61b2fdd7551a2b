import type { TextSymbol } from '../execution/text.ts';
import { ENTRY, ENTRY_SIZE, EXIT, EXIT_SIZE, FUNCTION, record, storeText } from './ftrace-events.ts';
import type { FunctionFilters } from './function-filter.ts';
import { graphHeader, graphText } from './graph-text.ts';
import { recordKernelStack } from './stack-records.ts';
import { TaskSleep } from './task-sleep.ts';
import type { TraceArray } from './trace-array.ts';
import { attachAll, callRecord, chosen, currentKey, withArguments } from './traced-calls.ts';
import type { Tracer } from './tracer.ts';

/** `function`: each call, and where from. */
export function startFunction(array: TraceArray, filters: FunctionFilters): Tracer {
  const { machine, options } = array;
  const stop = attachAll(array, chosen(array, filters), 'fentry', (symbol, _name, context) => {
    if (!array.isOn || !array.functionTasks.has(machine.cpu.current.pid)) return;
    const data = callRecord(symbol.entry, machine.words[machine.trace.slot >> 2]!);
    array.commit(FUNCTION, options.get('func-args') ? withArguments(machine, data, context) : data);
    if (options.get('func_stack_trace')) recordKernelStack(array);
  });
  return { name: 'function', stop };
}

/** A call under way of a task that the graph follows. */
interface GraphCall {
  readonly symbol: TextSymbol;
  readonly timeNs: number;
  /** What its task had slept by then. */
  readonly sleptNs: number;
  /** Only counted: too deep, or below a function that is left out. */
  readonly isHidden: boolean;
}

/** `function_graph`: calls and their ends, with times. */
export function startGraph(array: TraceArray, filters: FunctionFilters): Tracer {
  const { machine, options } = array;
  const roots = filters.graph.names();
  const hidden = filters.graphNot.names();
  const stacks = new Map<number, GraphCall[]>();
  const sleep = new TaskSleep(machine, () => !options.get('sleep-time'));
  let active = true;
  const symbols = chosen(array, filters);
  const callsOf = (): GraphCall[] => {
    const key = currentKey(machine);
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
    const call = { symbol, timeNs: machine.cpu.time, sleptNs: sleep.ofCurrent(), isHidden: isHidden(calls, name) };
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
      [24, Math.round(call!.timeNs + sleep.since(call!.sleptNs))],
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
      sleep.stop();
    },
  };
}
