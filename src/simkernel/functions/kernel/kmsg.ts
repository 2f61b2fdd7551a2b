import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { File, FileOperations, Inode } from '../../fs/file.ts';
import { TASK_INTERRUPTIBLE, TASK_RUNNING } from '../../tasks/task.ts';
import { EINTR, EINVAL } from '../../errno.ts';
import { writeUserText } from '../fs/pseudo-files.ts';
import { schedule, setTaskState } from './sched.ts';

/** The next record that a reader of /dev/kmsg gets (struct devkmsg_user). */
const positions = new WeakMap<File, number>();
/** MESSAGE_LOGLEVEL_DEFAULT, of facility "kernel". */
const PRIORITY = 4;
const PER_CHARACTER_NS = 6;

/** One record for each read: priority, sequence number, microseconds, flags; then the text. */
const devkmsgRead = kernelFunction(
  'devkmsg_read',
  90,
  (m, file: File, buffer: number, count: number, ppos: number): Result => {
    const at = positions.get(file) ?? 0;
    const line = m.kernelLog[at];
    if (line !== undefined) {
      const record = `${PRIORITY},${at},${Math.floor(line.timeNs / 1000)},-;${line.text}\n`;
      if (record.length > count) return -EINVAL;
      positions.set(file, at + 1);
      m.spend(record.length * PER_CHARACTER_NS);
      writeUserText(m, buffer, record);
      return record.length;
    }
    const task = m.cpu.current;
    m.kernelLogReaders.push(task);
    setTaskState(m, task, TASK_INTERRUPTIBLE);
    const slept = schedule(m);
    const again = (): Result => {
      setTaskState(m, task, TASK_RUNNING);
      return task.pendingSignal !== 0 ? -EINTR : devkmsgRead(m, file, buffer, count, ppos);
    };
    return slept instanceof Pending ? slept.then(again) : again();
  },
);
const devkmsgOpen = kernelFunction('devkmsg_open', 60, (_m, _inode: Inode, file: File): Result => {
  positions.set(file, 0);
  return 0;
});
/** /dev/kmsg: the kernel log as it is written. */
export const KMSG_FILES: FileOperations = {
  open: (m, inode, file) => devkmsgOpen(m, inode, file),
  readIter: (m, iocb, to) => devkmsgRead(m, iocb.file, to.buffer, to.count, iocb.pos),
};
