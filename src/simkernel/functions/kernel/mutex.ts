import { kernelFunction } from '../../execution/kernel-function.ts';
import { leave, takeUp } from '../../execution/hand-over.ts';
import type { HandOver } from '../../execution/hand-over.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeWord } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import { TASK_RUNNING, TASK_UNINTERRUPTIBLE } from '../../tasks/task.ts';
import type { Task } from '../../tasks/task.ts';
import { contentionBegin, contentionEnd } from '../../tracepoints/lock.ts';
import { mightSleep } from './atomic.ts';
import { schedule, setTaskState, wakeUpProcess } from './sched.ts';

const MUTEX = structFields('mutex', { owner: 'owner' });
/** include/trace/events/lock.h */
const LCB_F_SPIN = 1;
const LCB_F_MUTEX = 1 << 5;

/** struct mutex. */
export interface Mutex extends KernelObject, HandOver {
  owner: Task | null;
  readonly waiters: Task[];
}
export function createMutex(m: Machine): Mutex {
  return { address: m.arena.allocate(MUTEX.size), owner: null, waiters: [], leftAt: 0 };
}
export function freeMutex(m: Machine, lock: Mutex): void {
  m.arena.free(lock.address, MUTEX.size);
}
function own(m: Machine, lock: Mutex, task: Task | null): void {
  lock.owner = task;
  storeWord(m.words, lock.address + MUTEX.owner, task);
}

const mutexLockSlowpath = kernelFunction('__mutex_lock_slowpath', 40, (m, lock: Mutex): Result => {
  contentionBegin(m, lock, LCB_F_MUTEX);
  const task = m.cpu.current;
  lock.waiters.push(task);
  setTaskState(m, task, TASK_UNINTERRUPTIBLE);
  const slept = schedule(m);
  const after = (): number => {
    setTaskState(m, task, TASK_RUNNING);
    const at = lock.waiters.indexOf(task);
    if (at >= 0) lock.waiters.splice(at, 1);
    own(m, lock, task);
    contentionEnd(m, lock, 0);
    return 0;
  };
  return slept instanceof Pending ? slept.then(after) : after();
});
/** mutex_optimistic_spin(): its owner runs on another CPU and is about to let go of it. */
function spinOnOwner(m: Machine, lock: Mutex): void {
  contentionBegin(m, lock, LCB_F_MUTEX | LCB_F_SPIN);
  takeUp(m, lock);
  contentionEnd(m, lock, 0);
}
/** Takes it, or sleeps until its owner hands it over. */
export const mutexLock = kernelFunction('mutex_lock', 12, (m, lock: Mutex): Result => {
  mightSleep(m, 'kernel/locking/mutex.c', 281);
  if (lock.owner !== null) return mutexLockSlowpath(m, lock);
  if (m.cpu.time < lock.leftAt) spinOnOwner(m, lock);
  own(m, lock, m.cpu.current);
  return 0;
});
export const mutexUnlock = kernelFunction('mutex_unlock', 10, (m, lock: Mutex): void => {
  const next = lock.waiters.shift() ?? null;
  leave(m, lock);
  own(m, lock, next);
  if (next !== null) wakeUpProcess(m, next);
});
