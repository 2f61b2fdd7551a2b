import { kernelFunction } from '../execution/kernel-function.ts';
import type { Result } from '../execution/pending.ts';
import { EPERM } from '../errno.ts';
import type {
  Dentry,
  DirectoryContext,
  File,
  FileOperations,
  Inode,
  IovIter,
  Kiocb,
  NegativeDentry,
} from '../fs/file.ts';
import type { FileSystemOperations } from '../fs/operations.ts';
import type { Machine } from '../machine.ts';
import { listEntries } from './ext4-dir.ts';
import { bug } from '../../source/bug.ts';

/** Producing text costs per character; copying it is cheap beside that. */
const FORMAT_NS_PER_CHARACTER = 4;

const seqReadIter = kernelFunction('seq_read_iter', 60, (m, iocb: Kiocb, iter: IovIter): Result => {
  const { file, pos } = iocb;
  if (file.text === null) {
    file.text = file.inode.contents?.(m) ?? '';
    m.spend(file.text.length * FORMAT_NS_PER_CHARACTER);
  }
  const part = file.text.slice(pos, pos + iter.count);
  writeUserText(m, iter.buffer, part);
  return part.length;
});
/** Puts text into the current process's memory, where its reads want it. */
export function writeUserText(m: Machine, address: number, text: string): void {
  const at = m.cpu.current.process?.mm.find(address, text.length) ?? -1;
  if (at < 0) return;
  for (let i = 0; i < text.length; i += 1) m.arena.bytes[at + i] = text.charCodeAt(i);
}

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

const readOnly = (): Result => -EPERM;
export const PROC_FILES: FileOperations = {
  open: (m, inode, file) => procRegOpen(m, inode, file),
  readIter: (m, iocb, to) => procRegReadIter(m, iocb, to),
  release: (m, inode, file) => procRegRelease(m, inode, file),
};
export const PROC: FileSystemOperations = {
  files: PROC_FILES,
  directories: { iterate: (m, file, context) => procReaddir(m, file, context) },
  inodes: {
    lookup: (m, dir, dentry, flags) => procLookup(m, dir, dentry, flags),
    create: readOnly,
    link: readOnly,
    unlink: readOnly,
    mkdir: readOnly,
    rmdir: readOnly,
    rename: readOnly,
    symlink: readOnly,
    getLink: () => undefined,
    getattr: () => 0,
  },
  readahead: () => bug('proc has no pages'),
  writeBegin: () => undefined,
  writeEnd: () => undefined,
  writepages: () => bug('proc has no pages'),
  syncFs: () => 0,
};
