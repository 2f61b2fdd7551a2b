import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { Dentry, DirectoryContext, File, Inode, IovIter, Kiocb, NegativeDentry } from '../../fs/file.ts';
import type { FileSystemOperations } from '../../fs/operations.ts';
import { EACCES, EAGAIN, EINTR, EINVAL } from '../../errno.ts';
import { makeFolder, removeFolder } from '../../tracefs/tree.ts';
import type { FileNode } from '../../tracefs/tree.ts';
import { listEntries } from '../fs/ext4-dir.ts';
import {
  FORMAT_NS_PER_CHARACTER,
  readText,
  UNCHANGEABLE,
  WITHOUT_PAGES,
  writeText,
  writeUserText,
} from '../fs/pseudo-files.ts';
import { msleep } from './sleep.ts';
import { O_ACCMODE, O_TRUNC, O_NONBLOCK } from '../../fs/fcntl.ts';

/** How often a reader of trace_pipe looks again. */
const POLL_MS = 5;

const nodeOf = (file: File): FileNode => file.inode.channel as FileNode;

const tracingOpen = kernelFunction(
  'tracing_open',
  120,
  (_m, _inode: Inode, file: File): Result => {
    const node = nodeOf(file);
    const isWrite = (file.flags & O_ACCMODE) !== 0;
    return isWrite && (file.flags & O_TRUNC) !== 0 ? (node.truncate?.() ?? 0) : 0;
  },
  { traceable: false },
);
const tracingRead = kernelFunction(
  'tracing_read',
  60,
  (m, iocb: Kiocb, to: IovIter): Result => {
    const { file } = iocb;
    const node = nodeOf(file);
    if (node.read === undefined && node.stream === undefined) return -EINVAL;
    if (node.stream !== undefined) return tracingReadPipe(m, file, to.buffer, to.count);
    return readText(m, iocb, to, () => node.read!());
  },
  { traceable: false },
);
/** Waits until there is something, then takes it out of the buffers. */
const tracingReadPipe = kernelFunction(
  'tracing_read_pipe',
  90,
  (m, file: File, buffer: number, count: number): Result => {
    const node = nodeOf(file);
    if (file.text === null || file.text === '') file.text = node.stream?.() ?? '';
    if (file.text !== '') {
      const part = file.text.slice(0, count);
      file.text = file.text.slice(count);
      m.spend(part.length * FORMAT_NS_PER_CHARACTER);
      writeUserText(m, buffer, part);
      return part.length;
    }
    if ((file.flags & O_NONBLOCK) !== 0) return -EAGAIN;
    const task = m.cpu.current;
    const slept = msleep(m, POLL_MS);
    const again = (): Result => (task.pendingSignal !== 0 ? -EINTR : tracingReadPipe(m, file, buffer, count));
    return slept instanceof Pending ? slept.then(again) : again();
  },
  { traceable: false },
);
const tracingWrite = kernelFunction(
  'tracing_write',
  200,
  (m, iocb: Kiocb, from: IovIter): Result => {
    const node = nodeOf(iocb.file);
    if (node.write === undefined) return node.truncate === undefined ? -EINVAL : from.count;
    return writeText(m, from, (text) => node.write!(text));
  },
  { traceable: false },
);
const eventfsRootLookup = kernelFunction(
  'eventfs_root_lookup',
  60,
  (_m, _dir: Inode, _dentry: Dentry | NegativeDentry, _flags: number): Result => 0,
);
const eventfsIterate = kernelFunction('eventfs_iterate', 90, (m, file: File, context: DirectoryContext): Result => {
  listEntries((ns) => m.spend(ns), file, context);
  return 0;
});

/** tracefs, debugfs and sysfs: files that are functions, in directories that the kernel makes; those of tracefs' instances are asked for. */
export const TRACEFS: FileSystemOperations = {
  files: {
    open: (m, inode, file) => tracingOpen(m, inode, file),
    readIter: (m, iocb, to) => tracingRead(m, iocb, to),
    writeIter: (m, iocb, from) => tracingWrite(m, iocb, from),
  },
  directories: { iterate: (m, file, context) => eventfsIterate(m, file, context) },
  inodes: {
    ...UNCHANGEABLE,
    lookup: (m, dir, dentry, flags) => eventfsRootLookup(m, dir, dentry, flags),
    // What a folder that has no create() is answered with (lookup_open).
    create: () => -EACCES,
    mkdir: (m, _idmap, dir, dentry, mode) => makeFolder(m, dir, dentry, mode),
    rmdir: (m, dir, dentry) => removeFolder(m, dir, dentry),
  },
  ...WITHOUT_PAGES,
};
