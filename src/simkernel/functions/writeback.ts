import { kernelFunction, sleepingFunction } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { Inode, SuperBlock } from '../fs/file.ts';
import type { Machine } from '../machine.ts';
import { TICK_NS } from '../memory/kernel-data.ts';
import type { KernelObject } from '../memory/arena.ts';
import { TASK_IDLE, TASK_RUNNING } from '../tasks/task.ts';
import type { Task } from '../tasks/task.ts';
import type { WheelTimer } from '../cpu/cpu.ts';
import { workqueueExecuteEnd, workqueueExecuteStart } from '../tracepoints/workqueue.ts';
import { doWritepages } from './ext4.ts';
import { schedule, setTaskState, wakeUpProcess } from './sched.ts';

/** dirty_writeback_centisecs = 500, here shorter so that a 10-second run sees several. */
const WRITEBACK_INTERVAL_NS = 1_500_000_000;

/** struct work_struct. */
export interface Work extends KernelObject {
  readonly run: { (m: Machine, work: Work): void; readonly symbol: { readonly entry: number } };
}
/** A kworker with its queue. */
export interface Worker {
  task: Task | null;
  readonly queue: Work[];
}

const writebackSingleInode = kernelFunction(
  '__writeback_single_inode',
  120,
  (m, inode: Inode, _wbc: KernelObject): number => {
    doWritepages(m, { address: inode.mapping.address, inode }, 0);
    return 0;
  },
);
const writebackSbInodes = kernelFunction(
  'writeback_sb_inodes',
  90,
  (m, sb: SuperBlock, _wb: KernelObject, _work: KernelObject): number => {
    let written = 0;
    for (const inode of m.fileSystem.cached) {
      if (inode.sb !== sb || inode.cache === null || inode.cache.dirtyPages === 0) continue;
      written += inode.cache.dirtyPages;
      writebackSingleInode(m, inode, sb);
    }
    return written;
  },
);
const wbWriteback = kernelFunction('wb_writeback', 60, (m, wb: KernelObject, work: KernelObject): number => {
  let written = 0;
  for (const sb of m.fileSystem.superBlocks) {
    if (sb.disk !== null) written += writebackSbInodes(m, sb, wb, work);
  }
  return written;
});
export const wbWorkfn = kernelFunction('wb_workfn', 40, (m, work: Work): void => {
  wbWriteback(m, work, work);
});

const processOneWork = kernelFunction('process_one_work', 45, (m, _worker: KernelObject, work: Work): void => {
  workqueueExecuteStart(m, work);
  work.run(m, work);
  workqueueExecuteEnd(m, work, { address: work.run.symbol.entry });
});
/** Runs queued work, sleeps when there is none. */
export const workerThread = sleepingFunction(
  'worker_thread',
  40,
  function* (m, worker: KernelObject & { readonly worker: Worker }) {
    for (;;) {
      const { queue } = worker.worker;
      for (let work = queue.shift(); work !== undefined; work = queue.shift()) processOneWork(m, worker, work);
      setTaskState(m, m.cpu.current, TASK_IDLE);
      const slept = schedule(m);
      if (slept instanceof Pending) yield slept;
      setTaskState(m, m.cpu.current, TASK_RUNNING);
    }
  },
);

export const queueWorkOn = kernelFunction(
  'queue_work_on',
  40,
  (m, _cpu: number, pool: KernelObject & { readonly worker: Worker }, work: Work): number => {
    pool.worker.queue.push(work);
    if (pool.worker.task !== null) wakeIdle(m, pool.worker.task);
    return 1;
  },
);
function wakeIdle(m: Machine, task: Task): void {
  // TASK_IDLE is uninterruptible without load.
  if (task.state === TASK_IDLE) setTaskState(m, task, 2);
  wakeUpProcess(m, task);
}

const delayedWorkTimer = kernelFunction(
  'delayed_work_timer_fn',
  15,
  (
    m,
    timer: KernelObject & { readonly pool: KernelObject & { readonly worker: Worker }; readonly work: Work },
  ): void => {
    queueWorkOn(m, 0, timer.pool, timer.work);
  },
);

/** Starts periodic writeback by a kworker. */
export function startWriteback(m: Machine, pool: KernelObject & { readonly worker: Worker }): void {
  const { wheel } = m.cpuList[0]!;
  const work: Work = { address: m.arena.allocate(64), run: wbWorkfn };
  const jiffies = WRITEBACK_INTERVAL_NS / TICK_NS;
  const timer: WheelTimer = {
    address: m.arena.allocate(64),
    expiresJiffies: m.now() / TICK_NS + jiffies,
    pending: true,
    expire() {
      delayedWorkTimer(m, { address: timer.address, pool, work });
      timer.expiresJiffies += jiffies;
      wheel.timers.push(timer);
    },
  };
  wheel.timers.push(timer);
}
