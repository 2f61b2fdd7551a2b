import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { drive, Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { File, IovIter, Kiocb } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { TASK_INTERRUPTIBLE, TASK_RUNNING } from '../../tasks/task.ts';
import type { Process } from '../../tasks/process.ts';
import type { Task } from '../../tasks/task.ts';
import { EBADF, EFAULT, EINVAL } from '../../errno.ts';
import { blkFinishPlug, blkStartPlug } from '../block/block.ts';
import { EIOCBQUEUED } from './direct-io.ts';
import { schedule, setTaskState, wakeUpProcess } from '../kernel/sched.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { fget, fput } from './vfs.ts';

/** include/uapi/linux/aio_abi.h: struct iocb and struct io_event. */
const IOCB = { size: 64, data: 0, opcode: 16, fd: 20, buffer: 24, bytes: 32, offset: 40 } as const;
const EVENT = { size: 32, data: 0, object: 8, result: 16 } as const;
const IOCB_CMD_PREAD = 0;
const IOCB_CMD_PWRITE = 1;
/** io_submit() gathers requests when it gets more than this many. */
const PLUG_THRESHOLD = 2;

/** struct kioctx: transfers that a process has under way, and what has come of the others. */
interface KioCtx extends KernelObject {
  readonly done: { readonly data: number; readonly iocb: number; readonly result: number }[];
  waiter: Task | null;
}
const contexts = new WeakMap<Process, Map<number, KioCtx>>();
function contextOf(m: Machine, id: number): KioCtx | undefined {
  const { process } = m.cpu.current;
  return process === null ? undefined : contexts.get(process)?.get(id);
}
function userOffset(m: Machine, address: number, size: number): number {
  return m.cpu.current.process?.mm.find(address, size) ?? -1;
}
function u64(m: Machine, at: number): number {
  return m.arena.view.getUint32(at, true) + m.arena.view.getUint32(at + 4, true) * 4294967296;
}

systemCall('io_setup', 900, (m, _events, pointer) => {
  const { process } = m.cpu.current;
  const at = userOffset(m, pointer, 8);
  if (process === null || at < 0) return -EFAULT;
  const known = contexts.get(process) ?? new Map<number, KioCtx>();
  contexts.set(process, known);
  const id = known.size + 1;
  known.set(id, { address: m.arena.allocate(256), done: [], waiter: null });
  m.arena.view.setUint32(at, id, true);
  m.arena.view.setUint32(at + 4, 0, true);
  return 0;
});
systemCall('io_destroy', 300, (m, id) => {
  const { process } = m.cpu.current;
  return process !== null && contexts.get(process)?.delete(id) === true ? 0 : -EINVAL;
});

const aioComplete = kernelFunction('aio_complete', 40, (m, request: KernelObject & Completion): void => {
  const { context, data, iocb, result } = request;
  context.done.push({ data, iocb, result });
  if (context.waiter !== null) wakeUpProcess(m, context.waiter);
});
interface Completion {
  readonly context: KioCtx;
  readonly data: number;
  readonly iocb: number;
  readonly result: number;
}
const aioRead = kernelFunction(
  'aio_read',
  50,
  (m, file: File, iocb: Kiocb, iter: IovIter): Result => file.inode.operations.readIter?.(m, iocb, iter) ?? -EINVAL,
);
const aioWrite = kernelFunction(
  'aio_write',
  55,
  (m, file: File, iocb: Kiocb, iter: IovIter): Result => file.inode.operations.writeIter?.(m, iocb, iter) ?? -EINVAL,
);
const ioSubmitOne = kernelFunction('io_submit_one', 90, (m, ctx: KioCtx, userIocb: number): Result => {
  const at = userOffset(m, userIocb, IOCB.size);
  if (at < 0) return -EFAULT;
  const { view } = m.arena;
  const opcode = view.getUint16(at + IOCB.opcode, true);
  if (opcode !== IOCB_CMD_PREAD && opcode !== IOCB_CMD_PWRITE) return -EINVAL;
  const file = fget(m, view.getInt32(at + IOCB.fd, true));
  if (file === null) return -EBADF;
  const data = u64(m, at + IOCB.data);
  const complete = (_m: Machine, result: number): void => {
    aioComplete(m, { address: m.scratch, context: ctx, data, iocb: userIocb, result });
    fput(m, file);
  };
  const iocb: Kiocb = { address: m.scratch, file, pos: u64(m, at + IOCB.offset), complete };
  const iter: IovIter = {
    address: m.scratch,
    buffer: u64(m, at + IOCB.buffer),
    count: u64(m, at + IOCB.bytes),
    source: opcode === IOCB_CMD_PWRITE,
  };
  const finish = (result: number): number => {
    // Buffered transfers are over at once.
    if (result !== -EIOCBQUEUED) complete(m, result);
    return 0;
  };
  const started = opcode === IOCB_CMD_PREAD ? aioRead(m, file, iocb, iter) : aioWrite(m, file, iocb, iter);
  return started instanceof Pending ? started.then(finish) : finish(started);
});
const submitAll = function* (
  m: Machine,
  ctx: KioCtx,
  count: number,
  pointers: number,
): Generator<Pending, number, unknown> {
  const plug = count > PLUG_THRESHOLD ? blkStartPlug(m) : null;
  let submitted = 0;
  let status = 0;
  while (submitted < count && status >= 0) {
    const one = ioSubmitOne(m, ctx, u64(m, pointers + 8 * submitted));
    status = one instanceof Pending ? ((yield one) as number) : one;
    if (status >= 0) submitted += 1;
  }
  if (plug !== null) blkFinishPlug(m, plug);
  return submitted > 0 ? submitted : status;
};
systemCall('io_submit', 40, (m, id, count, pointers) => {
  const ctx = contextOf(m, id);
  const at = userOffset(m, pointers, 8 * count);
  if (ctx === undefined) return -EINVAL;
  return at < 0 ? -EFAULT : drive(submitAll(m, ctx, count, at), undefined);
});

const readEvents = sleepingFunction('read_events', 40, function* (m, ctx: KioCtx, minimum: number) {
  while (ctx.done.length < minimum) {
    const task = m.cpu.current;
    ctx.waiter = task;
    setTaskState(m, task, TASK_INTERRUPTIBLE);
    const slept = schedule(m);
    if (slept instanceof Pending) yield slept;
    setTaskState(m, task, TASK_RUNNING);
    ctx.waiter = null;
    if (task.pendingSignal !== 0) break;
  }
  return 0;
});
systemCall('io_getevents', 40, (m, id, minimum, most, events) => {
  const ctx = contextOf(m, id);
  const at = userOffset(m, events, EVENT.size * most);
  if (ctx === undefined) return -EINVAL;
  if (at < 0) return -EFAULT;
  const copy = (): number => {
    const taken = ctx.done.splice(0, most);
    const { view } = m.arena;
    taken.forEach(({ data, iocb, result }, i) => {
      const event = at + EVENT.size * i;
      view.setUint32(event + EVENT.data, data >>> 0, true);
      view.setUint32(event + EVENT.object, iocb >>> 0, true);
      view.setInt32(event + EVENT.result, result, true);
    });
    return taken.length;
  };
  const waited = readEvents(m, ctx, minimum);
  return waited instanceof Pending ? waited.then(copy) : copy();
});
