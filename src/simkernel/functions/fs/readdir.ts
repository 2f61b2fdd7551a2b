import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { DirectoryContext, File } from '../../fs/file.ts';
import { EBADF, EFAULT, ENOTDIR } from '../../errno.ts';
import { systemCall } from '../x86/syscall-table.ts';

/** struct linux_dirent64: inode, offset, length, type, name. */
const HEAD_BYTES = 19;
const DT_DIR = 4;
const DT_REG = 8;

const iterateDir = kernelFunction('iterate_dir', 40, (m, file: File, context: DirectoryContext): Result => {
  const { iterate } = file.inode.operations;
  return iterate === undefined ? -ENOTDIR : iterate(m, file, context);
});
systemCall('getdents64', 25, (m, fd, dirent, count) => {
  const file = m.cpu.current.process?.files.get(fd) ?? null;
  if (file === null) return -EBADF;
  const at = m.cpu.current.process?.mm.find(dirent, count) ?? -1;
  if (at < 0) return -EFAULT;
  const { view, bytes } = m.arena;
  let used = 0;
  const context: DirectoryContext = {
    address: m.scratch,
    position: file.pos,
    emit(name, inode) {
      const length = (HEAD_BYTES + name.length + 1 + 7) & ~7;
      if (used + length > count) return false;
      const entry = at + used;
      bytes.fill(0, entry, entry + length);
      view.setUint32(entry, inode.ino, true);
      view.setUint32(entry + 8, context.position + 1, true);
      view.setUint16(entry + 16, length, true);
      bytes[entry + 18] = inode.isDirectory ? DT_DIR : DT_REG;
      for (let i = 0; i < name.length; i += 1) bytes[entry + HEAD_BYTES + i] = name.charCodeAt(i);
      used += length;
      return true;
    },
  };
  const listed = iterateDir(m, file, context);
  const after = (status: number): number => {
    file.setPosition(context.position);
    return status < 0 ? status : used;
  };
  return listed instanceof Pending ? listed.then(after) : after(listed);
});
