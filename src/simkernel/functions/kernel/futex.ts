import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { TASK_INTERRUPTIBLE, TASK_NORMAL, TASK_RUNNING } from '../../tasks/task.ts';
import type { Task } from '../../tasks/task.ts';
import { EAGAIN, EFAULT, EINTR, ENOSYS, ETIMEDOUT } from '../../errno.ts';
import { schedule, setTaskState, tryToWakeUp } from './sched.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { cancelSleeper, startSleeper } from './timer.ts';
import { getUserTimespec } from '../x86/user-access.ts';

/** include/uapi/linux/futex.h: commands without the flags for private futexes and the clock. */
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const FUTEX_REQUEUE = 3;
const FUTEX_CMP_REQUEUE = 4;
const FUTEX_WAIT_BITSET = 9;
const FUTEX_WAKE_BITSET = 10;
const COMMAND_MASK = 0x7f;
const MATCH_ANY = -1;
/** Timeouts of FUTEX_WAIT count from now, those of FUTEX_WAIT_BITSET are points in time. */
const FOR_EVER = -1;

/** struct futex_q: one sleeper. */
export interface FutexWaiter extends KernelObject {
  readonly task: Task;
  readonly bitset: number;
  key: number;
  queued: boolean;
}
/** struct wake_q_head: tasks that are woken once the bucket's lock is dropped. */
interface WakeQueue extends KernelObject {
  readonly tasks: Task[];
}

function unqueue(m: Machine, waiter: FutexWaiter): void {
  waiter.queued = false;
  const queue = m.futexQueues.get(waiter.key);
  if (queue === undefined) return;
  const at = queue.indexOf(waiter);
  if (at >= 0) queue.splice(at, 1);
  if (queue.length === 0) m.futexQueues.delete(waiter.key);
}
function enqueue(m: Machine, waiter: FutexWaiter): void {
  const queue = m.futexQueues.get(waiter.key);
  if (queue === undefined) m.futexQueues.set(waiter.key, [waiter]);
  else queue.push(waiter);
}

const futexDoWait = kernelFunction('futex_do_wait', 15, (m, q: FutexWaiter, expires: number): Result => {
  if (expires !== FOR_EVER) startSleeper(m, q.task, expires);
  return schedule(m);
});
/** Takes the bucket's lock, compares and queues: atomic against futex_wake, which is the point of it all. */
const futexWaitSetup = kernelFunction(
  'futex_wait_setup',
  45,
  (m, uaddr: number, val: number, _flags: number, q: FutexWaiter, _key: null, _task: Task): number => {
    const at = m.cpu.current.process?.mm.find(uaddr, 4) ?? -1;
    if (at < 0) return -EFAULT;
    if (m.words[at >> 2] !== (val | 0)) return -EAGAIN;
    q.key = at;
    q.queued = true;
    setTaskState(m, q.task, TASK_INTERRUPTIBLE);
    enqueue(m, q);
    return 0;
  },
);
const innerFutexWait = kernelFunction(
  '__futex_wait',
  30,
  (m, uaddr: number, flags: number, val: number, expires: number, bitset: number): Result => {
    const task = m.cpu.current;
    const q: FutexWaiter = { address: m.scratch, task, bitset, key: 0, queued: false };
    const refused = futexWaitSetup(m, uaddr, val, flags, q, null, task);
    if (refused !== 0) return refused;
    const after = (): number => {
      setTaskState(m, task, TASK_RUNNING);
      if (expires !== FOR_EVER) cancelSleeper(m, task);
      if (!q.queued) return 0;
      unqueue(m, q);
      return expires !== FOR_EVER && m.cpu.time >= expires ? -ETIMEDOUT : -EINTR;
    };
    const slept = futexDoWait(m, q, expires);
    return slept instanceof Pending ? slept.then(after) : after();
  },
);
const futexWait = kernelFunction(
  'futex_wait',
  25,
  (m, uaddr: number, flags: number, val: number, expires: number, bitset: number): Result =>
    innerFutexWait(m, uaddr, flags, val, expires, bitset),
);

const futexWakeMark = kernelFunction('futex_wake_mark', 12, (m, wakeQ: WakeQueue, q: FutexWaiter): void => {
  unqueue(m, q);
  wakeQ.tasks.push(q.task);
});
const wakeUpQ = kernelFunction('wake_up_q', 10, (m, head: WakeQueue): void => {
  for (const task of head.tasks) tryToWakeUp(m, task, TASK_NORMAL, 0);
});
const futexWake = kernelFunction(
  'futex_wake',
  40,
  (m, uaddr: number, _flags: number, _op: null, count: number, bitset: number): number => {
    const key = m.cpu.current.process?.mm.find(uaddr, 4) ?? -1;
    if (key < 0) return -EFAULT;
    const head: WakeQueue = { address: m.scratch, tasks: [] };
    for (const waiter of [...(m.futexQueues.get(key) ?? [])]) {
      if (head.tasks.length >= count) break;
      if ((waiter.bitset & bitset) !== 0) futexWakeMark(m, head, waiter);
    }
    wakeUpQ(m, head);
    return head.tasks.length;
  },
);
/** Wakes some and lets the others wait for another word instead (condition variables and their mutex). */
const futexRequeue = kernelFunction(
  'futex_requeue',
  70,
  (
    m,
    uaddr: number,
    _flags: number,
    uaddr2: number,
    _flags2: number,
    wake: number,
    requeue: number,
    _cmpval: null,
    _pi: number,
  ): number => {
    const from = m.cpu.current.process?.mm.find(uaddr, 4) ?? -1;
    const to = m.cpu.current.process?.mm.find(uaddr2, 4) ?? -1;
    if (from < 0 || to < 0) return -EFAULT;
    const head: WakeQueue = { address: m.scratch, tasks: [] };
    let moved = 0;
    for (const waiter of [...(m.futexQueues.get(from) ?? [])]) {
      if (head.tasks.length < wake) {
        futexWakeMark(m, head, waiter);
      } else if (moved < requeue) {
        unqueue(m, waiter);
        waiter.key = to;
        waiter.queued = true;
        enqueue(m, waiter);
        moved += 1;
      }
    }
    wakeUpQ(m, head);
    return head.tasks.length + moved;
  },
);

const doFutex = kernelFunction(
  'do_futex',
  20,
  (m, uaddr: number, op: number, val: number, timeout: number, uaddr2: number, val2: number, val3: number): Result => {
    switch (op & COMMAND_MASK) {
      case FUTEX_WAIT:
      case FUTEX_WAIT_BITSET: {
        const ns = timeout === 0 ? undefined : getUserTimespec(m, timeout);
        if (timeout !== 0 && ns === undefined) return -EFAULT;
        const isRelative = (op & COMMAND_MASK) === FUTEX_WAIT;
        const expires = ns === undefined ? FOR_EVER : isRelative ? m.cpu.time + ns : ns;
        return futexWait(m, uaddr, op, val, expires, isRelative ? MATCH_ANY : val3);
      }
      case FUTEX_WAKE:
        return futexWake(m, uaddr, op, null, val, MATCH_ANY);
      case FUTEX_WAKE_BITSET:
        return futexWake(m, uaddr, op, null, val, val3);
      case FUTEX_REQUEUE:
      case FUTEX_CMP_REQUEUE:
        // The fourth argument of the system call is no pointer here.
        return futexRequeue(m, uaddr, op, uaddr2, op, val, val2, null, 0);
      default:
        return -ENOSYS;
    }
  },
);
systemCall('futex', 20, (m, uaddr, op, val, timeout, uaddr2, val3) =>
  doFutex(m, uaddr, op, val, timeout, uaddr2, timeout, val3),
);
