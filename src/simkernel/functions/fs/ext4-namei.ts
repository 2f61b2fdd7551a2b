import { ENOTEMPTY } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import { Dentry } from '../../fs/file.ts';
import type { Inode, NegativeDentry, Path } from '../../fs/file.ts';
import type { InodeOperations } from '../../fs/operations.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { readCachedBlock, submitReadBh } from './buffer.ts';
import type { BufferHead } from './buffer.ts';
import type { CString } from './filename.ts';
import { findInodeFast } from './inode.ts';
import { journalStart, journalStop } from './jbd2.ts';

/** Blocks that an operation on a directory changes: its own, the inode's, a bitmap, the superblock's group. */
const CREDITS = 8;

const ext4ReadBhNowait = kernelFunction(
  'ext4_read_bh_nowait',
  30,
  (m, bh: BufferHead, _flags: number, _end: null, _fail: number): void => submitReadBh(m, bh),
);
/** Reads the block of the directory that may hold the name. */
const ext4FindEntry = kernelFunction('__ext4_find_entry', 110, (m, dir: Inode, _dname: KernelObject): Result => {
  if (dir.isBlockCached()) return 0;
  const read = readCachedBlock(m, dir.sb, dir.sector, (bh) => ext4ReadBhNowait(m, bh, 0, null, 0));
  dir.blockCached = true;
  return read;
});
/** Finds the inode in memory, or reads the block of the inode table. */
const ext4Iget = kernelFunction('__ext4_iget', 90, (m, inode: Inode): Result => {
  if (findInodeFast(m, inode) || inode.sb.warm === 1) {
    inode.inMemory = true;
    return 0;
  }
  inode.inMemory = true;
  const block = Math.floor((inode.ino & INODE_MASK) / INODES_PER_BLOCK);
  return readCachedBlock(m, inode.sb, INODE_TABLE_SECTOR + 8 * block, (bh) => ext4ReadBhNowait(m, bh, 0, null, 0));
});
const INODE_TABLE_SECTOR = 16_384;
const INODE_MASK = 0x3fff;
/** Of 256 bytes each. */
const INODES_PER_BLOCK = 16;

const ext4Lookup = kernelFunction(
  'ext4_lookup',
  60,
  (m, dir: Inode, dentry: Dentry | NegativeDentry, _flags: number): Result => {
    const find = (status: number): Result => {
      if (status !== 0 || !(dentry instanceof Dentry)) return status;
      return ext4Iget(m, dentry.inode);
    };
    const read = ext4FindEntry(m, dir, dentry);
    return read instanceof Pending ? read.then(find) : find(read);
  },
);

/** One change of a directory under a handle of the journal. */
function change(m: Machine, dir: Inode, ns: number, apply: () => void): number {
  const handle = journalStart(m, dir.sb, CREDITS);
  m.spend(ns);
  apply();
  dir.metadataDirty = true;
  journalStop(m, handle);
  return 0;
}
const ext4Create = kernelFunction(
  'ext4_create',
  140,
  (m, _idmap: null, dir: Inode, dentry: NegativeDentry, mode: number, _excl: number): Result =>
    change(m, dir, 1_600, () => m.fileSystem.instantiate(dentry, mode)),
);
const ext4Mkdir = kernelFunction(
  'ext4_mkdir',
  160,
  (m, _idmap: null, dir: Inode, dentry: NegativeDentry, mode: number): Result =>
    change(m, dir, 2_400, () => m.fileSystem.instantiate(dentry, mode)),
);
const ext4Symlink = kernelFunction(
  'ext4_symlink',
  150,
  (m, _idmap: null, dir: Inode, dentry: NegativeDentry, symname: CString): Result =>
    change(m, dir, 1_900, () => m.fileSystem.instantiateLink(dentry, symname.path)),
);
const ext4GetLink = kernelFunction(
  'ext4_get_link',
  40,
  (_m, _dentry: Dentry, inode: Inode, _callback: null): KernelObject | null => inode.link,
);
const ext4Link = kernelFunction('ext4_link', 120, (m, old: Dentry, dir: Inode, dentry: NegativeDentry): Result =>
  change(m, dir, 1_100, () => m.fileSystem.addLink(dentry, old.inode)),
);
const ext4Unlink = kernelFunction('ext4_unlink', 120, (m, dir: Inode, dentry: Dentry): Result =>
  change(m, dir, 1_500, () => m.fileSystem.dropLink(dentry)),
);
const ext4Rmdir = kernelFunction('ext4_rmdir', 140, (m, dir: Inode, dentry: Dentry): Result =>
  dentry.children.size > 0 ? -ENOTEMPTY : change(m, dir, 1_800, () => m.fileSystem.dropLink(dentry)),
);
const ext4Rename2 = kernelFunction(
  'ext4_rename2',
  60,
  (
    m,
    _idmap: null,
    oldDir: Inode,
    _old: Dentry,
    newDir: Inode,
    target: Dentry | NegativeDentry,
    _flags: number,
  ): Result =>
    change(m, oldDir, 2_200, () => {
      newDir.metadataDirty = true;
      if (target instanceof Dentry) m.fileSystem.dropLink(target);
    }),
);
const ext4Getattr = kernelFunction(
  'ext4_getattr',
  24,
  (_m, _idmap: null, _path: Path, _stat: KernelObject, _mask: number, _flags: number): number => 0,
);
const ext4FileGetattr = kernelFunction(
  'ext4_file_getattr',
  14,
  (m, idmap: null, path: Path, stat: KernelObject, mask: number, flags: number): number =>
    ext4Getattr(m, idmap, path, stat, mask, flags),
);

export const EXT4_INODES: InodeOperations = {
  lookup: (m, dir, dentry, flags) => ext4Lookup(m, dir, dentry, flags),
  create: (m, idmap, dir, dentry, mode, exclusive) => ext4Create(m, idmap, dir, dentry, mode, exclusive),
  link: (m, old, dir, dentry) => ext4Link(m, old, dir, dentry),
  unlink: (m, dir, dentry) => ext4Unlink(m, dir, dentry),
  mkdir: (m, idmap, dir, dentry, mode) => ext4Mkdir(m, idmap, dir, dentry, mode),
  rmdir: (m, dir, dentry) => ext4Rmdir(m, dir, dentry),
  rename: (m, idmap, oldDir, old, newDir, target, flags) => ext4Rename2(m, idmap, oldDir, old, newDir, target, flags),
  symlink: (m, idmap, dir, dentry, target) => ext4Symlink(m, idmap, dir, dentry, target),
  getLink: (m, dentry, inode, done) => ext4GetLink(m, dentry, inode, done),
  getattr: (m, idmap, path, stat, mask, flags) => ext4FileGetattr(m, idmap, path, stat, mask, flags),
};
