import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { leave, takeUp } from '../../execution/hand-over.ts';
import type { HandOver } from '../../execution/hand-over.ts';
import { wait } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { File, FileOperations, Inode, IovIter, Kiocb, PollTable } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import { ByteQueue } from '../../net/byte-queue.ts';
import { EAGAIN, EFAULT, EINTR, EPIPE } from '../../errno.ts';
import { EPOLL } from './poll-events.ts';
import { callRcu } from '../kernel/rcu.ts';
import { doSendSigInfo } from '../kernel/signal.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { putUserInt, userBytes } from '../x86/user-access.ts';
import { fdInstall, getUnusedFd } from './vfs.ts';
import { sleepOn, wakeInterruptible, waitQueueAt } from '../kernel/wait-queue.ts';
import type { WaitQueue } from '../kernel/wait-queue.ts';
import { S_IFIFO } from '../../fs/file-mode.ts';
import { O_WRONLY, O_NONBLOCK } from '../../fs/fcntl.ts';
import { SIGPIPE } from '../../tasks/signals.ts';

const PIPE = structFields('pipe_inode_info', {
  readers: 'readers',
  writers: 'writers',
  files: 'files',
  head: 'head',
  ringSize: 'ring_size',
  rdWait: 'rd_wait',
  wrWait: 'wr_wait',
});
/** 16 buffers of a page each. */
const BUFFERS = 16;
const CAPACITY = BUFFERS * 4096;
const COPY_NS_PER_BYTE = 0.06;

/** struct pipe_inode_info. */
interface Pipe extends KernelObject, HandOver {
  readonly data: ByteQueue;
  readers: number;
  writers: number;
  readonly readable: WaitQueue;
  readonly writable: WaitQueue;
}

function createPipe(m: Machine): Pipe {
  const address = m.arena.allocate(PIPE.size);
  const pipe: Pipe = {
    address,
    data: new ByteQueue(),
    leftAt: 0,
    readers: 1,
    writers: 1,
    readable: waitQueueAt(address + PIPE.rdWait),
    writable: waitQueueAt(address + PIPE.wrWait),
  };
  m.words[(address + PIPE.ringSize) >> 2] = BUFFERS;
  storeEnds(m, pipe);
  return pipe;
}
function storeEnds(m: Machine, { address, readers, writers }: Pipe): void {
  m.words[(address + PIPE.readers) >> 2] = readers;
  m.words[(address + PIPE.writers) >> 2] = writers;
  m.words[(address + PIPE.files) >> 2] = readers + writers;
}
const pipeOf = (file: File): Pipe => file.inode.channel as Pipe;
const isWriter = (file: File): boolean => (file.flags & O_WRONLY) !== 0;

const anonPipeRead = sleepingFunction('anon_pipe_read', 60, function* (m, iocb: Kiocb, to: IovIter) {
  const pipe = pipeOf(iocb.file);
  const { data } = pipe;
  takeUp(m, pipe);
  while (data.length === 0) {
    if (pipe.writers === 0) return 0;
    if ((iocb.file.flags & O_NONBLOCK) !== 0) return -EAGAIN;
    if (m.cpu.current.pendingSignal !== 0) return -EINTR;
    yield* wait(pipeWaitReadable(m, pipe));
  }
  const buffer = userBytes(m, to.buffer, to.count);
  if (buffer === undefined) return -EFAULT;
  const wasFull = data.length >= CAPACITY;
  const n = data.take(buffer);
  m.spend(n * COPY_NS_PER_BYTE);
  leave(m, pipe);
  if (wasFull) wakeInterruptible(m, pipe.writable, EPOLL.OUT | EPOLL.WRNORM);
  return n;
});
const pipeWaitReadable = kernelFunction('pipe_wait_readable', 12, (m, pipe: Pipe): Result =>
  sleepOn(m, pipe.readable, () => pipe.data.length > 0 || pipe.writers === 0, true),
);
const pipeWaitWritable = kernelFunction('pipe_wait_writable', 12, (m, pipe: Pipe): Result =>
  sleepOn(m, pipe.writable, () => pipe.data.length < CAPACITY || pipe.readers === 0, true),
);

const anonPipeWrite = sleepingFunction('anon_pipe_write', 70, function* (m, iocb: Kiocb, from: IovIter) {
  const pipe = pipeOf(iocb.file);
  const { data } = pipe;
  let done = 0;
  takeUp(m, pipe);
  while (done < from.count) {
    if (pipe.readers === 0) {
      doSendSigInfo(m, SIGPIPE, null, m.cpu.current, 0);
      return done === 0 ? -EPIPE : done;
    }
    const room = CAPACITY - data.length;
    if (room > 0) {
      const part = userBytes(m, from.buffer + done, Math.min(room, from.count - done));
      if (part === undefined) return done === 0 ? -EFAULT : done;
      const wasEmpty = data.length === 0;
      data.push(part);
      done += part.length;
      m.spend(part.length * COPY_NS_PER_BYTE);
      leave(m, pipe);
      if (wasEmpty) wakeInterruptible(m, pipe.readable, EPOLL.IN | EPOLL.RDNORM);
      continue;
    }
    if ((iocb.file.flags & O_NONBLOCK) !== 0) return done === 0 ? -EAGAIN : done;
    if (m.cpu.current.pendingSignal !== 0) return done === 0 ? -EINTR : done;
    yield* wait(pipeWaitWritable(m, pipe));
  }
  return done;
});

const pipePoll = kernelFunction('pipe_poll', 25, (m, file: File, table: PollTable | null): number => {
  const pipe = pipeOf(file);
  takeUp(m, pipe);
  if (isWriter(file)) {
    table?.wait(m, file, pipe.writable);
    return (pipe.data.length < CAPACITY ? EPOLL.OUT | EPOLL.WRNORM : 0) | (pipe.readers === 0 ? EPOLL.ERR : 0);
  }
  table?.wait(m, file, pipe.readable);
  return (pipe.data.length > 0 ? EPOLL.IN | EPOLL.RDNORM : 0) | (pipe.writers === 0 ? EPOLL.HUP : 0);
});

const pipeRelease = kernelFunction('pipe_release', 45, (m, inode: Inode, file: File): Result => {
  const pipe = inode.channel as Pipe;
  if (isWriter(file)) pipe.writers -= 1;
  else pipe.readers -= 1;
  storeEnds(m, pipe);
  leave(m, pipe);
  wakeInterruptible(m, pipe.readable, EPOLL.IN | EPOLL.HUP);
  wakeInterruptible(m, pipe.writable, EPOLL.OUT | EPOLL.ERR);
  // Who closes the last end, and nobody else: the other end's grace period may end later.
  const isLast = pipe.readers + pipe.writers === 0;
  callRcu(m, () => {
    file.path.dentry.release(m);
    if (!isLast) return;
    m.arena.free(pipe.address, PIPE.size);
    inode.release(m);
  });
  return 0;
});

const PIPE_FILES: FileOperations = {
  readIter: (m, iocb, to) => anonPipeRead(m, iocb, to),
  writeIter: (m, iocb, from) => anonPipeWrite(m, iocb, from),
  poll: (m, file, table) => pipePoll(m, file, table),
  release: (m, inode, file) => pipeRelease(m, inode, file),
};

const createPipeFiles = kernelFunction(
  'create_pipe_files',
  900,
  (m, ends: KernelObject & { files: File[] }, flags: number): number => {
    const pipe = createPipe(m);
    const inode = m.anonymousFiles.inode('pipefs', S_IFIFO | 0o600, PIPE_FILES);
    inode.channel = pipe;
    const open = (mode: number): File =>
      m.anonymousFiles.open('pipefs', inode, `pipe:[${inode.ino}]`, mode | (flags & O_NONBLOCK), pipe);
    ends.files = [open(0), open(O_WRONLY)];
    return 0;
  },
);
const doPipe2 = kernelFunction('do_pipe2', 60, (m, fildes: number, flags: number): number => {
  const ends = { address: m.scratch, files: [] as File[] };
  createPipeFiles(m, ends, flags);
  for (const [i, file] of ends.files.entries()) {
    const fd = getUnusedFd(m, 0, 1024, flags);
    if (!putUserInt(m, fildes + 4 * i, fd)) return -EFAULT;
    fdInstall(m, fd, file);
  }
  return 0;
});
systemCall('pipe2', 15, (m, fildes, flags) => doPipe2(m, fildes, flags));
systemCall('pipe', 15, (m, fildes) => doPipe2(m, fildes, 0));
