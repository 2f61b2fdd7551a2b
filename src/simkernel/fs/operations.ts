import type { Result } from '../execution/pending.ts';
import type { Machine } from '../machine.ts';
import type { CString } from '../functions/fs/filename.ts';
import type { KernelObject } from '../memory/arena.ts';
import type { Dentry, FileOperations, Inode, Kiocb, Mapping, NegativeDentry, Path, SuperBlock } from './file.ts';
import type { PageIo } from './page-cache.ts';

/** struct writeback_control, as far as anybody asks. */
export interface WritebackControl extends KernelObject {
  /** WB_SYNC_ALL: somebody waits for the data. */
  readonly sync: boolean;
  readonly reason: number;
}
/** struct readahead_control: pages to read, and whether the reader waits for none of them. */
export interface Readahead extends KernelObject {
  readonly inode: Inode;
  readonly first: number;
  readonly count: number;
  readonly isAhead: boolean;
}

/** struct inode_operations of directories; arguments in the kernel's order. */
export interface InodeOperations {
  /** Brings what the directory says about a name into memory. */
  lookup(m: Machine, dir: Inode, dentry: Dentry | NegativeDentry, flags: number): Result;
  create(m: Machine, idmap: null, dir: Inode, dentry: NegativeDentry, mode: number, exclusive: number): Result;
  link(m: Machine, old: Dentry, dir: Inode, dentry: NegativeDentry): Result;
  unlink(m: Machine, dir: Inode, dentry: Dentry): Result;
  mkdir(m: Machine, idmap: null, dir: Inode, dentry: NegativeDentry, mode: number): Result;
  rmdir(m: Machine, dir: Inode, dentry: Dentry): Result;
  rename(
    m: Machine,
    idmap: null,
    oldDir: Inode,
    old: Dentry,
    newDir: Inode,
    target: Dentry | NegativeDentry,
    flags: number,
  ): Result;
  symlink(m: Machine, idmap: null, dir: Inode, dentry: NegativeDentry, target: CString): Result;
  /** Of links whose text is not in the inode. */
  getLink(m: Machine, dentry: Dentry, inode: Inode, done: null): void;
  getattr(m: Machine, idmap: null, path: Path, stat: KernelObject, mask: number, flags: number): number;
}

/** What a type of file system provides: its files, directories, and how pages come and go. */
export interface FileSystemOperations {
  readonly files: FileOperations;
  readonly directories: FileOperations;
  readonly inodes: InodeOperations;
  readahead(m: Machine, rac: Readahead): void;
  /** Prepares a page of a file for a write: space on the disk, a handle of the journal. */
  writeBegin(m: Machine, iocb: Kiocb, mapping: Mapping, pos: number, length: number): void;
  writeEnd(m: Machine, iocb: Kiocb, mapping: Mapping, pos: number, length: number, copied: number): void;
  writepages(m: Machine, mapping: Mapping, wbc: WritebackControl): PageIo;
  syncFs(m: Machine, sb: SuperBlock, wait: number): Result;
}
