import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Inode } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { truncateInodePages } from '../mm/filemap.ts';

const findInodeFastFunction = kernelFunction(
  'find_inode_fast',
  20,
  (_m, _sb: KernelObject, inode: Inode, _ino: number, _locked: number, _isnew: null): Inode | null =>
    inode.inMemory ? inode : null,
);
/** Looks an inode up in the inode cache; misses until it was once read. */
export function findInodeFast(m: Machine, inode: Inode): boolean {
  return findInodeFastFunction(m, inode.sb, inode, inode.ino, 0, null) !== null;
}

/** The last link is gone and nobody has it open: its pages and blocks are free. */
const evictInode = kernelFunction('ext4_evict_inode', 700, (m, inode: Inode): void => {
  truncateInodePages(m, inode.mapping, 0, Number.MAX_SAFE_INTEGER);
  m.fileSystem.forget(inode);
});
export const iput = kernelFunction('iput', 12, (m, inode: Inode): void => {
  if (inode.links === 0 && inode.users === 0) evictInode(m, inode);
});
