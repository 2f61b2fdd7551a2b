import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import { Dentry } from '../../fs/file.ts';
import type { Inode, NegativeDentry } from '../../fs/file.ts';
import type { InodeOperations } from '../../fs/operations.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { EEXIST, EISDIR, ENOENT, ENOTDIR, EPERM, EROFS, EXDEV } from '../../errno.ts';
import { iput } from './inode.ts';
import { withParent } from './namei.ts';
import { withPath } from './path-walk.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { AT_FDCWD, AT_REMOVEDIR } from '../../fs/fcntl.ts';
import { S_IFDIR } from '../../fs/file-mode.ts';
import { DEFAULT_UMASK } from '../../fs/fs-struct.ts';

function operationsOf(dir: Inode): InodeOperations | null {
  return dir.inodeOperations;
}
/** Afterwards the inode may have lost its last link. */
function put(m: Machine, inode: Inode, status: Result): Result {
  const drop = (result: number): number => {
    if (result === 0) iput(m, inode);
    return result;
  };
  return status instanceof Pending ? status.then(drop) : drop(status);
}

const securityInodeUnlink = kernelFunction(
  'security_inode_unlink',
  20,
  (_m, _dir: Inode, _dentry: Dentry): number => 0,
);
const vfsUnlink = kernelFunction(
  'vfs_unlink',
  60,
  (m, _idmap: null, dir: Inode, dentry: Dentry, _delegated: null): Result => {
    const refused = securityInodeUnlink(m, dir, dentry);
    return refused !== 0 ? refused : (operationsOf(dir)?.unlink(m, dir, dentry) ?? -EROFS);
  },
);
const filenameUnlinkat = kernelFunction('filename_unlinkat', 60, (m, dfd: number, name: number): Result =>
  withParent(m, dfd, name, (dir, dentry) => {
    if (!(dentry instanceof Dentry)) return -ENOENT;
    if (dentry.inode.isDirectory) return -EISDIR;
    return put(m, dentry.inode, vfsUnlink(m, null, dir.inode, dentry, null));
  }),
);
const securityInodeRmdir = kernelFunction('security_inode_rmdir', 20, (_m, _dir: Inode, _dentry: Dentry): number => 0);
const vfsRmdir = kernelFunction(
  'vfs_rmdir',
  60,
  (m, _idmap: null, dir: Inode, dentry: Dentry, _delegated: null): Result => {
    const refused = securityInodeRmdir(m, dir, dentry);
    return refused !== 0 ? refused : (operationsOf(dir)?.rmdir(m, dir, dentry) ?? -EROFS);
  },
);
const filenameRmdir = kernelFunction('filename_rmdir', 60, (m, dfd: number, name: number): Result =>
  withParent(m, dfd, name, (dir, dentry) => {
    if (!(dentry instanceof Dentry)) return -ENOENT;
    if (!dentry.inode.isDirectory) return -ENOTDIR;
    return put(m, dentry.inode, vfsRmdir(m, null, dir.inode, dentry, null));
  }),
);
systemCall('unlink', 15, (m, name) => filenameUnlinkat(m, AT_FDCWD, name));
systemCall('rmdir', 15, (m, name) => filenameRmdir(m, AT_FDCWD, name));
systemCall('unlinkat', 15, (m, dfd, name, flags) =>
  (flags & AT_REMOVEDIR) !== 0 ? filenameRmdir(m, dfd, name) : filenameUnlinkat(m, dfd, name),
);

const securityInodeMkdir = kernelFunction(
  'security_inode_mkdir',
  20,
  (_m, _dir: Inode, _dentry: NegativeDentry, _mode: number): number => 0,
);
const vfsMkdir = kernelFunction(
  'vfs_mkdir',
  60,
  (m, idmap: null, dir: Inode, dentry: NegativeDentry, mode: number, _delegated: null): Result => {
    const refused = securityInodeMkdir(m, dir, dentry, mode);
    return refused !== 0 ? refused : (operationsOf(dir)?.mkdir(m, idmap, dir, dentry, mode) ?? -EROFS);
  },
);
const filenameMkdirat = kernelFunction('filename_mkdirat', 60, (m, dfd: number, name: number, mode: number): Result =>
  withParent(m, dfd, name, (dir, dentry) =>
    dentry instanceof Dentry
      ? -EEXIST
      : vfsMkdir(m, null, dir.inode, dentry, S_IFDIR | (mode === 0 ? 0o755 : mode & 0o7777 & ~DEFAULT_UMASK), null),
  ),
);
systemCall('mkdir', 15, (m, name, mode) => filenameMkdirat(m, AT_FDCWD, name, mode));
systemCall('mkdirat', 15, (m, dfd, name, mode) => filenameMkdirat(m, dfd, name, mode));

/** struct renamedata. */
interface RenameData extends KernelObject {
  readonly oldDir: Dentry;
  readonly old: Dentry;
  readonly newDir: Dentry;
  readonly target: Dentry | NegativeDentry;
}
const vfsRename = kernelFunction('vfs_rename', 90, (m, rd: RenameData): Result => {
  const { oldDir, old, newDir, target } = rd;
  if (oldDir.inode.sb !== newDir.inode.sb) return -EXDEV;
  const moved = (status: number): number => {
    if (status === 0) m.fileSystem.move(old, newDir, target);
    return status;
  };
  const renamed = operationsOf(oldDir.inode)?.rename(m, null, oldDir.inode, old, newDir.inode, target, 0) ?? -EROFS;
  return renamed instanceof Pending ? renamed.then(moved) : moved(renamed);
});
const filenameRenameat2 = kernelFunction(
  'filename_renameat2',
  70,
  (m, oldDfd: number, from: number, newDfd: number, to: number): Result =>
    withParent(m, oldDfd, from, (oldDir, old) =>
      !(old instanceof Dentry)
        ? -ENOENT
        : withParent(m, newDfd, to, (newDir, target) =>
            old === target ? 0 : vfsRename(m, { address: m.scratch, oldDir, old, newDir, target }),
          ),
    ),
);
systemCall('rename', 15, (m, from, to) => filenameRenameat2(m, AT_FDCWD, from, AT_FDCWD, to));
systemCall('renameat', 15, (m, fromFd, from, toFd, to) => filenameRenameat2(m, fromFd, from, toFd, to));
systemCall('renameat2', 15, (m, fromFd, from, toFd, to) => filenameRenameat2(m, fromFd, from, toFd, to));

const vfsLink = kernelFunction(
  'vfs_link',
  60,
  (m, old: Dentry, _idmap: null, dir: Inode, dentry: NegativeDentry, _delegated: null): Result => {
    if (old.inode.isDirectory) return -EPERM;
    if (old.inode.sb !== dir.sb) return -EXDEV;
    return operationsOf(dir)?.link(m, old, dir, dentry) ?? -EROFS;
  },
);
const filenameLinkat = kernelFunction(
  'filename_linkat',
  60,
  (m, oldDfd: number, from: number, newDfd: number, to: number): Result =>
    withPath(m, oldDfd, from, ({ dentry: old }) =>
      withParent(m, newDfd, to, (dir, dentry) =>
        dentry instanceof Dentry ? -EEXIST : vfsLink(m, old, null, dir.inode, dentry, null),
      ),
    ),
);
systemCall('link', 15, (m, from, to) => filenameLinkat(m, AT_FDCWD, from, AT_FDCWD, to));
systemCall('linkat', 15, (m, fromFd, from, toFd, to) => filenameLinkat(m, fromFd, from, toFd, to));
