import { EFAULT, EINVAL, EPERM } from '../errno.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import type { Result } from '../execution/pending.ts';
import type { Dentry, DirectoryContext, File, Inode, IovIter, Kiocb, NegativeDentry } from '../fs/file.ts';
import type { FileSystemOperations, InodeOperations } from '../fs/operations.ts';
import { loadText } from '../memory/arena.ts';
import { makeFolder, removeFolder } from '../tracefs/tree.ts';
import type { FileNode } from '../tracefs/tree.ts';
import { listEntries } from './ext4-dir.ts';
import { writeUserText } from './proc.ts';
import { bug } from '../../source/bug.ts';

/* fs/kernfs: the file systems whose files are functions, in folders that the kernel makes: sysfs and cgroup2. */

const FORMAT_NS_PER_CHARACTER = 4;
const nodeOf = (file: File): FileNode => file.inode.channel as FileNode;

const kernfsFopOpen = kernelFunction('kernfs_fop_open', 90, (_m, _inode: Inode, _file: File): Result => 0);
const kernfsFopRelease = kernelFunction('kernfs_fop_release', 40, (_m, _inode: Inode, _file: File): Result => 0);
const kernfsFopReadIter = kernelFunction('kernfs_fop_read_iter', 60, (m, iocb: Kiocb, to: IovIter): Result => {
  const { file, pos } = iocb;
  const node = nodeOf(file);
  if (node.read === undefined) return -EINVAL;
  if (file.text === null) {
    file.text = node.read();
    m.spend(file.text.length * FORMAT_NS_PER_CHARACTER);
  }
  const part = file.text.slice(pos, pos + to.count);
  writeUserText(m, to.buffer, part);
  return part.length;
});
const kernfsFopWriteIter = kernelFunction('kernfs_fop_write_iter', 90, (m, iocb: Kiocb, from: IovIter): Result => {
  const node = nodeOf(iocb.file);
  if (node.write === undefined) return -EINVAL;
  const at = m.cpu.current.process?.mm.find(from.buffer, from.count) ?? -1;
  if (at < 0) return -EFAULT;
  const error = node.write(loadText(m.arena.bytes, at, from.count));
  return error < 0 ? error : from.count;
});

const kernfsIopLookup = kernelFunction(
  'kernfs_iop_lookup',
  60,
  (_m, _dir: Inode, _dentry: Dentry | NegativeDentry, _flags: number): Result => 0,
);
const kernfsIopMkdir = kernelFunction(
  'kernfs_iop_mkdir',
  60,
  (_m, _idmap: null, dir: Inode, dentry: NegativeDentry, mode: number): Result => makeFolder(dir, dentry, mode),
);
const kernfsIopRmdir = kernelFunction('kernfs_iop_rmdir', 60, (_m, dir: Inode, dentry: Dentry): Result =>
  removeFolder(dir, dentry),
);
const kernfsFopReaddir = kernelFunction(
  'kernfs_fop_readdir',
  90,
  (m, file: File, context: DirectoryContext): Result => {
    listEntries((ns) => m.spend(ns), file, context);
    return 0;
  },
);

const refused = (): Result => -EPERM;
const noPages = (): never => bug('kernfs has no pages');
const KERNFS_INODES: InodeOperations = {
  lookup: (m, dir, dentry, flags) => kernfsIopLookup(m, dir, dentry, flags),
  create: refused,
  link: refused,
  unlink: refused,
  mkdir: (m, idmap, dir, dentry, mode) => kernfsIopMkdir(m, idmap, dir, dentry, mode),
  rmdir: (m, dir, dentry) => kernfsIopRmdir(m, dir, dentry),
  rename: refused,
  symlink: refused,
  getLink: () => undefined,
  getattr: () => 0,
};
export const KERNFS: FileSystemOperations = {
  files: {
    open: (m, inode, file) => kernfsFopOpen(m, inode, file),
    readIter: (m, iocb, to) => kernfsFopReadIter(m, iocb, to),
    writeIter: (m, iocb, from) => kernfsFopWriteIter(m, iocb, from),
    release: (m, inode, file) => kernfsFopRelease(m, inode, file),
  },
  directories: { iterate: (m, file, context) => kernfsFopReaddir(m, file, context) },
  inodes: KERNFS_INODES,
  readahead: noPages,
  writeBegin: () => undefined,
  writeEnd: () => undefined,
  writepages: noPages,
  syncFs: () => 0,
};
