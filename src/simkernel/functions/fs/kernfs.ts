import { EINVAL } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import type { Dentry, DirectoryContext, File, Inode, IovIter, Kiocb, NegativeDentry } from '../../fs/file.ts';
import type { FileSystemOperations, InodeOperations } from '../../fs/operations.ts';
import { makeFolder, removeFolder } from '../../tracefs/tree.ts';
import type { FileNode } from '../../tracefs/tree.ts';
import { listEntries } from './ext4-dir.ts';
import { readText, UNCHANGEABLE, WITHOUT_PAGES, writeText } from './pseudo-files.ts';

/* fs/kernfs: the file systems whose files are functions, in folders that the kernel makes: sysfs and cgroup2. */

const nodeOf = (file: File): FileNode => file.inode.channel as FileNode;

const kernfsFopOpen = kernelFunction('kernfs_fop_open', 90, (_m, _inode: Inode, _file: File): Result => 0);
const kernfsFopRelease = kernelFunction('kernfs_fop_release', 40, (_m, _inode: Inode, _file: File): Result => 0);
const kernfsFopReadIter = kernelFunction('kernfs_fop_read_iter', 60, (m, iocb: Kiocb, to: IovIter): Result => {
  const node = nodeOf(iocb.file);
  return node.read === undefined ? -EINVAL : readText(m, iocb, to, () => node.read!());
});
const kernfsFopWriteIter = kernelFunction('kernfs_fop_write_iter', 90, (m, iocb: Kiocb, from: IovIter): Result => {
  const node = nodeOf(iocb.file);
  return node.write === undefined ? -EINVAL : writeText(m, from, (text) => node.write!(text));
});

const kernfsIopLookup = kernelFunction(
  'kernfs_iop_lookup',
  60,
  (_m, _dir: Inode, _dentry: Dentry | NegativeDentry, _flags: number): Result => 0,
);
const kernfsIopMkdir = kernelFunction(
  'kernfs_iop_mkdir',
  60,
  (m, _idmap: null, dir: Inode, dentry: NegativeDentry, mode: number): Result => makeFolder(m, dir, dentry, mode),
);
const kernfsIopRmdir = kernelFunction('kernfs_iop_rmdir', 60, (m, dir: Inode, dentry: Dentry): Result =>
  removeFolder(m, dir, dentry),
);
const kernfsFopReaddir = kernelFunction(
  'kernfs_fop_readdir',
  90,
  (m, file: File, context: DirectoryContext): Result => {
    listEntries((ns) => m.spend(ns), file, context);
    return 0;
  },
);

const KERNFS_INODES: InodeOperations = {
  ...UNCHANGEABLE,
  lookup: (m, dir, dentry, flags) => kernfsIopLookup(m, dir, dentry, flags),
  mkdir: (m, idmap, dir, dentry, mode) => kernfsIopMkdir(m, idmap, dir, dentry, mode),
  rmdir: (m, dir, dentry) => kernfsIopRmdir(m, dir, dentry),
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
  ...WITHOUT_PAGES,
};
