import { EEXIST, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR, EROFS } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { leave } from '../../execution/hand-over.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import { Dentry, File } from '../../fs/file.ts';
import type { Inode, NegativeDentry, Path } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { dLookup, lookupOnDisk } from './dcache.ts';
import type { LookedUp } from './dcache.ts';
import { truncateInodePages } from '../mm/filemap.ts';
import type { Filename } from './filename.ts';
import { GFP_KERNEL } from '../mm/gfp.ts';
import {
  handleDots,
  linkPathWalk,
  LOOKUP_FOLLOW,
  lookupFast,
  pathInit,
  startWalk,
  stepToLast,
  terminateWalk,
} from './path-walk.ts';
import type { Step, Walk } from './path-walk.ts';
import { cacheAlloc, cacheFree } from '../mm/slab.ts';
import { O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY, O_NOFOLLOW, O_ACCMODE } from '../../fs/fcntl.ts';
import { S_IFREG } from '../../fs/file-mode.ts';
import { DEFAULT_UMASK } from '../../fs/fs-struct.ts';

/* fs/namei.c and fs/open.c: opening. */

/** What functions of Linux 7.2 cost that its compiler has put into their callers. */
const LAST_LOOKUPS_NS = 30;
const LOOKUP_OPEN_NS = 60;
const DO_OPEN_NS = 30;

/** struct open_flags. */
export interface OpenFlags extends KernelObject {
  readonly flags: number;
  readonly mode: number;
}

const allocEmptyFile = kernelFunction('alloc_empty_file', 70, (m, flags: number, _cred: KernelObject | null): File => {
  const file = new File(m, flags);
  cacheAlloc(m, 'filp', file, GFP_KERNEL);
  return file;
});
/** fput() of a file that was never opened: nothing is left but its memory. */
const fputClose = kernelFunction('fput_close', 20, (m, file: File): void => {
  cacheFree(m, 'filp', file);
  file.release(m);
});

const securityFileOpen = kernelFunction('security_file_open', 35, (_m, _file: File): number => 0);
const doDentryOpen = kernelFunction('do_dentry_open', 60, (m, file: File, _open: number): Result => {
  file.setInode(m);
  const refused = securityFileOpen(m, file);
  if (refused !== 0) return refused;
  return file.inode.operations.open?.(m, file.inode, file) ?? 0;
});
/** Opens what `path` names; kprobe:vfs_open sees the path of every opened file. */
const vfsOpen = kernelFunction('vfs_open', 25, (m, path: Path, file: File): Result => {
  file.setPath(m, path.mount, path.dentry);
  return doDentryOpen(m, file, 0);
});

const securityInodeCreate = kernelFunction(
  'security_inode_create',
  20,
  (_m, _dir: Inode, _dentry: NegativeDentry, _mode: number): number => 0,
);
/** lookup_open(): the last component is not in the cache, or is to be created. */
function lookupOpen(m: Machine, nd: Walk, op: OpenFlags): Result<LookedUp> {
  m.spend(LOOKUP_OPEN_NS);
  const known = dLookup(m, nd.dentry, { address: nd.qstr.address, text: nd.last });
  const create = (found: LookedUp): Result<LookedUp> => {
    if (typeof found === 'number' || found instanceof Dentry || (op.flags & O_CREAT) === 0) return found;
    const dir = nd.dentry.inode;
    const operations = dir.inodeOperations;
    const refused = securityInodeCreate(m, dir, found, op.mode);
    if (operations === null || refused !== 0) return refused === 0 ? -EROFS : refused;
    const made = operations.create(m, null, dir, found, S_IFREG | (op.mode & 0o7777 & ~DEFAULT_UMASK), 0);
    const created = (status: number): LookedUp => {
      leave(m, dir);
      return status === 0 ? (nd.dentry.children.get(nd.last) ?? -ENOENT) : status;
    };
    return made instanceof Pending ? made.then(created) : created(made);
  };
  const looked = known ?? lookupOnDisk(m, nd.dentry, nd.last, nd.qstr);
  return looked instanceof Pending ? looked.then(create) : create(looked);
}
/** open_last_lookups(): to the file, or to the text of the link that the path ends with. */
function openLastLookups(m: Machine, nd: Walk, op: OpenFlags): Result<Step> {
  m.spend(LAST_LOOKUPS_NS);
  if (nd.last === '.' || nd.last === '..') {
    handleDots(m, nd);
    return 0;
  }
  if (!nd.dentry.inode.isDirectory) return -ENOTDIR;
  const fast = lookupFast(m, nd);
  const wantsFile = (op.flags & O_CREAT) !== 0 && !(fast instanceof Dentry);
  if (fast !== null && !wantsFile) {
    const isExclusive = (op.flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL);
    return isExclusive ? -EEXIST : stepToLast(m, nd, fast, true);
  }
  const opened = lookupOpen(m, nd, op);
  return opened instanceof Pending
    ? opened.then((found: LookedUp) => stepToLast(m, nd, found, false))
    : stepToLast(m, nd, opened, false);
}

const doTruncate = kernelFunction(
  'do_truncate',
  120,
  (m, _idmap: null, dentry: Dentry, length: number, _times: number, _file: File | null): number => {
    const { inode } = dentry;
    if (inode.size > length) truncateInodePages(m, inode.mapping, length, Number.MAX_SAFE_INTEGER);
    if (inode.size !== length) {
      inode.setSize(length);
      inode.metadataDirty = true;
    }
    return 0;
  },
);
export const vfsTruncate = kernelFunction('vfs_truncate', 40, (m, path: Path, length: number): number =>
  length < 0 ? -EINVAL : doTruncate(m, null, path.dentry, length, 0, null),
);

/** do_open() */
function openFound(m: Machine, nd: Walk, file: File, op: OpenFlags): Result {
  m.spend(DO_OPEN_NS);
  const { inode } = nd.dentry;
  if (inode.link !== null) return -ELOOP;
  if ((op.flags & O_DIRECTORY) !== 0 && !inode.isDirectory) return -ENOTDIR;
  if (inode.isDirectory && (op.flags & O_ACCMODE) !== 0) return -EISDIR;
  const after = (status: number): number => {
    if (status < 0) return status;
    if ((op.flags & O_TRUNC) !== 0 && inode.cache !== null) doTruncate(m, null, nd.dentry, 0, 0, file);
    return 0;
  };
  // &nd->path is where the nameidata begins.
  const opened = vfsOpen(m, nd, file);
  return opened instanceof Pending ? opened.then(after) : after(opened);
}
/** To the end of the path, however many links that takes, and open what is there. */
function walkAndOpen(m: Machine, nd: Walk, path: Step, file: File, op: OpenFlags): Result {
  const open = (step: Step): Result => {
    if (typeof step !== 'number') return walkAndOpen(m, nd, step, file, op);
    return step !== 0 ? step : openFound(m, nd, file, op);
  };
  const last = (status: number): Result => {
    if (status !== 0) return status;
    const looked = openLastLookups(m, nd, op);
    return looked instanceof Pending ? looked.then(open) : open(looked);
  };
  const walked = linkPathWalk(m, path, nd);
  return walked instanceof Pending ? walked.then(last) : last(walked);
}
const pathOpenat = kernelFunction(
  'path_openat',
  70,
  (m, nd: Walk, op: OpenFlags, flags: number): Result<File | number> => {
    const file = allocEmptyFile(m, op.flags, m.cpu.current.cred);
    const end = (status: number): File | number => {
      terminateWalk(m, nd);
      if (status === 0) return file;
      fputClose(m, file);
      return status;
    };
    const opened = walkAndOpen(m, nd, pathInit(m, nd, flags), file, op);
    return opened instanceof Pending ? opened.then(end) : end(opened);
  },
);
export const doFileOpen = kernelFunction(
  'do_file_open',
  30,
  (m, dfd: number, pathname: Filename, op: OpenFlags): Result<File | number> => {
    const isExclusive = (op.flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL);
    const follow = isExclusive || (op.flags & O_NOFOLLOW) !== 0 ? 0 : LOOKUP_FOLLOW;
    return pathOpenat(m, startWalk(m, dfd, pathname), op, follow);
  },
);
