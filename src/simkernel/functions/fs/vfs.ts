import { callRcu } from '../kernel/rcu.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeNumber } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import { startTransfer, transferScratch } from '../../fs/file.ts';
import type { File, Position } from '../../fs/file.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { EBADF, EFAULT, EINVAL, EPERM } from '../../errno.ts';
import { getname, putname } from './filename.ts';
import { doFileOpen, vfsTruncate } from './open.ts';
import { withPath } from './path-walk.ts';
import { cacheFree } from '../mm/slab.ts';
import { AT_FDCWD, O_WRONLY, O_CREAT, O_TRUNC } from '../../fs/fcntl.ts';

export const getUnusedFd = kernelFunction('alloc_fd', 35, (m, start: number, _end: number, _flags: number): number => {
  const files = m.cpu.current.process?.files;
  return files === undefined ? -EPERM : files.lowestFree(start);
});
export const fdInstall = kernelFunction('fd_install', 20, (m, fd: number, file: File): void => {
  m.cpu.current.process?.files.install(fd, file);
});

/** openat2's core, common to open, openat and openat2. */
const doSysOpenat2 = kernelFunction('do_sys_openat2', 40, (m, dfd: number, filename: number, how: OpenHow): Result => {
  const name = getname(m, filename, 0);
  if (typeof name === 'number') return name;
  const fd = getUnusedFd(m, 0, 1024, how.flags);
  const opened = doFileOpen(m, dfd, name, { address: how.address, flags: how.flags, mode: how.mode });
  const after = (file: File | number): number => {
    putname(m, name);
    if (typeof file === 'number') return file;
    fdInstall(m, fd, file);
    return fd;
  };
  return opened instanceof Pending ? opened.then(after) : after(opened);
});
const OPEN_HOW = structFields('open_how', { flags: 'flags', mode: 'mode' });
/** struct open_how. */
interface OpenHow extends KernelObject {
  readonly flags: number;
  readonly mode: number;
}
function openHow(m: Machine, flags: number, mode: number): OpenHow {
  const { openHow: address } = m.stackObjects;
  storeNumber(m.words, address + OPEN_HOW.flags, flags);
  storeNumber(m.words, address + OPEN_HOW.mode, mode);
  return { address, flags, mode };
}
systemCall('openat', 15, (m, dfd, filename, flags, mode) => doSysOpenat2(m, dfd, filename, openHow(m, flags, mode)));
systemCall('open', 15, (m, filename, flags, mode) => doSysOpenat2(m, AT_FDCWD, filename, openHow(m, flags, mode)));
systemCall('creat', 15, (m, filename, mode) =>
  doSysOpenat2(m, AT_FDCWD, filename, openHow(m, O_WRONLY | O_CREAT | O_TRUNC, mode)),
);
systemCall('openat2', 20, (m, dfd, filename, how, _size) => {
  const at = m.cpu.current.process?.mm.find(how, OPEN_HOW.size) ?? -1;
  if (at < 0) return -EFAULT;
  return doSysOpenat2(m, dfd, filename, openHow(m, m.words[at >> 2]!, m.words[(at + OPEN_HOW.mode) >> 2]!));
});
systemCall('truncate', 15, (m, filename, length) =>
  withPath(m, AT_FDCWD, filename, (path) => vfsTruncate(m, path, length)),
);
systemCall('ftruncate', 15, (m, fd, length) => {
  const file = currentFile(m, fd);
  return file === null ? -EBADF : vfsTruncate(m, file.path, length);
});

const finalFput = kernelFunction('__fput', 70, (m, file: File): void => {
  for (const watcher of [...file.watchers]) watcher.forget(m);
  file.inode.operations.release?.(m, file.inode, file);
  cacheFree(m, 'filp', file);
  callRcu(m, () => file.release(m));
});
/** The file behind a descriptor, with a reference that the caller gives back by fput(). */
function takeFile(m: Machine, fd: number): File | null {
  const file = currentFile(m, fd);
  if (file !== null) file.references += 1;
  return file;
}
export const fget = kernelFunction('fget', 18, takeFile);
/** fget() of descriptors that may only name a file (O_PATH), too. */
export const fgetRaw = kernelFunction('fget_raw', 18, takeFile);
export const fput = kernelFunction('fput', 12, (m, file: File): void => {
  if ((file.references -= 1) === 0) finalFput(m, file);
});
export const filpClose = kernelFunction('filp_close', 25, (m, file: File, _id: KernelObject | null): number => {
  fput(m, file);
  return 0;
});
systemCall('close', 25, (m, fd) => {
  const process = m.cpu.current.process;
  const file = process?.files.get(fd) ?? null;
  if (process === null || file === null) return -EBADF;
  process.files.install(fd, null);
  return filpClose(m, file, process.files);
});

const rwVerifyArea = kernelFunction(
  'rw_verify_area',
  18,
  (m, _way: number, file: File, _pos: Position | null, _count: number): number => securityFilePermission(m, file, 0),
);
const securityFilePermission = kernelFunction(
  'security_file_permission',
  16,
  (_m, _file: File, _mask: number): number => 0,
);

/** Reads through the file's read_iter; `pos` is the caller's copy of the position, or null for streams. */
export const vfsRead = kernelFunction(
  'vfs_read',
  40,
  (m, file: File, buf: number, count: number, pos: Position | null): Result => {
    const { readIter } = file.inode.operations;
    if (readIter === undefined) return -EINVAL;
    const refused = rwVerifyArea(m, 0, file, pos, count);
    if (refused !== 0) return refused;
    const transfer = transferScratch(m, file);
    startTransfer(m, transfer, file, buf, count, pos?.value ?? 0, false);
    const read = readIter(m, transfer.iocb, transfer.iter);
    const after = (n: number): number => {
      if (pos !== null && n > 0) movePosition(m, pos, pos.value + n);
      return n;
    };
    return read instanceof Pending ? read.then(after) : after(read);
  },
);

const vfsWrite = kernelFunction(
  'vfs_write',
  45,
  (m, file: File, buf: number, count: number, pos: Position | null): Result => {
    const { writeIter } = file.inode.operations;
    if (writeIter === undefined) return -EINVAL;
    const refused = rwVerifyArea(m, 1, file, pos, count);
    if (refused !== 0) return refused;
    const transfer = transferScratch(m, file);
    startTransfer(m, transfer, file, buf, count, pos?.value ?? 0, true);
    const written = writeIter(m, transfer.iocb, transfer.iter);
    const after = (n: number): number => {
      if (pos !== null && n > 0) movePosition(m, pos, pos.value + n);
      return n;
    };
    return written instanceof Pending ? written.then(after) : after(written);
  },
);
function movePosition(m: Machine, pos: Position, value: number): void {
  pos.value = value;
  storeNumber(m.words, pos.address, value);
}

export function currentFile(m: Machine, fd: number): File | null {
  return m.cpu.current.process?.files.get(fd) ?? null;
}

/** The common part of ksys_read and ksys_write: the position is copied to the stack and back. */
function transferAt(
  m: Machine,
  file: File,
  pos: number,
  go: (position: Position) => Result,
  done: (pos: number) => void,
): Result {
  const { position } = transferScratch(m, file);
  movePosition(m, position, pos);
  const moved = go(position);
  const after = (n: number): number => {
    done(position.value);
    return n;
  };
  return moved instanceof Pending ? moved.then(after) : after(moved);
}

const ksysRead = kernelFunction('ksys_read', 22, (m, fd: number, buf: number, count: number): Result => {
  const file = currentFile(m, fd);
  if (file === null) return -EBADF;
  return transferAt(
    m,
    file,
    file.pos,
    (pos) => vfsRead(m, file, buf, count, pos),
    (pos) => file.setPosition(pos),
  );
});
systemCall('read', 8, (m, fd, buf, count) => ksysRead(m, fd, buf, count));

const ksysWrite = kernelFunction('ksys_write', 22, (m, fd: number, buf: number, count: number): Result => {
  const file = currentFile(m, fd);
  if (file === null) return -EBADF;
  return transferAt(
    m,
    file,
    file.pos,
    (pos) => vfsWrite(m, file, buf, count, pos),
    (pos) => file.setPosition(pos),
  );
});
systemCall('write', 8, (m, fd, buf, count) => ksysWrite(m, fd, buf, count));

systemCall('pwrite64', 30, (m, fd, buf, count, position) => {
  const file = currentFile(m, fd);
  if (file === null) return -EBADF;
  return transferAt(
    m,
    file,
    position,
    (pos) => vfsWrite(m, file, buf, count, pos),
    () => undefined,
  );
});
systemCall('pread64', 30, (m, fd, buf, count, position) => {
  const file = currentFile(m, fd);
  if (file === null) return -EBADF;
  return transferAt(
    m,
    file,
    position,
    (pos) => vfsRead(m, file, buf, count, pos),
    () => undefined,
  );
});

const SEEK_SET = 0;
const SEEK_CUR = 1;
const vfsLlseek = kernelFunction('vfs_llseek', 15, (_m, file: File, offset: number, whence: number): number => {
  const base = whence === SEEK_SET ? 0 : whence === SEEK_CUR ? file.pos : file.inode.size;
  const pos = base + offset;
  if (pos < 0) return -EINVAL;
  file.setPosition(pos);
  return pos;
});
systemCall('lseek', 18, (m, fd, offset, whence) => {
  const file = currentFile(m, fd);
  return file === null ? -EBADF : vfsLlseek(m, file, offset, whence);
});
