import { FUNCTION } from '../ftrace-events.ts';
import type { TraceArray } from '../trace-array.ts';
import { attachAll, callRecord, chosen } from '../traced-calls.ts';
import { noLatency } from './latency.ts';

/** Begins a measurement of latencies: nothing is the longest yet, and calls are recorded while one is measured (function-trace). */
export function startLatency(array: TraceArray, isMeasured: () => boolean): () => void {
  const { machine, options, latency } = array;
  array.latency = { ...noLatency(), thresholdNs: latency.thresholdNs };
  array.allocateSnapshot();
  const before = options.get('latency-format');
  options.set('latency-format', true);
  const stopCalls = options.get('function-trace')
    ? attachAll(array, chosen(array, array.filters), 'fentry', (symbol) => {
        if (!array.isOn || !isMeasured()) return;
        array.commit(FUNCTION, callRecord(symbol.entry, machine.words[machine.trace.slot >> 2]!));
      })
    : (): void => undefined;
  return () => {
    stopCalls();
    options.set('latency-format', before);
  };
}

/** __trace_function(): a record of a place and the one it was called from. */
export function recordPlace(array: TraceArray, ip: bigint, parent: bigint): void {
  array.commit(FUNCTION, callRecord(Number(BigInt.asIntN(32, ip)), Number(BigInt.asIntN(32, parent))));
}
