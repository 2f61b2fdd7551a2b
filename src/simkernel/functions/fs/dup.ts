import { EBADF, EINVAL } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { File } from '../../fs/file.ts';
import type { FileTable } from '../../fs/file-table.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { currentFile, fdInstall, fgetRaw, filpClose, getUnusedFd } from './vfs.ts';
import { O_CLOEXEC } from '../../fs/fcntl.ts';

/* fs/file.c: another descriptor of an open file; what the new one was before is closed. */

systemCall('dup', 30, (m, fd) => {
  const file = fgetRaw(m, fd);
  if (file === null) return -EBADF;
  const copy = getUnusedFd(m, 0, 1024, 0);
  fdInstall(m, copy, file);
  return copy;
});

const doDup2 = kernelFunction('do_dup2', 30, (m, files: FileTable, file: File, fd: number, _flags: number): number => {
  const before = files.get(fd);
  file.references += 1;
  files.install(fd, file);
  if (before !== null) filpClose(m, before, files);
  return fd;
});
const ksysDup3 = kernelFunction('ksys_dup3', 20, (m, oldFd: number, newFd: number, flags: number): number => {
  if (oldFd === newFd || (flags & ~O_CLOEXEC) !== 0) return -EINVAL;
  const files = m.cpu.current.process?.files;
  const file = currentFile(m, oldFd);
  return files === undefined || file === null ? -EBADF : doDup2(m, files, file, newFd, flags);
});
systemCall('dup2', 15, (m, oldFd, newFd) => {
  if (oldFd === newFd) return currentFile(m, oldFd) === null ? -EBADF : oldFd;
  return ksysDup3(m, oldFd, newFd, 0);
});
systemCall('dup3', 15, (m, oldFd, newFd, flags) => ksysDup3(m, oldFd, newFd, flags));
