import { attach } from '../../../probes/attach.ts';
import type { Attachment } from '../../../probes/attach.ts';
import type { Machine } from '../../../machine.ts';
import { syscallByNumber } from '../../../syscalls.ts';
import type { Syscall } from '../../../syscalls.ts';
import type { Task } from '../../../tasks/task.ts';
import { argumentTexts } from './arguments.ts';
import type { CallStyle } from './arguments.ts';

/** A system call under way or done. */
export interface Call {
  readonly pid: number;
  readonly tid: number;
  readonly comm: string;
  readonly call: Syscall;
  readonly enteredNs: number;
  /** As far as they were known when the call began: those from `known` on may change. */
  readonly before: readonly string[];
  readonly known: number;
  /** All of them when it was done, what it returned and when; undefined while it is under way. */
  done?: { readonly texts: readonly string[]; readonly result: number; readonly atNs: number };
}
/** The beginning or the end of a call, or of a task. */
export type CallEvent =
  | { readonly kind: 'enter' | 'exit'; readonly call: Call }
  | { readonly kind: 'gone'; readonly tid: number; readonly status: number; readonly atNs: number };

const ARGUMENTS = 6;
/** Where the records of raw_syscalls have them. */
const RECORD = { args: 16, result: 16 } as const;

/** Sees the system calls of some tasks, as raw_syscalls:sys_enter and sys_exit tell of them. */
export class CallWatcher {
  private readonly machine: Machine;
  private readonly style: CallStyle;
  private readonly isWatched: (task: Task) => boolean;
  private readonly isWanted: (call: Syscall) => boolean;
  private readonly attachments: readonly Attachment[];
  private readonly open = new Map<number, Call>();
  private events: CallEvent[] = [];

  constructor(m: Machine, style: CallStyle, isWatched: (task: Task) => boolean, isWanted: (call: Syscall) => boolean) {
    this.machine = m;
    this.style = style;
    this.isWatched = isWatched;
    this.isWanted = isWanted;
    const on = (category: string, name: string, handler: (at: number) => void): Attachment =>
      attach(m, { kind: 'tracepoint', category, name }, handler);
    this.attachments = [
      on('raw_syscalls', 'sys_enter', (at) => this.enter(at)),
      on('raw_syscalls', 'sys_exit', (at) => this.exit(at)),
      on('sched', 'sched_process_exit', () => this.gone()),
    ];
  }
  /** What has happened since the last call. */
  take(): readonly CallEvent[] {
    const { events } = this;
    this.events = [];
    return events;
  }
  close(): void {
    for (const attachment of this.attachments) if (attachment.ok) attachment.detach();
  }

  private enter(at: number): void {
    const { cpu, arena } = this.machine;
    const task = cpu.current;
    if (!this.isWatched(task)) return;
    const call = syscallByNumber(task.syscall);
    if (call === undefined || !this.isWanted(call)) return;
    const args = Array.from({ length: ARGUMENTS }, (_, i) => arena.view.getBigUint64(at + RECORD.args + 8 * i, true));
    const { texts, known } = argumentTexts(call, this.seen(task, args));
    const started: Call & { readonly args: readonly bigint[] } = {
      pid: task.tgid,
      tid: task.pid,
      comm: task.comm,
      call,
      enteredNs: cpu.time,
      before: texts,
      known,
      args,
    };
    this.open.set(task.pid, started);
    this.events.push({ kind: 'enter', call: started });
  }
  private exit(at: number): void {
    const { cpu, arena } = this.machine;
    const task = cpu.current;
    const call = this.open.get(task.pid) as (Call & { readonly args: readonly bigint[] }) | undefined;
    if (call === undefined) return;
    this.open.delete(task.pid);
    const result = Number(arena.view.getBigInt64(at + RECORD.result, true));
    const changed = argumentTexts(call.call, this.seen(task, call.args), result).texts;
    // What the call was told is as it was then: execve has another memory afterwards.
    const texts = [...call.before.slice(0, call.known), ...changed.slice(call.known)];
    call.done = { texts, result, atNs: cpu.time };
    this.events.push({ kind: 'exit', call });
  }
  private gone(): void {
    const { cpu } = this.machine;
    const task = cpu.current;
    if (!this.isWatched(task)) return;
    this.open.delete(task.pid);
    this.events.push({ kind: 'gone', tid: task.pid, status: task.exitCode, atNs: cpu.time });
  }
  private seen(task: Task, args: readonly bigint[]) {
    return { machine: this.machine, task, args, style: this.style };
  }
}
