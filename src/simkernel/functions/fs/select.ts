import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { wait } from '../../execution/pending.ts';
import type { File, PollTable } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import { TASK_INTERRUPTIBLE, TASK_RUNNING } from '../../tasks/task.ts';
import { EBADF, EFAULT, EINTR } from '../../errno.ts';
import { EPOLL } from './poll-events.ts';
import { deadline, scheduleHrtimeoutRange } from './poll-timeout.ts';
import { setTaskState } from '../kernel/sched.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { getUserLong, getUserTimespec } from '../x86/user-access.ts';
import { currentFile } from './vfs.ts';
import { addWaitEntry, removeWaitEntry, wokenWaitEntry } from '../kernel/wait-queue.ts';
import type { WaitEntry, WaitQueue } from '../kernel/wait-queue.ts';
import { MS } from '../../time/units.ts';

/** struct pollfd: int fd; short events, revents. */
const POLLFD_SIZE = 8;
const POLLNVAL = 0x20;
/** A file without poll is always ready (DEFAULT_POLLMASK). */
const DEFAULT_MASK = EPOLL.IN | EPOLL.OUT | EPOLL.RDNORM | EPOLL.WRNORM;
const ALWAYS = EPOLL.ERR | EPOLL.HUP;
/** What select()'s three sets ask for. */
const SETS = [
  EPOLL.RDNORM | EPOLL.IN | EPOLL.HUP | EPOLL.ERR,
  EPOLL.WRNORM | EPOLL.OUT | EPOLL.ERR,
  EPOLL.PRI,
] as const;

/** One file that is asked, and where the answer goes. */
interface Asked {
  readonly file: File | null;
  readonly wanted: number;
  /** Returns whether the file counts as ready. */
  readonly answer: (mask: number) => boolean;
}

const pollwait = kernelFunction(
  '__pollwait',
  25,
  (m, _file: File, queue: WaitQueue, table: PollTable & { readonly entries: WaitEntry[] }): void => {
    const entry = wokenWaitEntry(m);
    addWaitEntry(queue, entry);
    table.entries.push(entry);
  },
);

/** Asks all files until one is ready, the time is over or a signal comes; in the first round it also queues on each. */
function* waitForAny(m: Machine, asked: readonly Asked[], timeoutNs: number): Generator<never, number, unknown> {
  const end = deadline(m, timeoutNs);
  const task = m.cpu.current;
  const table = {
    address: m.scratch,
    entries: [] as WaitEntry[],
    wait: (machine: Machine, file: File, queue: WaitQueue) => pollwait(machine, file, queue, table),
  };
  let queued: PollTable | null = timeoutNs === 0 ? null : table;
  let ready = 0;
  for (;;) {
    setTaskState(m, task, TASK_INTERRUPTIBLE);
    for (const { file, wanted, answer } of asked) {
      m.spend(15);
      const mask =
        file === null ? POLLNVAL : (file.inode.operations.poll?.(m, file, queued) ?? DEFAULT_MASK) & (wanted | ALWAYS);
      if (answer(mask)) ready += 1;
    }
    queued = null;
    if (ready > 0 || m.cpu.time >= end || timeoutNs === 0) break;
    if (task.pendingSignal !== 0) {
      ready = -EINTR;
      break;
    }
    yield* wait(scheduleHrtimeoutRange(m, end, 0, 0)) as Generator<never, number, unknown>;
  }
  setTaskState(m, task, TASK_RUNNING);
  for (const entry of table.entries) removeWaitEntry(entry);
  return ready;
}

const doSysPoll = sleepingFunction('do_sys_poll', 60, function* (m, ufds: number, nfds: number, timeoutNs: number) {
  const at = nfds === 0 ? 0 : (m.cpu.current.process?.mm.find(ufds, POLLFD_SIZE * nfds) ?? -1);
  if (at < 0) return -EFAULT;
  const { view } = m.arena;
  const asked = Array.from({ length: nfds }, (_, i): Asked => {
    const entry = at + POLLFD_SIZE * i;
    return {
      file: currentFile(m, view.getInt32(entry, true)),
      wanted: view.getUint16(entry + 4, true),
      answer(mask) {
        view.setUint16(entry + 6, mask, true);
        return mask !== 0;
      },
    };
  });
  return yield* waitForAny(m, asked, timeoutNs);
});
systemCall('poll', 15, (m, ufds, nfds, timeout) => doSysPoll(m, ufds, nfds, (timeout | 0) * MS));
systemCall('ppoll', 20, (m, ufds, nfds, timeout) => {
  const ns = timeout === 0 ? -1 : getUserTimespec(m, timeout);
  return ns === undefined ? -EFAULT : doSysPoll(m, ufds, nfds, ns);
});

/** Bit sets of descriptors in user memory: in, out, exceptional. Each is asked for and replaced by what is ready. */
const coreSysSelect = sleepingFunction(
  'core_sys_select',
  80,
  function* (m, n: number, inp: number, outp: number, exp: number, timeoutNs: number) {
    const asked: Asked[] = [];
    const results = new Map<number, number>();
    for (const [which, address] of [inp, outp, exp].entries()) {
      const at = address === 0 ? 0 : (m.cpu.current.process?.mm.find(address, Math.ceil(n / 32) * 4) ?? -1);
      if (at < 0) return -EFAULT;
      for (let fd = 0; at !== 0 && fd < n; fd += 1) {
        const word = at + 4 * (fd >> 5);
        if (fd % 32 === 0) results.set(word, 0);
        if ((m.words[word >> 2]! & (1 << (fd & 31))) === 0) continue;
        const file = currentFile(m, fd);
        if (file === null) return -EBADF;
        const wanted = SETS[which]!;
        const answer = (mask: number): boolean => {
          if ((mask & wanted) === 0) return false;
          results.set(word, results.get(word)! | (1 << (fd & 31)));
          return true;
        };
        asked.push({ file, wanted, answer });
      }
    }
    const ready = yield* waitForAny(m, asked, timeoutNs);
    if (ready >= 0) for (const [word, bits] of results) m.words[word >> 2] = bits;
    return ready;
  },
);
systemCall('select', 20, (m, n, inp, outp, exp, timeout) => {
  const seconds = timeout === 0 ? 0 : getUserLong(m, timeout);
  const microseconds = timeout === 0 ? 0 : getUserLong(m, timeout + 8);
  if (seconds === undefined || microseconds === undefined) return -EFAULT;
  return coreSysSelect(m, n, inp, outp, exp, timeout === 0 ? -1 : seconds * 1e9 + microseconds * 1000);
});
systemCall('pselect6', 25, (m, n, inp, outp, exp, timeout) => {
  const ns = timeout === 0 ? -1 : getUserTimespec(m, timeout);
  return ns === undefined ? -EFAULT : coreSysSelect(m, n, inp, outp, exp, ns);
});
