import { EBADF, EINVAL } from '../errno.ts';
import type { Machine } from '../machine.ts';
import { systemCall } from './syscall-entry.ts';
import { filpClose } from './vfs.ts';

/** fs/file.c: another descriptor of an open file; what the new one was before is closed. */
function duplicate(m: Machine, oldFd: number, newFd: number | null): number {
  const files = m.cpu.current.process?.files;
  const file = files?.get(oldFd) ?? null;
  if (files === undefined || file === null) return -EBADF;
  const fd = newFd ?? files.lowestFree();
  if (fd === oldFd) return fd;
  const before = files.get(fd);
  file.references += 1;
  files.install(fd, file);
  if (before !== null) filpClose(m, before, files);
  return fd;
}
systemCall('dup', 30, (m, fd) => duplicate(m, fd, null));
systemCall('dup2', 35, (m, oldFd, newFd) => duplicate(m, oldFd, newFd));
systemCall('dup3', 35, (m, oldFd, newFd) => (oldFd === newFd ? -EINVAL : duplicate(m, oldFd, newFd)));
