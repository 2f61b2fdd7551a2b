import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import type {
  Dentry,
  DirectoryContext,
  File,
  FileOperations,
  Inode,
  IovIter,
  Kiocb,
  NegativeDentry,
} from '../../fs/file.ts';
import type { FileSystemOperations } from '../../fs/operations.ts';
import { listEntries } from './ext4-dir.ts';
import { readText, UNCHANGEABLE, WITHOUT_PAGES } from './pseudo-files.ts';

const seqReadIter = kernelFunction('seq_read_iter', 60, (m, iocb: Kiocb, iter: IovIter): Result =>
  readText(m, iocb, iter, () => iocb.file.inode.contents?.(m) ?? ''),
);

const procRegReadIter = kernelFunction('proc_reg_read_iter', 18, (m, iocb: Kiocb, iter: IovIter): Result =>
  seqReadIter(m, iocb, iter),
);
const procRegOpen = kernelFunction('proc_reg_open', 35, (_m, _inode: Inode, _file: File): Result => 0);
const procRegRelease = kernelFunction('proc_reg_release', 20, (_m, _inode: Inode, _file: File): Result => 0);

const procLookup = kernelFunction(
  'proc_lookup',
  40,
  (_m, _dir: Inode, _dentry: Dentry | NegativeDentry, _flags: number): Result => 0,
);
const procReaddir = kernelFunction('proc_readdir', 90, (m, file: File, context: DirectoryContext): Result => {
  listEntries((ns) => m.spend(ns), file, context);
  return 0;
});

export const PROC_FILES: FileOperations = {
  open: (m, inode, file) => procRegOpen(m, inode, file),
  readIter: (m, iocb, to) => procRegReadIter(m, iocb, to),
  release: (m, inode, file) => procRegRelease(m, inode, file),
};
export const PROC: FileSystemOperations = {
  files: PROC_FILES,
  directories: { iterate: (m, file, context) => procReaddir(m, file, context) },
  inodes: {
    ...UNCHANGEABLE,
    lookup: (m, dir, dentry, flags) => procLookup(m, dir, dentry, flags),
  },
  ...WITHOUT_PAGES,
};
