import { EEXIST, EFAULT, EINVAL, ENOENT, EROFS } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import { Dentry } from '../../fs/file.ts';
import type { Inode, NegativeDentry } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import { getname, putname } from './filename.ts';
import type { CString, Filename } from './filename.ts';
import { withParent } from './namei.ts';
import { withPath } from './path-walk.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { AT_FDCWD } from '../../fs/fcntl.ts';

/* fs/namei.c and fs/stat.c: symbolic links are made and read. */

const securityInodeSymlink = kernelFunction(
  'security_inode_symlink',
  20,
  (_m, _dir: Inode, _dentry: NegativeDentry, _oldName: CString): number => 0,
);
const vfsSymlink = kernelFunction(
  'vfs_symlink',
  60,
  (m, idmap: null, dir: Inode, dentry: NegativeDentry, oldname: CString, _delegated: null): Result => {
    const refused = securityInodeSymlink(m, dir, dentry, oldname);
    return refused !== 0 ? refused : (dir.inodeOperations?.symlink(m, idmap, dir, dentry, oldname) ?? -EROFS);
  },
);
const filenameSymlinkat = kernelFunction(
  'filename_symlinkat',
  60,
  (m, from: Filename, newdfd: number, to: number): Result =>
    withParent(m, newdfd, to, (dir, dentry) =>
      dentry instanceof Dentry ? -EEXIST : vfsSymlink(m, null, dir.inode, dentry, from.name, null),
    ),
);
function makeSymlink(m: Machine, target: number, dfd: number, name: number): Result {
  const from = getname(m, target, 0);
  if (typeof from === 'number') return from;
  const done = (status: number): number => {
    putname(m, from);
    return status;
  };
  if (from.path === '') return done(-ENOENT);
  const made = filenameSymlinkat(m, from, dfd, name);
  return typeof made === 'number' ? done(made) : made.then(done);
}
systemCall('symlink', 15, (m, target, name) => makeSymlink(m, target, AT_FDCWD, name));
systemCall('symlinkat', 15, (m, target, dfd, name) => makeSymlink(m, target, dfd, name));

const readlinkCopy = kernelFunction(
  'readlink_copy',
  25,
  (m, buffer: number, buflen: number, link: CString, linklen: number): number => {
    const length = Math.min(buflen, linklen);
    const at = m.cpu.current.process?.mm.find(buffer, length) ?? -1;
    if (at < 0) return -EFAULT;
    // Without a NUL: readlink(2) ends no text.
    for (let i = 0; i < length; i += 1) m.arena.bytes[at + i] = link.path.charCodeAt(i);
    return length;
  },
);
const vfsReadlink = kernelFunction('vfs_readlink', 30, (m, dentry: Dentry, buffer: number, buflen: number): number => {
  const { inode } = dentry;
  const { link } = inode;
  if (link === null) return -EINVAL;
  if (!inode.hasFastLink) inode.inodeOperations?.getLink(m, dentry, inode, null);
  return readlinkCopy(m, buffer, buflen, link, link.path.length);
});
const securityInodeReadlink = kernelFunction('security_inode_readlink', 18, (_m, _dentry: Dentry): number => 0);
const doReadlinkat = kernelFunction(
  'do_readlinkat',
  35,
  (m, dfd: number, pathname: number, buf: number, bufsiz: number): Result => {
    if (bufsiz <= 0) return -EINVAL;
    return withPath(
      m,
      dfd,
      pathname,
      ({ dentry }) => {
        if (dentry.inode.link === null) return -EINVAL;
        const refused = securityInodeReadlink(m, dentry);
        return refused !== 0 ? refused : vfsReadlink(m, dentry, buf, bufsiz);
      },
      0,
    );
  },
);
systemCall('readlink', 15, (m, path, buffer, size) => doReadlinkat(m, AT_FDCWD, path, buffer, size));
systemCall('readlinkat', 15, (m, dfd, path, buffer, size) => doReadlinkat(m, dfd, path, buffer, size));
