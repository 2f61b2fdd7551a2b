import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { leave, takeUp } from '../../execution/hand-over.ts';
import type { HandOver } from '../../execution/hand-over.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { TextSymbol } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { TASK_IDLE, TASK_RUNNING, TASK_UNINTERRUPTIBLE } from '../../tasks/task.ts';
import type { Task } from '../../tasks/task.ts';
import {
  workqueueActivateWork,
  workqueueExecuteEnd,
  workqueueExecuteStart,
  workqueueQueueWork,
} from '../../tracepoints/workqueue.ts';
import type { WheelTimer } from '../../irq/timer-list.ts';
import { createKthread } from './kthread.ts';
import { createTimer, startTimer } from './timer-wheel.ts';
import { schedule, setTaskState, wakeUpProcess } from './sched.ts';

/** Any CPU (WORK_CPU_UNBOUND). */
export const ANY_CPU = 8192;
const UNBOUND_WORKER_PID = 431;
const FIRST_WORKER_PID = 60;

/** struct work_struct: runs in a kworker, where it may sleep. */
export interface Work extends KernelObject {
  readonly run: { (m: Machine, work: Work): Result<unknown>; readonly symbol: TextSymbol };
  queued: boolean;
}
export function createWork(m: Machine, run: Work['run']): Work {
  return { address: m.arena.allocate(64), run, queued: false };
}
/** struct pool_workqueue and the worker_pool behind it, with its only worker. */
interface WorkerPool extends KernelObject, HandOver {
  readonly workqueue: string;
  /** Null: unbound. */
  readonly cpu: number | null;
  task: Task | null;
  readonly queue: Work[];
}
/** struct workqueue_struct. */
export interface Workqueue extends KernelObject {
  readonly name: string;
  /** One for each CPU, or one for all. */
  readonly pools: readonly WorkerPool[];
}
/** Those that exist from boot on: system_wq, which runs work on the CPU that queued it, and an unbound one. */
export interface Workqueues {
  readonly events: Workqueue;
  readonly unbound: Workqueue;
}

const processOneWork = kernelFunction('process_one_work', 45, (m, _worker: KernelObject, work: Work): Result => {
  work.queued = false;
  workqueueExecuteStart(m, work);
  const left = work.run(m, work);
  const after = (): number => {
    workqueueExecuteEnd(m, work, { address: work.run.symbol.entry });
    return 0;
  };
  return left instanceof Pending ? left.then(after) : after();
});
/** Runs queued work, sleeps when there is none. */
const workerThread = sleepingFunction('worker_thread', 40, function* (m, worker: KernelObject & { pool: WorkerPool }) {
  for (;;) {
    const { queue } = worker.pool;
    if (queue.length > 0) takeUp(m, worker.pool);
    for (let work = queue.shift(); work !== undefined; work = queue.shift()) {
      const left = processOneWork(m, worker, work);
      if (left instanceof Pending) yield left;
    }
    setTaskState(m, m.cpu.current, TASK_IDLE);
    const slept = schedule(m);
    if (slept instanceof Pending) yield slept;
    setTaskState(m, m.cpu.current, TASK_RUNNING);
  }
});

const innerQueueWork = kernelFunction('__queue_work', 30, (m, cpu: number, wq: Workqueue, work: Work): void => {
  const pool = wq.pools.find((candidate) => candidate.cpu === m.cpu.id) ?? wq.pools[0]!;
  workqueueQueueWork(m, cpu, pool, work);
  workqueueActivateWork(m, work);
  pool.queue.push(work);
  leave(m, pool);
  const { task } = pool;
  if (task === null) return;
  // TASK_IDLE is uninterruptible without load.
  if (task.state === TASK_IDLE) setTaskState(m, task, TASK_UNINTERRUPTIBLE);
  wakeUpProcess(m, task);
});
/** Does nothing when the work is queued already and has not begun. */
export const queueWorkOn = kernelFunction('queue_work_on', 20, (m, cpu: number, wq: Workqueue, work: Work): number => {
  if (work.queued) return 0;
  work.queued = true;
  innerQueueWork(m, cpu, wq, work);
  return 1;
});

/** struct delayed_work: queued when its timer expires; its function may put it off again. */
export interface DelayedWork extends Work {
  readonly wq: Workqueue;
  readonly cpu: number;
  timer: WheelTimer | null;
}
const delayedWorkTimerFn = kernelFunction('delayed_work_timer_fn', 15, (m, timer: WheelTimer): void => {
  const work = timer.owner as DelayedWork;
  queueWorkOn(m, work.cpu, work.wq, work);
});
/** `run` gets the work itself, with whatever the caller adds to it. */
export function createDelayedWork<W extends DelayedWork>(
  m: Machine,
  wq: Workqueue,
  cpu: number,
  run: { (m: Machine, work: W): Result<unknown>; readonly symbol: TextSymbol },
): DelayedWork {
  const work: DelayedWork = { ...createWork(m, run as unknown as Work['run']), wq, cpu, timer: null };
  work.timer = createTimer(m, delayedWorkTimerFn, work);
  return work;
}
const queueDelayedWorkOn = kernelFunction(
  'queue_delayed_work_on',
  25,
  (m, cpu: number, _wq: Workqueue, work: DelayedWork, delayNs: number): number => {
    startTimer(m, m.cpuList[cpu] ?? m.cpu, work.timer!, delayNs);
    return 1;
  },
);
export function queueDelayedWork(m: Machine, work: DelayedWork, delayNs: number): void {
  queueDelayedWorkOn(m, work.cpu, work.wq, work, delayNs);
}

function createPool(m: Machine, workqueue: string, cpu: number | null): WorkerPool {
  const pool: WorkerPool = { address: m.arena.allocate(256), workqueue, cpu, task: null, queue: [], leftAt: 0 };
  const name = cpu === null ? 'kworker/u16:1' : `kworker/${cpu}:1`;
  const pid = cpu === null ? UNBOUND_WORKER_PID : FIRST_WORKER_PID + cpu;
  pool.task = createKthread(m, name, pid, cpu, () => workerThread(m, { address: pool.address, pool }));
  pool.task.state = TASK_IDLE;
  return pool;
}
export function createWorkqueues(m: Machine): Workqueues {
  const create = (name: string, cpus: readonly (number | null)[]): Workqueue => ({
    address: m.arena.allocate(256),
    name,
    pools: cpus.map((cpu) => createPool(m, name, cpu)),
  });
  return {
    unbound: create('events_unbound', [null]),
    events: create(
      'events',
      m.cpuList.map(({ id }) => id),
    ),
  };
}
