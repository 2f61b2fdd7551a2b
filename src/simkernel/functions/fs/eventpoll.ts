import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { leave, takeUp } from '../../execution/hand-over.ts';
import type { HandOver } from '../../execution/hand-over.ts';
import { wait } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { File, FileOperations, Inode, PollTable } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { TASK_INTERRUPTIBLE } from '../../tasks/task.ts';
import { EBADF, EEXIST, EFAULT, EINTR, EINVAL, ENOENT, EPERM } from '../../errno.ts';
import { createMutex, freeMutex, mutexLock, mutexUnlock } from '../kernel/mutex.ts';
import type { Mutex } from '../kernel/mutex.ts';
import { EPOLL, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLL_EVENT_SIZE } from './poll-events.ts';
import { deadline, scheduleHrtimeoutRange } from './poll-timeout.ts';
import { callRcu } from '../kernel/rcu.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { getUserTimespec } from '../x86/user-access.ts';
import { currentFile, fdInstall, getUnusedFd } from './vfs.ts';
import {
  addWaitEntry,
  createWaitQueue,
  currentWaitEntry,
  finishWait,
  freeWaitQueue,
  prepareToWaitExclusive,
  removeWaitEntry,
  wakeInterruptible,
} from '../kernel/wait-queue.ts';
import type { WaitEntry, WaitQueue } from '../kernel/wait-queue.ts';
import { MS } from '../../time/units.ts';

/** struct epoll_event, packed on x86-64. */
/** Sizes of struct eventpoll and struct epitem, which no script reads. */
const EVENTPOLL_SIZE = 256;
const EPITEM_SIZE = 128;
const ANON_INODE = 0o600;
/** Reported whether asked for or not. */
const ALWAYS = EPOLL.ERR | EPOLL.HUP;

/** struct eventpoll: watched files and those that have something. */
interface EventPoll extends KernelObject, HandOver {
  readonly items: Map<number, EpItem>;
  readonly ready: EpItem[];
  /** Held while events go to the user. */
  readonly mtx: Mutex;
  /** Tasks in epoll_wait(). */
  readonly queue: WaitQueue;
  /** Those who watch the epoll file itself. */
  readonly pollers: WaitQueue;
}
/** struct epitem: one watched file. */
interface EpItem extends KernelObject {
  readonly ep: EventPoll;
  readonly fd: number;
  readonly file: File;
  events: number;
  data: readonly [low: number, high: number];
  isReady: boolean;
  readonly entries: WaitEntry[];
  /** The watched file is closed for good. */
  forget(m: Machine): void;
}

const epPollCallback = kernelFunction(
  'ep_poll_callback',
  40,
  (m, entry: WaitEntry, _mode: number, _sync: number, key: number): number => {
    const { item } = entry as WaitEntry & { readonly item: EpItem };
    const { ep } = item;
    if (key !== 0 && (key & (item.events | ALWAYS)) === 0) return 0;
    if (!item.isReady) {
      item.isReady = true;
      ep.ready.push(item);
      leave(m, ep);
    }
    const hadWaiters = ep.queue.entries.length > 0;
    wakeInterruptible(m, ep.queue, 0);
    wakeInterruptible(m, ep.pollers, EPOLL.IN);
    // With EPOLLEXCLUSIVE only one of those who wait for the same file is told, if it had somebody to wake.
    return (item.events & EPOLL.EXCLUSIVE) !== 0 && hadWaiters ? 1 : (item.events & EPOLL.EXCLUSIVE) === 0 ? 1 : 0;
  },
);
/** Called by the file's poll for each of its queues: from now on they call ep_poll_callback. */
const epPtableQueueProc = kernelFunction(
  'ep_ptable_queue_proc',
  60,
  (m, _file: File, queue: WaitQueue, table: PollTable & { readonly item: EpItem }): void => {
    const { item } = table;
    const exclusive = (item.events & EPOLL.EXCLUSIVE) !== 0;
    const entry = Object.assign(
      { address: m.scratch, task: null, exclusive, queue: null as WaitQueue | null, wake: epPollCallback },
      { item },
    );
    addWaitEntry(queue, entry);
    item.entries.push(entry);
  },
);

function poll(m: Machine, item: EpItem, table: PollTable | null): number {
  return (item.file.inode.operations.poll?.(m, item.file, table) ?? 0) & (item.events | ALWAYS);
}
function insert(m: Machine, ep: EventPoll, fd: number, file: File, event: EpollEvent): number {
  const item: EpItem = {
    address: m.arena.allocate(EPITEM_SIZE),
    ep,
    fd,
    file,
    events: event.events,
    data: event.data,
    isReady: false,
    entries: [],
    forget: (machine) => eventpollReleaseFile(machine, file, item),
  };
  ep.items.set(fd, item);
  file.watchers.add(item);
  const table = {
    address: m.scratch,
    item,
    wait: (machine: Machine, of: File, queue: WaitQueue) => epPtableQueueProc(machine, of, queue, table),
  };
  markIfReady(m, ep, item, poll(m, item, table));
  return 0;
}
function markIfReady(m: Machine, ep: EventPoll, item: EpItem, events: number): void {
  if (events === 0 || item.isReady) return;
  item.isReady = true;
  ep.ready.push(item);
  leave(m, ep);
  wakeInterruptible(m, ep.queue, 0);
}
const epRemove = kernelFunction('ep_remove', 90, (m, ep: EventPoll, item: EpItem): void => {
  for (const entry of item.entries.splice(0)) removeWaitEntry(entry);
  ep.items.delete(item.fd);
  item.file.watchers.delete(item);
  if (item.isReady) ep.ready.splice(ep.ready.indexOf(item), 1);
  item.isReady = false;
  m.arena.free(item.address, EPITEM_SIZE);
});
const eventpollReleaseFile = kernelFunction('eventpoll_release_file', 30, (m, _file: File, item: EpItem): void =>
  epRemove(m, item.ep, item),
);

interface EpollEvent {
  readonly events: number;
  readonly data: readonly [number, number];
}
function readEvent(m: Machine, address: number): EpollEvent | undefined {
  const at = m.cpu.current.process?.mm.find(address, EPOLL_EVENT_SIZE) ?? -1;
  const { view } = m.arena;
  if (at < 0) return undefined;
  return { events: view.getInt32(at, true), data: [view.getInt32(at + 4, true), view.getInt32(at + 8, true)] };
}

const doEpollCtl = kernelFunction(
  'do_epoll_ctl',
  110,
  (m, epfd: number, op: number, fd: number, event: number, _nonblock: number): number => {
    const epFile = currentFile(m, epfd);
    const file = currentFile(m, fd);
    if (epFile === null || file === null) return -EBADF;
    const ep = epFile.inode.channel as EventPoll | null;
    if (epFile.inode.operations !== EPOLL_FILES || ep === null) return -EINVAL;
    if (file.inode.operations.poll === undefined) return -EPERM;
    const item = ep.items.get(fd);
    if (op === EPOLL_CTL_DEL) {
      if (item === undefined) return -ENOENT;
      epRemove(m, ep, item);
      return 0;
    }
    const wanted = readEvent(m, event);
    if (wanted === undefined) return -EFAULT;
    if (op === EPOLL_CTL_ADD) return item === undefined ? insert(m, ep, fd, file, wanted) : -EEXIST;
    if (op !== EPOLL_CTL_MOD) return -EINVAL;
    if (item === undefined) return -ENOENT;
    item.events = wanted.events;
    item.data = wanted.data;
    markIfReady(m, ep, item, poll(m, item, null));
    return 0;
  },
);
systemCall('epoll_ctl', 20, (m, epfd, op, fd, event) => doEpollCtl(m, epfd, op, fd, event, 0));

/** Asks every file on the ready list again and tells the user of those that still have something. */
const epSendEvents = kernelFunction(
  'ep_send_events',
  60,
  (m, ep: EventPoll, events: number, maxevents: number): number => {
    const { view } = m.arena;
    const at = m.cpu.current.process?.mm.find(events, EPOLL_EVENT_SIZE * maxevents) ?? -1;
    if (at < 0) return -EFAULT;
    let sent = 0;
    for (const item of ep.ready.splice(0, Math.min(maxevents, ep.ready.length))) {
      item.isReady = false;
      m.spend(20);
      const now = poll(m, item, null);
      if (now === 0) continue;
      const to = at + EPOLL_EVENT_SIZE * sent;
      view.setInt32(to, now, true);
      view.setInt32(to + 4, item.data[0], true);
      view.setInt32(to + 8, item.data[1], true);
      sent += 1;
      if ((item.events & EPOLL.ONESHOT) !== 0) {
        item.events &= EPOLL.ONESHOT | EPOLL.EDGE | EPOLL.EXCLUSIVE;
      } else if ((item.events & EPOLL.EDGE) === 0 && !item.isReady) {
        // Level triggered: it is asked again by the next epoll_wait.
        item.isReady = true;
        ep.ready.push(item);
      }
    }
    return sent;
  },
);

const doEpollWait = sleepingFunction(
  'do_epoll_wait',
  70,
  function* (m, epfd: number, events: number, maxevents: number, timeoutNs: number) {
    const file = currentFile(m, epfd);
    if (file === null) return -EBADF;
    const ep = file.inode.channel as EventPoll | null;
    if (file.inode.operations !== EPOLL_FILES || ep === null || maxevents <= 0) return -EINVAL;
    const end = deadline(m, timeoutNs);
    for (;;) {
      if (ep.ready.length > 0) {
        takeUp(m, ep);
        yield* wait(mutexLock(m, ep.mtx));
        const sent = epSendEvents(m, ep, events, maxevents);
        mutexUnlock(m, ep.mtx);
        if (sent !== 0) return sent;
      }
      if (timeoutNs === 0 || m.cpu.time >= end) return 0;
      if (m.cpu.current.pendingSignal !== 0) return -EINTR;
      const entry = currentWaitEntry(m, true);
      prepareToWaitExclusive(m, ep.queue, entry, TASK_INTERRUPTIBLE);
      if (ep.ready.length === 0) yield* wait(scheduleHrtimeoutRange(m, end, 0, 0));
      finishWait(m, ep.queue, entry);
    }
  },
);
systemCall('epoll_wait', 15, (m, epfd, events, max, timeout) => doEpollWait(m, epfd, events, max, timeout * MS));
systemCall('epoll_pwait', 18, (m, epfd, events, max, timeout) => doEpollWait(m, epfd, events, max, timeout * MS));
systemCall('epoll_pwait2', 22, (m, epfd, events, max, timeout) => {
  const ns = timeout === 0 ? -1 : getUserTimespec(m, timeout);
  return ns === undefined ? -EFAULT : doEpollWait(m, epfd, events, max, ns);
});

const epEventpollRelease = kernelFunction('ep_eventpoll_release', 60, (m, inode: Inode, file: File): Result => {
  const ep = inode.channel as EventPoll;
  for (const item of [...ep.items.values()]) epRemove(m, ep, item);
  callRcu(m, () => {
    freeWaitQueue(m, ep.queue);
    freeWaitQueue(m, ep.pollers);
    freeMutex(m, ep.mtx);
    m.arena.free(ep.address, EVENTPOLL_SIZE);
    file.path.dentry.release(m);
    inode.release(m);
  });
  return 0;
});
const epEventpollPoll = kernelFunction('ep_eventpoll_poll', 30, (m, file: File, table: PollTable | null): number => {
  const ep = file.inode.channel as EventPoll;
  table?.wait(m, file, ep.pollers);
  return ep.ready.length > 0 ? EPOLL.IN | EPOLL.RDNORM : 0;
});
const EPOLL_FILES: FileOperations = {
  poll: (m, file, table) => epEventpollPoll(m, file, table),
  release: (m, inode, file) => epEventpollRelease(m, inode, file),
};

const doEpollCreate = kernelFunction('do_epoll_create', 700, (m, flags: number): number => {
  const ep: EventPoll = {
    address: m.arena.allocate(EVENTPOLL_SIZE),
    items: new Map(),
    ready: [],
    leftAt: 0,
    mtx: createMutex(m),
    queue: createWaitQueue(m),
    pollers: createWaitQueue(m),
  };
  const inode = m.anonymousFiles.inode('anon_inodefs', ANON_INODE, EPOLL_FILES);
  inode.channel = ep;
  const fd = getUnusedFd(m, 0, 1024, flags);
  fdInstall(m, fd, m.anonymousFiles.open('anon_inodefs', inode, 'anon_inode:[eventpoll]', 2, ep));
  return fd;
});
systemCall('epoll_create1', 15, (m, flags) => doEpollCreate(m, flags));
systemCall('epoll_create', 15, (m, size) => (size <= 0 ? -EINVAL : doEpollCreate(m, 0)));
