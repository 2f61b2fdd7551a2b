import type { Machine } from '../machine.ts';
import { listTracepoints } from '../tracepoint-formats.ts';
import { tracepointEvent } from './event.ts';
import type { TraceEvent } from './event.ts';
import type { TraceArray } from './trace-array.ts';

const FIRST_DYNAMIC_ID = 2_500;
/** SAVED_CMDLINES_DEFAULT */
const SAVED_COMMS = 128;

/** What all trace arrays of a machine share: the events there are, and names of tasks as they were seen last. */
export class TraceEvents {
  readonly machine: Machine;
  readonly arrays = new Set<TraceArray>();
  /** Events of probes, by system and name. */
  readonly dynamic = new Map<string, TraceEvent>();
  /** saved_cmdlines; the oldest make room. */
  readonly comms = new Map<number, string>();
  commsKept = SAVED_COMMS;
  nextId = FIRST_DYNAMIC_ID;
  /** saved_tgids: thread groups of tasks, while a trace array records them. */
  readonly tgids = new Map<number, number>();

  constructor(m: Machine) {
    this.machine = m;
  }
  find(system: string, name: string): TraceEvent | undefined {
    return this.dynamic.get(`${system}:${name}`) ?? tracepointEvent(system, name);
  }
  list(): readonly { readonly category: string; readonly name: string }[] {
    const dynamic = [...this.dynamic.values()].map(({ system, name }) => ({ category: system, name }));
    return [...dynamic, ...listTracepoints(this.machine.arch)];
  }
  /** Somebody has it enabled, in any of the trace arrays. */
  isInUse(event: TraceEvent): boolean {
    return [...this.arrays].some((array) => array.fileOf(event)?.isEnabled === true);
  }
  forget(event: TraceEvent): void {
    for (const array of this.arrays) array.forget(event);
    this.dynamic.delete(`${event.system}:${event.name}`);
  }
  saveComm(pid: number, comm: string): void {
    if (pid === 0) return;
    this.comms.delete(pid);
    this.comms.set(pid, comm);
    this.trimComms();
  }
  keepComms(count: number): void {
    this.commsKept = count;
    this.trimComms();
  }
  private trimComms(): void {
    for (const pid of this.comms.keys()) {
      if (this.comms.size <= this.commsKept) return;
      this.comms.delete(pid);
    }
  }
  commOf(pid: number): string {
    return pid === 0 ? '<idle>' : (this.comms.get(pid) ?? '<...>');
  }
}
