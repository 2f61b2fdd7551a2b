import type { Task } from '../../tasks/task.ts';
import type { TraceArray } from '../trace-array.ts';
import { number } from '../trace-file.ts';
import type { TraceFile } from '../trace-file.ts';

/** The longest latency so far: whose, from when to when, and where (struct trace_array_cpu of max_buffer). */
export interface LongestLatency {
  readonly latencyNs: number;
  readonly startNs: number;
  readonly cpu: number;
  /** Records of other CPUs do not belong to it. */
  readonly isOfOneCpu: boolean;
  readonly task: Pick<Task, 'comm' | 'pid' | 'uid'> & { readonly nice: number; readonly realTime: number };
  /** Where interrupts went off, and on again. */
  readonly critical: { readonly start: bigint; readonly end: bigint } | null;
}
/** What tracers of latencies keep: tracing_max_latency, tracing_thresh. */
export interface LatencyState {
  longestNs: number;
  thresholdNs: number;
  record: LongestLatency | null;
}
export const noLatency = (): LatencyState => ({ longestNs: 0, thresholdNs: 0, record: null });

const NS_PER_US = 1000;
/** MAX_RT_PRIO, and the priority of nice 0. */
const REAL_TIME = 100;
const NICE_0 = 120;
export function describedTask({ comm, pid, uid, prio }: Task): LongestLatency['task'] {
  const isRealTime = prio < REAL_TIME;
  return { comm, pid, uid, nice: isRealTime ? 0 : prio - NICE_0, realTime: isRealTime ? REAL_TIME - 1 - prio : 0 };
}

/** report_latency(): everything above the threshold or, without one, what is longer than before. */
export function isReported({ latency }: TraceArray, deltaNs: number): boolean {
  return latency.thresholdNs > 0 ? deltaNs >= latency.thresholdNs : deltaNs > latency.longestNs;
}
/** update_max_tr(): the buffers are put away with it. */
export function keepLongest(array: TraceArray, record: LongestLatency): void {
  if (!array.isOn) return;
  array.latency.longestNs = record.latencyNs;
  array.latency.record = record;
  array.takeSnapshot();
}

const microsecondsFile = (key: 'longestNs' | 'thresholdNs'): TraceFile => ({
  mode: 0o644,
  read: ({ latency }) => `${Math.floor((latency[key] + NS_PER_US / 2) / NS_PER_US)}\n`,
  write: ({ latency }, text) =>
    number(text, 0, (value) => {
      latency[key] = value * NS_PER_US;
    }),
});
export const maxLatencyFile = microsecondsFile('longestNs');
export const thresholdFile = microsecondsFile('thresholdNs');
