import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import { TASK_INTERRUPTIBLE, TASK_NORMAL, TASK_RUNNING } from '../../tasks/task.ts';
import type { Task } from '../../tasks/task.ts';
import { schedule, setTaskState, tryToWakeUp } from './sched.ts';

const WAIT_QUEUE_HEAD = structFields('wait_queue_head', {});

/** struct wait_queue_head. */
export interface WaitQueue extends KernelObject {
  readonly entries: WaitEntry[];
}
/** struct wait_queue_entry: whoever waits, and the function that a wake-up calls. */
export interface WaitEntry extends KernelObject {
  /** The sleeper; null for those that only want to be told (epoll). */
  readonly task: Task | null;
  readonly exclusive: boolean;
  queue: WaitQueue | null;
  /** Returns 1 when it woke somebody. */
  readonly wake: (m: Machine, entry: WaitEntry, mode: number, sync: number, key: number) => number;
}

export function createWaitQueue(m: Pick<Machine, 'arena'>): WaitQueue {
  return { address: m.arena.allocate(WAIT_QUEUE_HEAD.size), entries: [] };
}
/** A wait queue inside of another object. */
export function waitQueueAt(address: number): WaitQueue {
  return { address, entries: [] };
}
export function freeWaitQueue(m: Machine, queue: WaitQueue): void {
  m.arena.free(queue.address, WAIT_QUEUE_HEAD.size);
}

export function addWaitEntry(queue: WaitQueue, entry: WaitEntry): void {
  entry.queue = queue;
  // Exclusive waiters are behind all others, so that one pass wakes these and then one of those.
  if (entry.exclusive) queue.entries.push(entry);
  else queue.entries.unshift(entry);
}
export function removeWaitEntry(entry: WaitEntry): void {
  const { queue } = entry;
  if (queue === null) return;
  entry.queue = null;
  const at = queue.entries.indexOf(entry);
  if (at >= 0) queue.entries.splice(at, 1);
}

const defaultWakeFunction = kernelFunction(
  'default_wake_function',
  6,
  (m, entry: WaitEntry, mode: number, flags: number, _key: number): number =>
    entry.task === null ? 0 : tryToWakeUp(m, entry.task, mode, flags),
);
const autoremoveWakeFunction = kernelFunction(
  'autoremove_wake_function',
  6,
  (m, entry: WaitEntry, mode: number, sync: number, key: number): number => {
    const woken = defaultWakeFunction(m, entry, mode, sync, key);
    if (woken !== 0) removeWaitEntry(entry);
    return woken;
  },
);
const wokenWakeFunction = kernelFunction(
  'woken_wake_function',
  6,
  (m, entry: WaitEntry, mode: number, sync: number, key: number): number =>
    defaultWakeFunction(m, entry, mode, sync, key),
);

/** DEFINE_WAIT(): an entry of the current task. It lies on the task's stack; nobody reads it there. */
export function currentWaitEntry(m: Machine, exclusive = false): WaitEntry {
  return { address: m.scratch, task: m.cpu.current, exclusive, queue: null, wake: autoremoveWakeFunction };
}
/** DEFINE_WAIT_FUNC(wait, woken_wake_function): stays queued until its owner takes it away. */
export function wokenWaitEntry(m: Machine): WaitEntry {
  return { address: m.scratch, task: m.cpu.current, exclusive: false, queue: null, wake: wokenWakeFunction };
}

const prepareToWait = kernelFunction(
  'prepare_to_wait',
  16,
  (m, queue: WaitQueue, entry: WaitEntry, state: number): void => {
    if (entry.queue === null) addWaitEntry(queue, entry);
    setTaskState(m, m.cpu.current, state);
  },
);
export const prepareToWaitExclusive = kernelFunction(
  'prepare_to_wait_exclusive',
  16,
  (m, queue: WaitQueue, entry: WaitEntry, state: number): number => {
    if (entry.queue === null) addWaitEntry(queue, entry);
    setTaskState(m, m.cpu.current, state);
    return queue.entries.length === 1 ? 1 : 0;
  },
);
export const finishWait = kernelFunction('finish_wait', 8, (m, _queue: WaitQueue, entry: WaitEntry): void => {
  setTaskState(m, m.cpu.current, TASK_RUNNING);
  removeWaitEntry(entry);
});

const wakeUpCommon = kernelFunction(
  '__wake_up_common',
  8,
  (m, queue: WaitQueue, mode: number, nrExclusive: number, flags: number, key: number): number => {
    let left = nrExclusive;
    for (const entry of [...queue.entries]) {
      if (entry.wake(m, entry, mode, flags, key) !== 0 && entry.exclusive) {
        left -= 1;
        if (left === 0) break;
      }
    }
    return left;
  },
);
/** wake_up(): everybody who shares, and so many of the exclusive. `key` says what has happened (EPOLLIN). */
const wakeUp = kernelFunction(
  '__wake_up',
  10,
  (m, queue: WaitQueue, mode: number, nrExclusive: number, key: number): number =>
    wakeUpCommon(m, queue, mode, nrExclusive, 0, key),
);
const WF_SYNC = 0x10;
/** The waker is about to sleep. */
const wakeUpSyncKey = kernelFunction(
  '__wake_up_sync_key',
  10,
  (m, queue: WaitQueue, mode: number, key: number): void => void wakeUpCommon(m, queue, mode, 1, WF_SYNC, key),
);
/** Wakes who sleeps interruptibly, if anybody is there at all. */
export function wakeInterruptible(m: Machine, queue: WaitQueue, key: number): void {
  if (queue.entries.length > 0) wakeUpSyncKey(m, queue, TASK_INTERRUPTIBLE, key);
}
export function wakeAll(m: Machine, queue: WaitQueue, key = 0): void {
  if (queue.entries.length > 0) wakeUp(m, queue, TASK_NORMAL, 0, key);
}

/**
 * wait_event_interruptible(): sleeps once on a queue unless `ready` already holds; the caller looks again and loops. An
 * interrupt may fall between looking and sleeping, so the entry is queued first.
 */
export function sleepOn(m: Machine, queue: WaitQueue, ready: () => boolean, exclusive = false): Result {
  const entry = currentWaitEntry(m, exclusive);
  (exclusive ? prepareToWaitExclusive : prepareToWait)(m, queue, entry, TASK_INTERRUPTIBLE);
  const slept = ready() || m.cpu.current.pendingSignal !== 0 ? 0 : schedule(m);
  const after = (): number => {
    finishWait(m, queue, entry);
    return 0;
  };
  return slept instanceof Pending ? slept.then(after) : after();
}
