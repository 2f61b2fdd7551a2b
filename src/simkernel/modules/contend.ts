import type { DeviceSpec } from '../devices/device.ts';
import { sleepingFunction } from '../execution/kernel-function.ts';
import { wait } from '../execution/pending.ts';
import { createMutex, mutexLock, mutexUnlock } from '../functions/kernel/mutex.ts';
import type { Mutex } from '../functions/kernel/mutex.ts';
import { createKthread } from '../functions/kernel/kthread.ts';
import { msleep } from '../functions/kernel/sleep.ts';
import { createSpinLock, spinLock, spinUnlock } from '../functions/kernel/spinlock.ts';
import type { SpinLock } from '../functions/kernel/spinlock.ts';
import type { KernelObject } from '../memory/arena.ts';
import { enqueueAtBoot } from '../tasks/process.ts';

const COUNTER_NS = 6_000;
const TABLE_NS = 900_000;

/** What the threads share: a counter that is changed at once, a table that takes its time. */
interface Shared extends KernelObject {
  readonly counter: SpinLock;
  readonly table: Mutex;
}

/** Changes the counter under a spinlock, the table under a mutex, and rests a while. */
const contendThread = sleepingFunction(
  'contend_thread',
  60,
  function* (m, shared: Shared) {
    for (;;) {
      spinLock(m, shared.counter);
      m.spend(COUNTER_NS);
      spinUnlock(m, shared.counter);
      yield* wait(mutexLock(m, shared.table));
      yield m.busy(TABLE_NS);
      mutexUnlock(m, shared.table);
      yield* wait(msleep(m, 8));
    }
  },
  { module: 'contend' },
);

/** A thread on every CPU, all of which want the same two locks at the same time. */
export const contention: DeviceSpec = {
  name: 'contend',
  start(m) {
    const shared: Shared = { address: m.arena.allocate(64), counter: createSpinLock(m), table: createMutex(m) };
    for (const { id } of m.cpuList) {
      const thread = createKthread(m, `contend/${id}`, (m.lastPid += 1), id, () => contendThread(m, shared));
      enqueueAtBoot(m, thread, id);
    }
  },
};
