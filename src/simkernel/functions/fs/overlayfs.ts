import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { wait } from '../../execution/pending.ts';
import type { Result, Sleeping } from '../../execution/pending.ts';
import { Dentry, openedFile, redirect } from '../../fs/file.ts';
import type { File, Inode, IovIter, Kiocb, NegativeDentry, Path } from '../../fs/file.ts';
import type { FileSystemOperations } from '../../fs/operations.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { EINVAL, EROFS, EXDEV } from '../../errno.ts';
import { lookupOnDisk } from './dcache.ts';
import { O_ACCMODE } from '../../fs/fcntl.ts';
import { S_IFREG } from '../../fs/file-mode.ts';

/** fs/overlayfs: what an image of a container says, and above it what the container has changed. */

/** What a file or directory of an overlay is made of; directories are in both layers. */
export interface Layers {
  upper: Dentry | null;
  readonly lower: Dentry | null;
}
const layersOf = (inode: Inode): Layers => inode.channel as Layers;
const realOf = (inode: Inode): Inode => {
  const { upper, lower } = layersOf(inode);
  return (upper ?? lower!).inode;
};
/** The file of the upper or lower layer behind an open one. */
const realFiles = new WeakMap<File, File>();

const COPY_NS_PER_BYTE = 0.35;
/** Lookups in the layers' directories pass names, not the caller's qstr. */
const nameIn = (m: Machine): KernelObject => ({ address: m.scratch });

/** A file in a directory of the upper layer, found or made there by its own file system. */
function* createIn(m: Machine, directory: Dentry, name: string, mode: number): Sleeping<Dentry | number> {
  const found = directory.children.get(name) ?? (yield* wait(lookupOnDisk(m, directory, name, nameIn(m))));
  if (found instanceof Dentry || typeof found === 'number') return found;
  const dir = directory.inode;
  const status = yield* wait(dir.inodeOperations?.create(m, null, dir, found, mode, 0) ?? -EROFS);
  return status === 0 ? directory.children.get(name)! : status;
}

/** Before the first write to a file of the image: it is copied to the upper layer. */
const MODULE = { module: 'overlay' };
const ovlCopyUp = sleepingFunction(
  'ovl_copy_up_flags',
  600,
  function* (m, dentry: Dentry, _flags: number) {
    const layers = layersOf(dentry.inode);
    const { lower } = layers;
    const directory = dentry.parent === null ? null : layersOf(dentry.parent.inode).upper;
    if (layers.upper !== null || lower === null || directory === null) return 0;
    const made = yield* createIn(m, directory, dentry.name, lower.inode.mode);
    if (typeof made === 'number') return made;
    m.spend(lower.inode.size * COPY_NS_PER_BYTE);
    made.inode.setSize(lower.inode.size);
    layers.upper = made;
    return 0;
  },
  MODULE,
);

const ovlOpenRealfile = kernelFunction(
  'ovl_open_realfile',
  180,
  (m, file: File, _path: KernelObject): Result => {
    const { upper, lower } = layersOf(file.inode);
    const real = openedFile(m, m.fileSystem.root, (upper ?? lower)!, file.flags);
    realFiles.set(file, real);
    return real.inode.operations.open?.(m, real.inode, real) ?? 0;
  },
  MODULE,
);
const ovlOpen = sleepingFunction(
  'ovl_open',
  60,
  function* (m, _inode: Inode, file: File) {
    const writes = (file.flags & O_ACCMODE) !== 0;
    const copied = writes ? yield* wait(ovlCopyUp(m, file.path.dentry, file.flags)) : 0;
    return copied !== 0 ? copied : yield* wait(ovlOpenRealfile(m, file, file.path));
  },
  MODULE,
);
const ovlRelease = kernelFunction(
  'ovl_release',
  30,
  (m, _inode: Inode, file: File): Result => {
    const real = realFiles.get(file);
    if (real === undefined) return 0;
    const status = real.inode.operations.release?.(m, real.inode, real) ?? 0;
    real.release(m);
    return status;
  },
  MODULE,
);

/** Has the real file do the transfer. */
function* through(m: Machine, iocb: Kiocb, act: (real: File) => Result): Sleeping {
  const { file } = iocb;
  const real = realFiles.get(file);
  if (real === undefined) return -EINVAL;
  redirect(m, iocb, real);
  const moved = yield* wait(act(real));
  redirect(m, iocb, file);
  return moved;
}
const backingFileReadIter = sleepingFunction(
  'backing_file_read_iter',
  60,
  function* (m, _file: File, iter: IovIter, iocb: Kiocb, _flags: number, _ctx: null) {
    return yield* through(m, iocb, (real) => real.inode.operations.readIter?.(m, iocb, iter) ?? -EINVAL);
  },
);
const backingFileWriteIter = sleepingFunction(
  'backing_file_write_iter',
  80,
  function* (m, _file: File, iter: IovIter, iocb: Kiocb, _flags: number, _ctx: null) {
    return yield* through(m, iocb, (real) => real.inode.operations.writeIter?.(m, iocb, iter) ?? -EINVAL);
  },
);
const ovlReadIter = kernelFunction(
  'ovl_read_iter',
  70,
  (m, iocb: Kiocb, to: IovIter): Result => (to.count === 0 ? 0 : backingFileReadIter(m, iocb.file, to, iocb, 0, null)),
  MODULE,
);
const ovlWriteIter = sleepingFunction(
  'ovl_write_iter',
  110,
  function* (m, iocb: Kiocb, from: IovIter) {
    const { inode } = iocb.file;
    const written = yield* wait(backingFileWriteIter(m, iocb.file, from, iocb, 0, null));
    // ovl_copyattr()
    inode.setSize(realOf(inode).size);
    return written;
  },
  MODULE,
);
const ovlFsync = sleepingFunction(
  'ovl_fsync',
  40,
  function* (m, file: File, start: number, end: number, datasync: number) {
    const real = realFiles.get(file);
    // Nothing of a file that only the image has can be dirty.
    if (real === undefined || layersOf(file.inode).upper === null) return 0;
    return yield* wait(real.inode.operations.fsync?.(m, real, start, end, datasync) ?? 0);
  },
  MODULE,
);

/** Asks the upper layer, and the lower one where that has no such name. */
const ovlLookup = sleepingFunction(
  'ovl_lookup',
  350,
  function* (m, dir: Inode, dentry: Dentry | NegativeDentry, _flags: number) {
    const { upper, lower } = layersOf(dir);
    for (const layer of [upper, lower]) {
      if (layer === null) continue;
      const found = yield* wait(lookupOnDisk(m, layer, dentry.name, nameIn(m)));
      if (typeof found === 'number') return found;
      if (found instanceof Dentry) return 0;
    }
    return 0;
  },
  MODULE,
);
const ovlCreate = sleepingFunction(
  'ovl_create',
  400,
  function* (m, _idmap: null, dir: Inode, dentry: NegativeDentry, mode: number, _excl: number) {
    const { upper } = layersOf(dir);
    if (upper === null) return -EROFS;
    const made = yield* createIn(m, upper, dentry.name, S_IFREG | mode);
    if (typeof made === 'number') return made;
    const layers: Layers = { upper: made, lower: null };
    m.fileSystem.instantiate(dentry, mode).inode.channel = layers;
    return 0;
  },
  MODULE,
);
const ovlUnlink = sleepingFunction(
  'ovl_unlink',
  300,
  function* (m, dir: Inode, dentry: Dentry) {
    const real = layersOf(dentry.inode).upper;
    const above = layersOf(dir).upper?.inode;
    const status =
      real === null || above === undefined ? 0 : yield* wait(above.inodeOperations?.unlink(m, above, real) ?? -EROFS);
    if (status === 0) m.fileSystem.dropLink(dentry);
    return status;
  },
  MODULE,
);
const ovlGetattr = kernelFunction(
  'ovl_getattr',
  60,
  (m, _idmap: null, path: Path, stat: KernelObject, mask: number, flags: number): number => {
    const { inode } = path.dentry;
    return realOf(inode).inodeOperations?.getattr(m, null, path, stat, mask, flags) ?? 0;
  },
  MODULE,
);

export const OVERLAY: FileSystemOperations = {
  files: {
    open: (m, inode, file) => ovlOpen(m, inode, file),
    readIter: (m, iocb, to) => ovlReadIter(m, iocb, to),
    writeIter: (m, iocb, from) => ovlWriteIter(m, iocb, from),
    release: (m, inode, file) => ovlRelease(m, inode, file),
    fsync: (m, file, start, end, dataOnly) => ovlFsync(m, file, start, end, dataOnly),
  },
  directories: {},
  inodes: {
    lookup: (m, dir, dentry, flags) => ovlLookup(m, dir, dentry, flags),
    create: (m, idmap, dir, dentry, mode, exclusive) => ovlCreate(m, idmap, dir, dentry, mode, exclusive),
    unlink: (m, dir, dentry) => ovlUnlink(m, dir, dentry),
    // Of what changes names, overlays of this machine can make and remove files.
    link: () => -EXDEV,
    rename: () => -EXDEV,
    mkdir: () => -EROFS,
    rmdir: () => -EROFS,
    symlink: () => -EROFS,
    getLink: () => undefined,
    getattr: (m, idmap, path, stat, mask, flags) => ovlGetattr(m, idmap, path, stat, mask, flags),
  },
  // Pages belong to the real files.
  readahead: () => undefined,
  writeBegin: () => undefined,
  writeEnd: () => undefined,
  writepages: () => ({ done: true, error: 0, waiters: [] }),
  syncFs: () => 0,
};
