import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { leave, takeUp } from '../../execution/hand-over.ts';
import type { HandOver } from '../../execution/hand-over.ts';
import { wait } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { File, FileOperations, Inode, IovIter, Kiocb, PollTable } from '../../fs/file.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeNumber } from '../../memory/arena.ts';
import { EAGAIN, EFAULT, EINTR, EINVAL } from '../../errno.ts';
import { EPOLL } from './poll-events.ts';
import { callRcu } from '../kernel/rcu.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { getUserLong } from '../x86/user-access.ts';
import { fdInstall, getUnusedFd } from './vfs.ts';
import { createWaitQueue, freeWaitQueue, sleepOn, wakeInterruptible } from '../kernel/wait-queue.ts';
import type { WaitQueue } from '../kernel/wait-queue.ts';
import { O_NONBLOCK, O_RDWR } from '../../fs/fcntl.ts';

const EFD_SEMAPHORE = 1;
const CONTEXT_SIZE = 64;
const WORD = 8;

/** struct eventfd_ctx: a counter that can be waited for. */
interface EventFd extends KernelObject, HandOver {
  count: number;
  readonly isSemaphore: boolean;
  readonly queue: WaitQueue;
}

const eventfdRead = sleepingFunction('eventfd_read', 30, function* (m, iocb: Kiocb, to: IovIter) {
  const context = iocb.file.inode.channel as EventFd;
  if (to.count < WORD) return -EINVAL;
  takeUp(m, context);
  while (context.count === 0) {
    if ((iocb.file.flags & O_NONBLOCK) !== 0) return -EAGAIN;
    if (m.cpu.current.pendingSignal !== 0) return -EINTR;
    yield* wait(sleepOn(m, context.queue, () => context.count > 0));
  }
  const value = context.isSemaphore ? 1 : context.count;
  const at = m.cpu.current.process?.mm.find(to.buffer, WORD) ?? -1;
  if (at < 0) return -EFAULT;
  context.count -= value;
  storeNumber(m.words, at, value);
  return WORD;
});
const eventfdWrite = kernelFunction('eventfd_write', 30, (m, iocb: Kiocb, from: IovIter): Result => {
  const context = iocb.file.inode.channel as EventFd;
  const value = from.count < WORD ? undefined : getUserLong(m, from.buffer);
  if (value === undefined) return from.count < WORD ? -EINVAL : -EFAULT;
  context.count += value;
  leave(m, context);
  wakeInterruptible(m, context.queue, EPOLL.IN);
  return WORD;
});
const eventfdPoll = kernelFunction('eventfd_poll', 15, (m, file: File, table: PollTable | null): number => {
  const context = file.inode.channel as EventFd;
  table?.wait(m, file, context.queue);
  takeUp(m, context);
  return (context.count > 0 ? EPOLL.IN : 0) | EPOLL.OUT;
});
const eventfdRelease = kernelFunction('eventfd_release', 20, (m, inode: Inode, file: File): Result => {
  const context = inode.channel as EventFd;
  wakeInterruptible(m, context.queue, EPOLL.HUP);
  callRcu(m, () => {
    freeWaitQueue(m, context.queue);
    m.arena.free(context.address, CONTEXT_SIZE);
    file.path.dentry.release(m);
    inode.release(m);
  });
  return 0;
});
const EVENTFD_FILES: FileOperations = {
  readIter: (m, iocb, to) => eventfdRead(m, iocb, to),
  writeIter: (m, iocb, from) => eventfdWrite(m, iocb, from),
  poll: (m, file, table) => eventfdPoll(m, file, table),
  release: (m, inode, file) => eventfdRelease(m, inode, file),
};

const doEventfd = kernelFunction('do_eventfd', 500, (m, count: number, flags: number): number => {
  const isSemaphore = (flags & EFD_SEMAPHORE) !== 0;
  const context: EventFd = {
    address: m.arena.allocate(CONTEXT_SIZE),
    count,
    isSemaphore,
    queue: createWaitQueue(m),
    leftAt: 0,
  };
  const inode = m.anonymousFiles.inode('anon_inodefs', 0o600, EVENTFD_FILES);
  inode.channel = context;
  const fd = getUnusedFd(m, 0, 1024, flags);
  const mode = O_RDWR | (flags & O_NONBLOCK);
  fdInstall(m, fd, m.anonymousFiles.open('anon_inodefs', inode, 'anon_inode:[eventfd]', mode, context));
  return fd;
});
systemCall('eventfd2', 15, (m, count, flags) => doEventfd(m, count, flags));
systemCall('eventfd', 15, (m, count) => doEventfd(m, count, 0));
