import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { File, FileOperations, Inode, IovIter, Kiocb } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeText } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import { TASK_INTERRUPTIBLE, TASK_RUNNING } from '../../tasks/task.ts';
import type { Task } from '../../tasks/task.ts';
import { writeUserText } from '../fs/pseudo-files.ts';
import { schedule, setTaskState, wakeUpProcess } from '../kernel/sched.ts';
import { ANY_CPU, createWork, queueWorkOn } from '../kernel/workqueue.ts';
import type { Work } from '../kernel/workqueue.ts';
import { EFAULT, EINTR } from '../../errno.ts';
import { S_IFCHR } from '../../fs/file-mode.ts';

const TTY = structFields('tty_struct', { name: 'name' });
const NAME_SIZE = 64;
const PER_CHARACTER_NS = 12;

/** A terminal: what the driver received (struct tty_port's flip buffer), and the lines that its readers may have. */
export interface Tty extends KernelObject {
  readonly name: string;
  /** struct tty_port. */
  readonly port: KernelObject & { readonly tty: Tty };
  flip: string;
  /** The line under construction, and finished ones: canonical mode. */
  pending: string;
  ready: string;
  readonly readers: Task[];
  readonly work: Work;
  /** Who sits in front of the screen. */
  onOutput: ((bytes: Uint8Array) => void) | null;
}

/** The line discipline takes characters; a newline makes them a line that readers get. */
const nTtyReceiveBufCommon = kernelFunction(
  'n_tty_receive_buf_common',
  30,
  (m, tty: Tty, cp: KernelObject & { readonly text: string }, _fp: null, count: number, _flow: number): number => {
    m.spend(count * PER_CHARACTER_NS);
    tty.pending += cp.text;
    const end = tty.pending.lastIndexOf('\n') + 1;
    if (end > 0) {
      tty.ready += tty.pending.slice(0, end);
      tty.pending = tty.pending.slice(end);
      for (const reader of tty.readers.splice(0)) wakeUpProcess(m, reader);
    }
    return count;
  },
);
const nTtyReceiveBuf2 = kernelFunction(
  'n_tty_receive_buf2',
  8,
  (m, tty: Tty, cp: KernelObject & { readonly text: string }, fp: null, count: number): number =>
    nTtyReceiveBufCommon(m, tty, cp, fp, count, 1),
);
/** In a kworker: what the interrupt left in the flip buffer goes to the line discipline. */
const flushToLdisc = kernelFunction('flush_to_ldisc', 40, (m, work: Work): void => {
  const { tty } = work as Work & { readonly tty: Tty };
  const text = tty.flip;
  tty.flip = '';
  if (text !== '') nTtyReceiveBuf2(m, tty, { address: m.scratch, text }, null, text.length);
});
/** The end of a driver's interrupt: the rest is done where sleeping is allowed. */
export const ttyFlipBufferPush = kernelFunction(
  'tty_flip_buffer_push',
  20,
  (m, port: Tty['port']): void => void queueWorkOn(m, ANY_CPU, m.workqueues.unbound, port.tty.work),
);

const nTtyRead = kernelFunction(
  'n_tty_read',
  60,
  (m, tty: Tty, file: File, kbuf: number, nr: number, _cookie: null, _offset: number): Result => {
    if (tty.ready !== '') {
      const end = Math.min(nr, tty.ready.indexOf('\n') + 1);
      const line = tty.ready.slice(0, end);
      tty.ready = tty.ready.slice(end);
      writeUserText(m, kbuf, line);
      m.spend(line.length * PER_CHARACTER_NS);
      return line.length;
    }
    const task = m.cpu.current;
    tty.readers.push(task);
    setTaskState(m, task, TASK_INTERRUPTIBLE);
    const slept = schedule(m);
    const again = (): Result => {
      setTaskState(m, task, TASK_RUNNING);
      return task.pendingSignal !== 0 ? -EINTR : nTtyRead(m, tty, file, kbuf, nr, null, 0);
    };
    return slept instanceof Pending ? slept.then(again) : again();
  },
);
const ttyRead = kernelFunction('tty_read', 30, (m, iocb: Kiocb, to: IovIter): Result =>
  nTtyRead(m, iocb.file.inode.channel as Tty, iocb.file, to.buffer, to.count, null, 0),
);
const ttyWrite = kernelFunction('tty_write', 60, (m, iocb: Kiocb, from: IovIter): Result => {
  m.spend(from.count * PER_CHARACTER_NS);
  const { onOutput } = iocb.file.inode.channel as Tty;
  const at = onOutput === null ? -1 : (m.cpu.current.process?.mm.find(from.buffer, from.count) ?? -1);
  if (at >= 0) onOutput?.(m.arena.bytes.slice(at, at + from.count));
  return from.count;
});
const ttyOpen = kernelFunction('tty_open', 200, (_m, _inode: Inode, _file: File): Result => 0);
const TTY_FILES: FileOperations = {
  open: (m, inode, file) => ttyOpen(m, inode, file),
  readIter: (m, iocb, to) => ttyRead(m, iocb, to),
  writeIter: (m, iocb, from) => ttyWrite(m, iocb, from),
};

export function isTerminal({ operations }: Inode): boolean {
  return operations === TTY_FILES || operations === PTMX_FILES;
}

/** Pseudo terminals: what is written to the master of a pair arrives at the slave as if it had been typed. */
const masters = new WeakMap<File, Tty>();
const terminals = new WeakMap<Machine, number>();
const ptmxOpen = kernelFunction('ptmx_open', 900, (m, _inode: Inode, file: File): Result => {
  const index = terminals.get(m) ?? 0;
  terminals.set(m, index + 1);
  masters.set(file, createTty(m, `pts/${index}`));
  return 0;
});
const ptyWrite = kernelFunction(
  'pty_write',
  70,
  (m, tty: Tty, buf: KernelObject & { readonly text: string }, count: number): number => {
    m.spend(count * PER_CHARACTER_NS);
    tty.flip += buf.text;
    ttyFlipBufferPush(m, tty.port);
    return count;
  },
);
const PTMX_FILES: FileOperations = {
  open: (m, inode, file) => ptmxOpen(m, inode, file),
  writeIter: (m, iocb, from) => {
    const tty = masters.get(iocb.file);
    const at = m.cpu.current.process?.mm.find(from.buffer, from.count) ?? -1;
    if (tty === undefined || at < 0) return -EFAULT;
    const text = String.fromCharCode(...m.arena.bytes.subarray(at, at + from.count));
    return ptyWrite(m, tty, { address: m.scratch, text }, from.count);
  },
};
/** /dev/ptmx: each open makes a pair. */
export function createPtmx(m: Machine): void {
  m.fileSystem.special('/dev/ptmx', S_IFCHR | 0o620, PTMX_FILES);
}

/** Makes a terminal with its file in /dev. */
export function createTty(m: Machine, name: string): Tty {
  const address = m.arena.allocate(TTY.size, 64);
  storeText(m.arena.bytes, address + TTY.name, name, NAME_SIZE);
  const work = Object.assign(createWork(m, flushToLdisc as Work['run']), { tty: null as unknown });
  const tty: Tty = {
    address,
    name,
    port: {
      address: m.arena.allocate(256),
      get tty() {
        return tty;
      },
    },
    flip: '',
    pending: '',
    ready: '',
    readers: [],
    work,
    onOutput: null,
  };
  work.tty = tty;
  m.fileSystem.special(`/dev/${name}`, S_IFCHR | 0o620, TTY_FILES).channel = tty;
  return tty;
}
