import type { Machine } from '../../machine.ts';
import type { Task } from '../../tasks/task.ts';
import { CONTEXT_SWITCH, switchRecord, WAKEUP } from '../ftrace-events.ts';
import { kernelStack, recordKernelStack } from '../stack-records.ts';
import type { TraceArray } from '../trace-array.ts';
import { onTracepoint } from '../tracepoint-listener.ts';
import type { FieldReader } from '../tracepoint-listener.ts';
import type { StartTracer, Tracer } from '../tracer.ts';
import { describedTask, isReported, keepLongest } from './latency.ts';
import { recordPlace, startLatency } from './start-latency.ts';

/** The task that is waited for. */
interface Waiting {
  readonly task: Task;
  readonly cpu: number;
  readonly sinceNs: number;
}
/** Priorities of real-time tasks are below (MAX_RT_PRIO). */
const REAL_TIME = 100;

/** `wakeup`: how long the most urgent task waits between being woken and running; `wakeup_rt`: of real-time tasks. */
export const startWakeup =
  (name: 'wakeup' | 'wakeup_rt'): StartTracer =>
  (array) =>
    new WakeupTracer(array, name);

class WakeupTracer implements Tracer {
  readonly name: string;
  readonly showsLongest = true;
  readonly stop: () => void;
  private readonly array: TraceArray;
  private readonly machine: Machine;
  private waiting: Waiting | null = null;

  constructor(array: TraceArray, name: 'wakeup' | 'wakeup_rt') {
    this.array = array;
    this.machine = array.machine;
    this.name = name;
    const woken = (field: FieldReader): void => this.woken(field, name === 'wakeup_rt');
    const stops = [
      onTracepoint(this.machine, 'sched', 'sched_wakeup', woken),
      onTracepoint(this.machine, 'sched', 'sched_wakeup_new', woken),
      onTracepoint(this.machine, 'sched', 'sched_switch', (field) => this.switched(field)),
    ];
    const stopFunctions = startLatency(array, () => this.waiting?.cpu === this.machine.cpu.id);
    this.stop = () => {
      for (const stop of stops) stop();
      stopFunctions();
    };
  }
  /** probe_wakeup(): only somebody more urgent than who runs, and than who is waited for. */
  private woken(field: FieldReader, isRealTimeOnly: boolean): void {
    const { cpu, tasks } = this.machine;
    const prio = field('prio');
    const task = tasks.get(field('pid'));
    if (!this.array.isOn || task === undefined || (isRealTimeOnly && prio >= REAL_TIME)) return;
    if (prio >= cpu.current.prio || prio >= (this.waiting?.task.prio ?? Infinity)) return;
    this.array.clear();
    const target = field('target_cpu');
    this.waiting = { task, cpu: target, sinceNs: this.array.timestamp() };
    this.array.shared.saveComm(task.pid, task.comm);
    this.array.commit(WAKEUP, switchRecord(cpu.current, task, target));
    recordKernelStack(this.array);
    this.recordCaller();
  }
  /** __trace_function(CALLER_ADDR1, CALLER_ADDR2) */
  private recordCaller(): void {
    const [ip = 0n, parent = 0n] = kernelStack(this.machine, 2);
    recordPlace(this.array, ip, parent);
  }
  /** probe_wakeup_sched_switch(): it runs. */
  private switched(field: FieldReader): void {
    const { array, waiting } = this;
    const { cpu } = this.machine;
    if (waiting === null || field('next_pid') !== waiting.task.pid) return;
    this.recordCaller();
    array.commit(CONTEXT_SWITCH, switchRecord(cpu.current, waiting.task, cpu.id));
    recordKernelStack(array);
    this.waiting = null;
    const latencyNs = array.timestamp() - waiting.sinceNs;
    if (!isReported(array, latencyNs)) return;
    keepLongest(array, {
      latencyNs,
      startNs: waiting.sinceNs,
      cpu: waiting.cpu,
      isOfOneCpu: false,
      task: describedTask(waiting.task),
      critical: null,
    });
  }
}
