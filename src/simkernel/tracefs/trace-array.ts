import type { Machine } from '../machine.ts';
import { EINVAL } from '../errno.ts';
import { EventFile } from './event-file.ts';
import type { TraceEvent } from './event.ts';
import { FunctionCommands } from './function-commands.ts';
import { createFunctionFilters } from './function-filter.ts';
import type { FunctionFilters } from './function-filter.ts';
import { TRACERS } from './tracers.ts';
import type { Tracer } from './tracer.ts';
import type { TracerName } from './tracers.ts';
import { FunctionProfiler } from './function-profiler.ts';
import { glob } from './glob.ts';
import type { ConditionalSnapshot } from './hist/hist-data.ts';
import { noLatency } from './latency/latency.ts';
import type { LatencyState } from './latency/latency.ts';
import type { RecordView } from './print-format.ts';
import { TraceRing } from './ring-buffer.ts';
import type { TraceEntry } from './ring-buffer.ts';
import { recordKernelStack, recordUserStack } from './stack-records.ts';
import { concerns, TaskFilter } from './task-filter.ts';
import { CLOCKS } from './trace-clock.ts';
import type { ClockName } from './trace-clock.ts';
import { TraceEvents } from './trace-events.ts';
import { TraceOptions } from './trace-options.ts';

/** Per CPU, once somebody traces. */
const BUFFER_KB = 1408;
const ERROR_LOG_LINES = 8;
/** common_flags. */
const IRQS_OFF = 0x01;
const NEED_RESCHED = 0x04;
const HARDIRQ = 0x08;
const SOFTIRQ = 0x10;
const BH_OFF = 0x80;

/** struct trace_array: buffers of all CPUs, with everything that the files of an instance of tracefs set. */
export class TraceArray {
  readonly machine: Machine;
  readonly shared: TraceEvents;
  readonly options = new TraceOptions();
  readonly filters: FunctionFilters;
  /** What calls of functions set off. */
  readonly commands = new FunctionCommands(this);
  /** set_event_pid, set_ftrace_pid. */
  readonly eventTasks: TaskFilter;
  readonly functionTasks: TaskFilter;
  readonly errors: string[] = [];
  rings: readonly TraceRing[];
  /** The buffers that `snapshot` shows, once there are some. */
  snapshotRings: readonly TraceRing[] | null = null;
  /** Who takes snapshots when a variable of a histogram changes. */
  conditionalSnapshot: ConditionalSnapshot | null = null;
  isOn = true;
  bufferKb = BUFFER_KB;
  clock: ClockName = 'local';
  /** tracing_cpumask: bit by CPU. */
  cpuMask: bigint;
  /** max_graph_depth; 0: any. */
  graphDepth = 0;
  latency: LatencyState = noLatency();
  readonly profiler: FunctionProfiler;
  /** Of the running tracer; none is `nop`. */
  tracer: Tracer | null = null;
  private readonly files = new Map<string, EventFile>();
  private written = 0;

  constructor(shared: TraceEvents) {
    const { machine } = shared;
    this.machine = machine;
    this.shared = shared;
    this.filters = createFunctionFilters(machine);
    this.eventTasks = new TaskFilter(machine);
    this.functionTasks = new TaskFilter(machine);
    this.cpuMask = (1n << BigInt(machine.cpus)) - 1n;
    this.rings = this.makeRings();
    this.profiler = new FunctionProfiler(this);
    shared.arrays.add(this);
    this.options.changed = (name) => {
      if (name === 'overwrite')
        for (const ring of [...this.rings, ...(this.snapshotRings ?? [])]) ring.overwrites = this.options.get(name);
      if (name === 'event-fork') this.eventTasks.followForks(this.options.get(name));
      if (name === 'function-fork') this.functionTasks.followForks(this.options.get(name));
    };
  }
  event(system: string, name: string): TraceEvent | undefined {
    return this.shared.find(system, name);
  }
  events(): readonly { readonly category: string; readonly name: string }[] {
    return this.shared.list();
  }
  get dynamic(): Map<string, TraceEvent> {
    return this.shared.dynamic;
  }
  get tracerName(): TracerName {
    return (this.tracer?.name ?? 'nop') as TracerName;
  }

  /** The event's files here. */
  file(event: TraceEvent): EventFile {
    const known = this.fileOf(event);
    if (known !== undefined) return known;
    const file = new EventFile(this, event);
    this.files.set(file.key, file);
    return file;
  }
  /** The same, if somebody has touched them. */
  fileOf({ system, name }: TraceEvent): EventFile | undefined {
    return this.files.get(`${system}:${name}`);
  }
  /** Those of all events that somebody has touched. */
  touchedFiles(): Iterable<EventFile> {
    return this.files.values();
  }
  enabledEvents(): readonly string[] {
    return [...this.files].filter(([, { isEnabled }]) => isEnabled).map(([key]) => key);
  }
  forget(event: TraceEvent): void {
    const file = this.fileOf(event);
    file?.close();
    if (file !== undefined) this.files.delete(file.key);
    for (const ring of this.rings) if (ring.entries.some((entry) => entry.event === event)) ring.clear();
  }
  /** The instance is removed. */
  close(): void {
    this.setTracer('nop');
    this.commands.close();
    for (const file of this.files.values()) file.close();
    this.eventTasks.followForks(false);
    this.functionTasks.followForks(false);
    this.shared.arrays.delete(this);
  }
  setTracer(name: TracerName): void {
    this.tracer?.stop();
    this.clear();
    this.tracer = null;
    this.tracer = TRACERS[name](this, this.filters);
  }
  /** What the tracer traces has changed. */
  restartTracer(): void {
    if (this.tracer === null) return;
    const name = this.tracerName;
    this.tracer.stop();
    this.tracer = TRACERS[name](this, this.filters);
  }

  /** tracing_log_err(). */
  logError(message: string, command: string, position: number): void {
    const at = this.machine.now();
    const time = `${String(Math.floor(at / 1e9)).padStart(5)}.${String(Math.floor((at % 1e9) / 1e3)).padStart(6, '0')}`;
    this.errors.push(`[${time}] ${message}\n  Command: ${command}\n${' '.repeat(11 + position)}^\n`);
    if (this.errors.length > ERROR_LOG_LINES) this.errors.shift();
  }

  /** Fills in the fields that all records have. */
  stamp(event: TraceEvent, data: Uint8Array): Uint8Array {
    const { cpu } = this.machine;
    data[0] = event.id & 0xff;
    data[1] = event.id >> 8;
    data[2] =
      (cpu.interruptsEnabled ? 0 : IRQS_OFF) |
      (cpu.needResched ? NEED_RESCHED : 0) |
      (cpu.hardirqDepth > 0 ? HARDIRQ : 0) |
      (cpu.softirqDepth > 0 ? SOFTIRQ : 0) |
      (cpu.bhDisabled > 0 ? BH_OFF : 0);
    data[3] = cpu.preemptDepth;
    new DataView(data.buffer, data.byteOffset).setInt32(4, cpu.current.pid, true);
    return data;
  }
  /** What the clock of the trace array shows now. */
  timestamp(): number {
    return CLOCKS[this.clock].read(this.machine.cpu, this.written, this.machine);
  }
  /** Puts a stamped record into the current CPU's buffer. */
  write(event: TraceEvent, data: Uint8Array): void {
    const { cpu } = this.machine;
    if (((this.cpuMask >> BigInt(cpu.id)) & 1n) === 0n) return;
    const task = cpu.current;
    if (this.options.get('record-cmd')) this.shared.saveComm(task.pid, task.comm);
    if (this.options.get('record-tgid')) this.shared.tgids.set(task.pid, task.tgid);
    this.written += 1;
    this.rings[cpu.id]!.write({ timeNs: this.timestamp(), cpu: cpu.id, pid: task.pid, event, data });
  }
  /** A record of an event, and the stacks that options ask for behind it. */
  writeEvent(event: TraceEvent, data: Uint8Array): void {
    this.write(event, data);
    if (this.options.get('stacktrace')) recordKernelStack(this);
    if (this.options.get('userstacktrace')) recordUserStack(this);
  }
  /** A record of a tracer. */
  commit(event: TraceEvent, data: Uint8Array): void {
    this.write(event, this.stamp(event, data));
  }
  followsTask(file: EventFile, view: RecordView): boolean {
    return concerns(this.eventTasks, file.key, view);
  }

  private makeRings(): readonly TraceRing[] {
    return this.machine.cpuList.map(() => new TraceRing(this.bufferKb, this.options.get('overwrite')));
  }
  clear(): void {
    for (const ring of this.rings) ring.clear();
  }
  resize(kilobytes: number): void {
    this.bufferKb = kilobytes;
    for (const ring of [...this.rings, ...(this.snapshotRings ?? [])]) ring.resize(kilobytes);
  }
  setClock(clock: ClockName): void {
    this.clock = clock;
    this.clear();
    for (const ring of this.snapshotRings ?? []) ring.clear();
  }
  allocateSnapshot(): void {
    this.snapshotRings ??= this.makeRings();
  }
  freeSnapshot(): void {
    this.snapshotRings = null;
  }
  /** update_max_tr(): the buffers change places with those of the snapshot before. */
  takeSnapshot(): void {
    this.allocateSnapshot();
    const taken = this.rings;
    this.rings = this.snapshotRings!;
    this.snapshotRings = taken;
  }

  /** The oldest record of all CPUs, taken out. */
  consume(cpu?: number): TraceEntry | undefined {
    const rings = this.rings.filter((_, id) => cpu === undefined || id === cpu);
    let first: TraceRing | undefined;
    for (const ring of rings) {
      const time = ring.oldest()?.timeNs;
      if (time !== undefined && time < (first?.oldest()?.timeNs ?? Infinity)) first = ring;
    }
    return first?.consume();
  }
  /** Events by `system:name`, `name`, `system:` with `*`; `!` before switches off. */
  setEvent(text: string): number {
    const on = !text.startsWith('!');
    const pattern = on ? text : text.slice(1);
    const [system, name] = pattern.includes(':') ? (pattern.split(':') as [string, string]) : ['', pattern];
    const matches = matcher(pattern.includes(':') ? system || '*' : '*', name || '*');
    const found = this.events().filter(
      (row) => matches(row.category, row.name) || (!pattern.includes(':') && row.category === pattern),
    );
    for (const row of found) {
      const error = this.file(this.event(row.category, row.name)!).enable(on);
      if (error !== 0 && found.length === 1) return error;
    }
    return found.length === 0 ? -EINVAL : 0;
  }
}

function matcher(system: string, name: string): (category: string, event: string) => boolean {
  const [first, second] = [glob(system), glob(name)];
  return (category, event) => first.test(category) && second.test(event);
}

const arrays = new WeakMap<Machine, TraceArray>();
/** The machine's own tracing state, made when somebody first looks for it; instances share its events. */
export function traceArray(m: Machine): TraceArray {
  let array = arrays.get(m);
  if (array === undefined) arrays.set(m, (array = new TraceArray(new TraceEvents(m))));
  return array;
}
