import type { KernelObject } from '../memory/arena.ts';
import { storeNumber } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import type { Task } from './task.ts';

export const RQ = structFields('rq', {
  cfs: 'cfs',
  switches: 'nr_switches',
  running: 'nr_running',
  cpu: 'cpu',
  idle: 'idle',
  current: 'curr',
});
const CFS_RQ = structFields('cfs_rq', { queued: 'nr_queued', hierarchical: 'h_nr_queued' });

/** struct rq: the runnable tasks of one CPU but the running one, by virtual runtime. */
export class RunQueue implements KernelObject {
  readonly address: number;
  readonly tasks: Task[] = [];
  /** Woken by other CPUs, not yet taken over (ttwu_queue_wakelist). */
  readonly wakeList: Task[] = [];
  minVruntime = 0;
  /** nr_iowait: sleepers that wait for a disk. */
  ioWaiters = 0;
  switches = 0;

  /** The fair class's part of it. */
  readonly cfs: KernelObject & { readonly queue: RunQueue };

  constructor(address: number) {
    this.address = address;
    this.cfs = { address: address + RQ.cfs, queue: this };
  }
  add(task: Task): void {
    // A sleeper keeps its own virtual time but not more than one latency period of credit.
    task.vruntime = Math.max(task.vruntime, this.minVruntime - SLEEPER_CREDIT_NS);
    task.onRunQueue = true;
    this.tasks.push(task);
  }
  /** Takes the task with the least virtual runtime; the first queued of equals. */
  takeFirst(): Task | undefined {
    const { tasks } = this;
    let best = 0;
    for (let i = 1; i < tasks.length; i += 1) if (isBefore(tasks[i]!, tasks[best]!)) best = i;
    const [task] = tasks.splice(best, 1);
    return task;
  }
  /** Runnable tasks, the running one among them, as scripts read it (nr_running, nr_queued). */
  storeLength(words: Int32Array, running: boolean): void {
    const length = this.tasks.length + (running ? 1 : 0);
    words[(this.address + RQ.running) >> 2] = length;
    words[(this.cfs.address + CFS_RQ.queued) >> 2] = length;
    words[(this.cfs.address + CFS_RQ.hierarchical) >> 2] = length;
  }
  countSwitch(words: Int32Array): void {
    storeNumber(words, this.address + RQ.switches, (this.switches += 1));
  }
  remove(task: Task): void {
    const at = this.tasks.indexOf(task);
    if (at >= 0) this.tasks.splice(at, 1);
  }
}
/** Real-time tasks by priority, then the others by virtual runtime. */
function isBefore(a: Task, b: Task): boolean {
  if (isRealTime(a) || isRealTime(b)) return a.prio < b.prio;
  return a.vruntime < b.vruntime;
}
export function isRealTime({ prio }: Task): boolean {
  return prio < MAX_RT_PRIO;
}
const MAX_RT_PRIO = 100;
const SLEEPER_CREDIT_NS = 1_500_000;
