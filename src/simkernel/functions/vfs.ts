import { callRcu } from './rcu.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { Result } from '../execution/pending.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { loadText, storeNumber, storeText, storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import { File, startTransfer, transferScratch } from '../fs/file.ts';
import type { Dentry, Mount, Path, Position } from '../fs/file.ts';
import { names } from '../fs/file-system.ts';
import { systemCall } from './syscall-entry.ts';
import { EBADF, EFAULT, EINVAL, ENOENT, ENOTDIR, EPERM } from '../errno.ts';

const PATH_MAX = 4096;
const AT_FDCWD = -100;

const FILENAME = structFields('filename', { name: 'name' });

/** struct filename: a path name copied from user space. */
interface Filename extends KernelObject {
  readonly path: string;
}

const getname = kernelFunction('getname_flags', 70, (m, filename: number, _flags: number): Filename | number => {
  const process = m.cpu.current.process;
  const from = process?.mm.find(filename, 1) ?? -1;
  if (from < 0) return -EFAULT;
  const path = loadText(m.arena.bytes, from, PATH_MAX);
  const size = FILENAME.size + path.length + 1;
  const address = m.arena.allocate(size);
  storeText(m.arena.bytes, address + FILENAME.size, path, path.length + 1);
  storeWord(m.words, address + FILENAME.name, { address: address + FILENAME.size });
  return { address, path };
});

const putname = kernelFunction('putname', 12, (m, name: Filename): void => {
  m.arena.free(name.address, FILENAME.size + name.path.length + 1);
});

const lookupFast = kernelFunction('lookup_fast', 32, (_m, nd: Walk): Dentry | null => {
  const { dentry } = nd;
  const child = nd.last === '..' ? (dentry.parent ?? dentry) : nd.last === '.' ? dentry : dentry.children.get(nd.last);
  return child ?? null;
});
const linkPathWalk = kernelFunction(
  'link_path_walk',
  40,
  (m, name: KernelObject & { readonly path: string }, nd: Walk): number => {
    const parts = names(name.path);
    if (name.path.startsWith('/')) {
      nd.mount = m.fileSystem.root;
      nd.dentry = nd.mount.root;
    }
    for (const part of parts) {
      if (!nd.dentry.inode.isDirectory) return -ENOTDIR;
      nd.last = part;
      m.spend(14);
      const next = lookupFast(m, nd);
      if (next === null) return -ENOENT;
      nd.dentry = next;
      if (next.mounted !== null) {
        nd.mount = next.mounted;
        nd.dentry = next.mounted.root;
      }
    }
    return 0;
  },
);
/** struct nameidata. */
export interface Walk extends KernelObject {
  mount: Mount;
  dentry: Dentry;
  last: string;
}

const securityFileOpen = kernelFunction('security_file_open', 35, (_m, _file: File): number => 0);

const doDentryOpen = kernelFunction('do_dentry_open', 60, (m, file: File, _open: number): Result => {
  const refused = securityFileOpen(m, file);
  if (refused !== 0) return refused;
  return file.inode.operations.open?.(m, file.inode, file) ?? 0;
});

/** Opens what `path` names; kprobe:vfs_open sees the path of every opened file. */
const vfsOpen = kernelFunction('vfs_open', 25, (m, _path: Path, file: File): Result => doDentryOpen(m, file, 0));

const allocEmptyFile = kernelFunction('alloc_empty_file', 70, (m, flags: number, _cred: KernelObject | null): File => {
  const walk = m.cpu.current.nameidata;
  if (walk === null) throw new Error('a file is opened without a path walk');
  return new File(m, walk.mount, walk.dentry, flags);
});

const pathOpenat = kernelFunction(
  'path_openat',
  70,
  (m, nd: Walk, op: OpenFlags, _flags: number): Result<File | number> => {
    const error = linkPathWalk(m, op.filename, nd);
    if (error !== 0) return error;
    const file = allocEmptyFile(m, op.flags, m.cpu.current.cred);
    const opened = vfsOpen(m, file.path, file);
    const after = (status: number): File | number => {
      if (status >= 0) return file;
      file.release(m);
      return status;
    };
    return opened instanceof Pending ? opened.then(after) : after(opened);
  },
);
/** struct open_flags. */
interface OpenFlags extends KernelObject {
  readonly filename: Filename;
  readonly flags: number;
}

const doFilpOpen = kernelFunction(
  'do_filp_open',
  30,
  (m, _dfd: number, pathname: Filename, op: OpenFlags): Result<File | number> => {
    const cwd = m.fileSystem.root;
    const nd: Walk = { address: m.scratch, mount: cwd, dentry: cwd.root, last: '' };
    m.cpu.current.nameidata = nd;
    return pathOpenat(m, nd, { ...op, filename: pathname }, 0);
  },
);

export const getUnusedFd = kernelFunction('alloc_fd', 35, (m, _start: number, _end: number, _flags: number): number => {
  const files = m.cpu.current.process?.files;
  return files === undefined ? -EPERM : files.lowestFree();
});
export const fdInstall = kernelFunction('fd_install', 20, (m, fd: number, file: File): void => {
  m.cpu.current.process?.files.install(fd, file);
});

/** openat2's core, common to open, openat and openat2. */
const doSysOpenat2 = kernelFunction('do_sys_openat2', 40, (m, dfd: number, filename: number, how: OpenHow): Result => {
  const name = getname(m, filename, 0);
  if (typeof name === 'number') return name;
  const fd = getUnusedFd(m, 0, 1024, how.flags);
  const opened = doFilpOpen(m, dfd, name, { address: how.address, filename: name, flags: how.flags });
  const after = (file: File | number): number => {
    putname(m, name);
    if (typeof file === 'number') return file;
    fdInstall(m, fd, file);
    return fd;
  };
  return opened instanceof Pending ? opened.then(after) : after(opened);
});
/** struct open_how. */
interface OpenHow extends KernelObject {
  readonly flags: number;
}

systemCall('openat', 15, (m, dfd, filename, flags, _mode) => {
  storeNumber(m.words, m.scratch, flags);
  return doSysOpenat2(m, dfd === 0 ? AT_FDCWD : dfd, filename, { address: m.scratch, flags });
});
systemCall('open', 15, (m, filename, flags) => doSysOpenat2(m, AT_FDCWD, filename, { address: m.scratch, flags }));

const finalFput = kernelFunction('__fput', 70, (m, file: File): void => {
  for (const watcher of [...file.watchers]) watcher.forget(m);
  file.inode.operations.release?.(m, file.inode, file);
  callRcu(m, () => file.release(m));
});
const fput = kernelFunction('fput', 12, (m, file: File): void => {
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
    startTransfer(m, transfer, file, buf, count, pos?.value ?? 0);
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
    startTransfer(m, transfer, file, buf, count, pos?.value ?? 0);
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
