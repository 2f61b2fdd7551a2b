import type { Machine } from '../machine.ts';
import { listTracepoints } from '../tracepoint-formats.ts';
import { EINVAL } from '../errno.ts';
import { fieldsByName, tracepointEvent } from './event.ts';
import type { EventState, TraceEvent } from './event.ts';
import type { FunctionTracer } from './function-tracer.ts';
import { parseFilter } from './filter.ts';
import { TraceRing } from './ring-buffer.ts';
import type { TraceEntry } from './ring-buffer.ts';

/** Per CPU, once somebody traces. */
const BUFFER_KB = 1408;
/** common_flags. */
const IRQS_OFF = 0x01;
const NEED_RESCHED = 0x04;
const HARDIRQ = 0x08;
const SOFTIRQ = 0x10;
const BH_OFF = 0x80;

/** struct trace_array: the global one, with everything that files of tracefs set. */
export class TraceArray {
  readonly machine: Machine;
  readonly rings: readonly TraceRing[];
  on = true;
  bufferKb = BUFFER_KB;
  /** Names by PID as the tracer saw them last (saved_cmdlines). */
  readonly comms = new Map<number, string>();
  readonly errors: string[] = [];
  /** kprobes and uprobes, by system and name. */
  readonly dynamic = new Map<string, TraceEvent>();
  /** What failed filters said, shown by the filter file until the next one is set. */
  readonly filterMistakes = new Map<string, string>();
  tracer: FunctionTracer | null = null;
  nextId = FIRST_DYNAMIC_ID;
  private readonly states = new Map<string, EventState>();

  constructor(m: Machine) {
    this.machine = m;
    this.rings = m.cpuList.map(() => new TraceRing(BUFFER_KB));
  }
  event(system: string, name: string): TraceEvent | undefined {
    return this.dynamic.get(`${system}:${name}`) ?? tracepointEvent(system, name);
  }
  events(): readonly { readonly category: string; readonly name: string }[] {
    const dynamic = [...this.dynamic.values()].map(({ system, name }) => ({ category: system, name }));
    return [...dynamic, ...listTracepoints(this.machine.arch)];
  }
  state({ system, name }: TraceEvent): EventState {
    const key = `${system}:${name}`;
    let state = this.states.get(key);
    if (state === undefined) this.states.set(key, (state = { enabled: false, filter: null, detach: null }));
    return state;
  }
  enabledEvents(): readonly string[] {
    return [...this.states].filter(([, { enabled }]) => enabled).map(([key]) => key);
  }
  /** 0 or a negative error number. */
  enable(event: TraceEvent, on: boolean): number {
    const state = this.state(event);
    if (state.enabled === on) return 0;
    if (!on) {
      state.detach?.();
      state.detach = null;
      state.enabled = false;
      return 0;
    }
    const detach = event.listen(this.machine, (record) => {
      if (this.on) this.commit(event, record(), state);
    });
    if (typeof detach === 'number') return detach;
    state.detach = detach;
    state.enabled = true;
    return 0;
  }
  forget(event: TraceEvent): void {
    this.enable(event, false);
    this.states.delete(`${event.system}:${event.name}`);
    this.dynamic.delete(`${event.system}:${event.name}`);
    for (const ring of this.rings) if (ring.entries.some((entry) => entry.event === event)) ring.clear();
  }
  /** `0` removes the filter. */
  setFilter(event: TraceEvent, text: string): number {
    const state = this.state(event);
    const key = `${event.system}:${event.name}`;
    this.filterMistakes.delete(key);
    if (text.trim() === '0') {
      state.filter = null;
      return 0;
    }
    const filter = parseFilter(text.trim(), fieldsByName(event));
    if ('matches' in filter) {
      state.filter = filter;
      return 0;
    }
    const caret = `${' '.repeat(filter.position)}^`;
    this.filterMistakes.set(key, `${text.trim()}\n${caret}\nparse_error: ${filter.message}\n`);
    this.logError(`event filter parse error: error: ${filter.message}`, text.trim(), filter.position);
    return -EINVAL;
  }
  /** tracing_log_err(). */
  logError(message: string, command: string, position: number): void {
    const at = this.machine.now();
    const time = `${String(Math.floor(at / 1e9)).padStart(5)}.${String(Math.floor((at % 1e9) / 1e3)).padStart(6, '0')}`;
    this.errors.push(`[${time}] ${message}\n  Command: ${command}\n${' '.repeat(11 + position)}^\n`);
    if (this.errors.length > ERROR_LOG_LINES) this.errors.shift();
  }
  /** Writes a record into the current CPU's buffer. */
  commit(event: TraceEvent, data: Uint8Array, state: EventState | null = null): void {
    const { machine } = this;
    const { cpu } = machine;
    const task = cpu.current;
    data[0] = event.id & 0xff;
    data[1] = event.id >> 8;
    data[2] =
      (cpu.interruptsEnabled ? 0 : IRQS_OFF) |
      (cpu.needResched ? NEED_RESCHED : 0) |
      (cpu.hardirqDepth > 0 ? HARDIRQ : 0) |
      (cpu.softirqDepth > 0 ? SOFTIRQ : 0) |
      (cpu.bhDisabled > 0 ? BH_OFF : 0);
    data[3] = cpu.preemptDepth;
    new DataView(data.buffer, data.byteOffset).setInt32(4, task.pid, true);
    if (state?.filter?.matches({ machine, data, fields: fieldsByName(event) }) === false) return;
    this.comms.set(task.pid, task.pid === 0 ? '<idle>' : task.comm);
    this.rings[cpu.id]!.write({ timeNs: cpu.time, cpu: cpu.id, pid: task.pid, event, data });
  }
  clear(): void {
    for (const ring of this.rings) ring.clear();
  }
  resize(kilobytes: number): void {
    this.bufferKb = kilobytes;
    for (const ring of this.rings) ring.resize(kilobytes);
  }
  /** All records in the order of their times; of one CPU when asked. */
  entries(cpu?: number): readonly TraceEntry[] {
    const all = this.rings.filter((_, id) => cpu === undefined || id === cpu).flatMap((ring) => ring.entries);
    return all.sort((a, b) => a.timeNs - b.timeNs || a.cpu - b.cpu);
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
      const error = this.enable(this.event(row.category, row.name)!, on);
      if (error !== 0 && found.length === 1) return error;
    }
    return found.length === 0 ? -EINVAL : 0;
  }
}
const FIRST_DYNAMIC_ID = 2_500;
const ERROR_LOG_LINES = 8;

function matcher(system: string, name: string): (category: string, event: string) => boolean {
  const pattern = (text: string): RegExp => new RegExp(`^${text.replace(/\*/g, '.*').replace(/\?/g, '.')}$`);
  const [first, second] = [pattern(system), pattern(name)];
  return (category, event) => first.test(category) && second.test(event);
}

const arrays = new WeakMap<Machine, TraceArray>();
/** The machine's tracing state, made when somebody first looks for it. */
export function traceArray(m: Machine): TraceArray {
  let array = arrays.get(m);
  if (array === undefined) arrays.set(m, (array = new TraceArray(m)));
  return array;
}
