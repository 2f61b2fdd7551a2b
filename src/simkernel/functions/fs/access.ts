import { EACCES, EINVAL } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW } from '../../fs/fcntl.ts';
import type { Inode } from '../../fs/file.ts';
import { LOOKUP_FOLLOW, withPath } from './path-walk.ts';
import { systemCall } from '../x86/syscall-table.ts';

/* access(2) and its likes, from fs/open.c and fs/namei.c. */

const MAY_ANYTHING = 7;
const MAY_EXEC = 1;

const securityInodePermission = kernelFunction(
  'security_inode_permission',
  14,
  (_m, _inode: Inode, _mask: number): number => 0,
);
/** Files of the machine belong to root: others have the last of the three groups of mode bits. */
const genericPermission = kernelFunction(
  'generic_permission',
  10,
  (m, _idmap: null, inode: Inode, mask: number): number => {
    const { mode } = inode;
    if (m.cpu.current.uid !== 0) return (mask & ~mode & MAY_ANYTHING) === 0 ? 0 : -EACCES;
    // Root may do all but execute what nobody may execute.
    return (mask & MAY_EXEC) === 0 || inode.isDirectory || (mode & 0o111) !== 0 ? 0 : -EACCES;
  },
);
const inodePermission = kernelFunction('inode_permission', 12, (m, idmap: null, inode: Inode, mask: number): number => {
  const status = genericPermission(m, idmap, inode, mask);
  return status !== 0 ? status : securityInodePermission(m, inode, mask);
});
const doFaccessat = kernelFunction(
  'do_faccessat',
  60,
  (m, dfd: number, filename: number, mode: number, flags: number): Result => {
    if ((mode & ~MAY_ANYTHING) !== 0) return -EINVAL;
    const follow = (flags & AT_SYMLINK_NOFOLLOW) === 0 ? LOOKUP_FOLLOW : 0;
    // R_OK, W_OK and X_OK are the kernel's MAY_READ, MAY_WRITE and MAY_EXEC.
    return withPath(m, dfd, filename, ({ dentry }) => inodePermission(m, null, dentry.inode, mode), follow);
  },
);
systemCall('access', 12, (m, filename, mode) => doFaccessat(m, AT_FDCWD, filename, mode, 0));
systemCall('faccessat', 12, (m, dfd, filename, mode) => doFaccessat(m, dfd, filename, mode, 0));
systemCall('faccessat2', 12, (m, dfd, filename, mode, flags) => doFaccessat(m, dfd, filename, mode, flags));
