import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { Inode, Path } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { EBADF, EFAULT, ENOTDIR } from '../../errno.ts';
import { LOOKUP_FOLLOW, withPath } from './path-walk.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { AT_FDCWD, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW } from '../../fs/fcntl.ts';

const STATX_BASIC_STATS = 0x7ff;
/** arch/x86/include/uapi/asm/stat.h */
const STAT = { size: 144, dev: 0, ino: 8, nlink: 16, mode: 24, length: 48, blksize: 56, blocks: 64 } as const;
const STATFS_BYTES = 120;

/** struct kstat. */
interface Kstat extends KernelObject {
  inode: Inode | null;
}
const securityInodeGetattr = kernelFunction('security_inode_getattr', 18, (_m, _path: Path): number => 0);
const genericFillattr = kernelFunction(
  'generic_fillattr',
  20,
  (_m, _idmap: null, _mask: number, inode: Inode, stat: Kstat): void => {
    stat.inode = inode;
  },
);
const vfsGetattr = kernelFunction(
  'vfs_getattr',
  20,
  (m, path: Path, stat: Kstat, mask: number, flags: number): number => {
    const refused = securityInodeGetattr(m, path);
    if (refused !== 0) return refused;
    const { inode } = path.dentry;
    const status = inode.inodeOperations?.getattr(m, null, path, stat, mask, flags) ?? 0;
    genericFillattr(m, null, mask, inode, stat);
    return status;
  },
);
const vfsStatx = kernelFunction(
  'vfs_statx',
  35,
  (m, dfd: number, filename: number, flags: number, stat: Kstat, mask: number): Result =>
    withPath(
      m,
      dfd,
      filename,
      (path) => vfsGetattr(m, path, stat, mask, flags),
      (flags & AT_SYMLINK_NOFOLLOW) === 0 ? LOOKUP_FOLLOW : 0,
    ),
);
const vfsFstatat = kernelFunction(
  'vfs_fstatat',
  18,
  (m, dfd: number, filename: number, stat: Kstat, flags: number): Result =>
    vfsStatx(m, dfd, filename, flags, stat, STATX_BASIC_STATS),
);
const vfsFstat = kernelFunction('vfs_fstat', 20, (m, fd: number, stat: Kstat): number => {
  const file = m.cpu.current.process?.files.get(fd) ?? null;
  return file === null ? -EBADF : vfsGetattr(m, file.path, stat, STATX_BASIC_STATS, 0);
});

/** Copies to the caller's struct stat; no buffer is a mistake, as on Linux. */
const cpNewStat = kernelFunction('cp_new_stat', 40, (m, stat: Kstat, statbuf: number): number => {
  const at = m.cpu.current.process?.mm.find(statbuf, STAT.size) ?? -1;
  const { inode } = stat;
  if (at < 0 || inode === null) return -EFAULT;
  const { view, bytes } = m.arena;
  bytes.fill(0, at, at + STAT.size);
  view.setUint32(at + STAT.dev, inode.sb.device, true);
  view.setUint32(at + STAT.ino, inode.ino, true);
  view.setUint32(at + STAT.nlink, inode.links, true);
  view.setUint32(at + STAT.mode, inode.mode, true);
  view.setFloat64(at + STAT.length, 0, true);
  view.setUint32(at + STAT.length, inode.size % 4294967296, true);
  view.setUint32(at + STAT.length + 4, Math.floor(inode.size / 4294967296), true);
  view.setUint32(at + STAT.blksize, 4096, true);
  view.setUint32(at + STAT.blocks, Math.ceil(inode.size / 512), true);
  return 0;
});
function copied(m: Machine, stat: Kstat, statbuf: number, status: Result): Result {
  const copy = (result: number): number => (result === 0 ? cpNewStat(m, stat, statbuf) : result);
  return status instanceof Pending ? status.then(copy) : copy(status);
}
const kstat = (m: Machine): Kstat => ({ address: m.scratch, inode: null });

for (const [name, flags] of [
  ['stat', 0],
  ['lstat', AT_SYMLINK_NOFOLLOW],
] as const) {
  systemCall(name, 20, (m, filename, statbuf) => {
    const stat = kstat(m);
    return copied(m, stat, statbuf, vfsFstatat(m, AT_FDCWD, filename, stat, flags));
  });
}
systemCall('fstat', 20, (m, fd, statbuf) => {
  const stat = kstat(m);
  return copied(m, stat, statbuf, vfsFstat(m, fd, stat));
});
systemCall('newfstatat', 22, (m, dfd, filename, statbuf, flags) => {
  const stat = kstat(m);
  const status = (flags & AT_EMPTY_PATH) !== 0 ? vfsFstat(m, dfd, stat) : vfsFstatat(m, dfd, filename, stat, flags);
  return copied(m, stat, statbuf, status);
});
systemCall('statx', 30, (m, dfd, filename, flags, mask, _buffer) => {
  const stat = kstat(m);
  return (flags & AT_EMPTY_PATH) !== 0 ? vfsFstat(m, dfd, stat) : vfsStatx(m, dfd, filename, flags, stat, mask);
});

const vfsStatfs = kernelFunction('vfs_statfs', 60, (_m, _path: Path, _buffer: KernelObject): number => 0);
systemCall('statfs', 20, (m, pathname, buffer) =>
  withPath(m, AT_FDCWD, pathname, (path) => {
    const at = m.cpu.current.process?.mm.find(buffer, STATFS_BYTES) ?? -1;
    return at < 0 ? -EFAULT : vfsStatfs(m, path, { address: at });
  }),
);
systemCall('fstatfs', 20, (m, fd) => {
  const file = m.cpu.current.process?.files.get(fd) ?? null;
  return file === null ? -EBADF : vfsStatfs(m, file.path, { address: m.scratch });
});

const setFsPwd = kernelFunction('set_fs_pwd', 20, (m, _fs: KernelObject, path: Path): void => {
  m.cpu.current.fs?.setDirectory(path.mount, path.dentry);
});
function changeDirectory(m: Machine, path: Path): number {
  const { fs } = m.cpu.current;
  if (!path.dentry.inode.isDirectory) return -ENOTDIR;
  if (fs !== null) setFsPwd(m, fs, path);
  return 0;
}
systemCall('chdir', 20, (m, filename) => withPath(m, AT_FDCWD, filename, (path) => changeDirectory(m, path)));
systemCall('fchdir', 20, (m, fd) => {
  const file = m.cpu.current.process?.files.get(fd) ?? null;
  return file === null ? -EBADF : changeDirectory(m, file.path);
});
