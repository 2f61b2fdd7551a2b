import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import { Dentry } from '../../fs/file.ts';
import type { DirectoryContext, File, Inode, IovIter, Kiocb, NegativeDentry } from '../../fs/file.ts';
import type { FileSystemOperations } from '../../fs/operations.ts';
import { EFAULT, ENOTEMPTY } from '../../errno.ts';
import { listEntries } from '../fs/ext4-dir.ts';
import type { CString } from '../fs/filename.ts';
import { UNCHANGEABLE, WITHOUT_PAGES, writeUserText } from '../fs/pseudo-files.ts';
import { O_ACCMODE, O_TRUNC, O_APPEND } from '../../fs/fcntl.ts';
import { S_IFDIR } from '../../fs/file-mode.ts';

const PER_BYTE_NS = 0.1;

/** What a file of a tmpfs holds. */
const contentOf = (inode: Inode): string => (typeof inode.channel === 'string' ? inode.channel : '');
function setContent(inode: Inode, text: string): void {
  inode.channel = text;
  inode.contents = () => text;
  inode.setSize(text.length);
}

const shmemFileOpen = kernelFunction('shmem_file_open', 30, (_m, inode: Inode, file: File): Result => {
  if ((file.flags & O_ACCMODE) !== 0 && (file.flags & O_TRUNC) !== 0) setContent(inode, '');
  return 0;
});
const shmemFileReadIter = kernelFunction('shmem_file_read_iter', 60, (m, iocb: Kiocb, to: IovIter): Result => {
  const part = contentOf(iocb.file.inode).slice(iocb.pos, iocb.pos + to.count);
  writeUserText(m, to.buffer, part);
  m.spend(part.length * PER_BYTE_NS);
  return part.length;
});
const shmemFileWriteIter = kernelFunction('shmem_file_write_iter', 90, (m, iocb: Kiocb, from: IovIter): Result => {
  const { inode, flags } = iocb.file;
  const at = m.cpu.current.process?.mm.find(from.buffer, from.count) ?? -1;
  if (at < 0) return -EFAULT;
  const old = contentOf(inode);
  const pos = (flags & O_APPEND) !== 0 ? old.length : iocb.pos;
  let text = '';
  for (let i = 0; i < from.count; i += 1) text += String.fromCharCode(m.arena.bytes[at + i]!);
  setContent(inode, old.slice(0, pos).padEnd(pos, '\0') + text + old.slice(pos + text.length));
  m.spend(text.length * PER_BYTE_NS);
  return from.count;
});
const shmemMknod = kernelFunction(
  'shmem_mknod',
  300,
  (m, _idmap: null, _dir: Inode, dentry: NegativeDentry, mode: number): Result => {
    m.fileSystem.instantiate(dentry, mode);
    return 0;
  },
);
const shmemSymlink = kernelFunction(
  'shmem_symlink',
  160,
  (m, _idmap: null, _dir: Inode, dentry: NegativeDentry, symname: CString): Result => {
    m.fileSystem.instantiateLink(dentry, symname.path);
    return 0;
  },
);
const shmemUnlink = kernelFunction('shmem_unlink', 250, (m, _dir: Inode, dentry: Dentry): Result => {
  m.fileSystem.dropLink(dentry);
  return 0;
});
const shmemRename2 = kernelFunction(
  'shmem_rename2',
  280,
  (
    m,
    _idmap: null,
    _oldDir: Inode,
    _old: Dentry,
    _newDir: Inode,
    target: Dentry | NegativeDentry,
    _flags: number,
  ): Result => {
    if (target instanceof Dentry) m.fileSystem.dropLink(target);
    return 0;
  },
);
const simpleLookup = kernelFunction(
  'simple_lookup',
  40,
  (_m, _dir: Inode, _dentry: Dentry | NegativeDentry, _flags: number): Result => 0,
);
const dcacheReaddir = kernelFunction('dcache_readdir', 90, (m, file: File, context: DirectoryContext): Result => {
  listEntries((ns) => m.spend(ns), file, context);
  return 0;
});

/** mm/shmem.c: files whose only place is memory. */
export const TMPFS: FileSystemOperations = {
  files: {
    open: (m, inode, file) => shmemFileOpen(m, inode, file),
    readIter: (m, iocb, to) => shmemFileReadIter(m, iocb, to),
    writeIter: (m, iocb, from) => shmemFileWriteIter(m, iocb, from),
  },
  directories: { iterate: (m, file, context) => dcacheReaddir(m, file, context) },
  inodes: {
    ...UNCHANGEABLE,
    lookup: (m, dir, dentry, flags) => simpleLookup(m, dir, dentry, flags),
    create: (m, idmap, dir, dentry, mode) => shmemMknod(m, idmap, dir, dentry, mode),
    unlink: (m, dir, dentry) => shmemUnlink(m, dir, dentry),
    mkdir: (m, idmap, dir, dentry, mode) => shmemMknod(m, idmap, dir, dentry, S_IFDIR | mode),
    rmdir: (m, dir, dentry) => (dentry.children.size > 0 ? -ENOTEMPTY : shmemUnlink(m, dir, dentry)),
    rename: (m, idmap, oldDir, old, newDir, target, flags) =>
      shmemRename2(m, idmap, oldDir, old, newDir, target, flags),
    symlink: (m, idmap, dir, dentry, target) => shmemSymlink(m, idmap, dir, dentry, target),
  },
  ...WITHOUT_PAGES,
};
