import { createBio } from '../../block/request.ts';
import { REQ_FUA, REQ_META, REQ_OP_WRITE, REQ_PREFLUSH, REQ_SYNC, SECTORS_PER_PAGE } from '../../block/flags.ts';
import { ENOTEMPTY } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import { Dentry } from '../../fs/file.ts';
import type {
  DirectoryContext,
  File,
  FileOperations,
  Inode,
  IovIter,
  Kiocb,
  Mapping,
  NegativeDentry,
  Path,
  SuperBlock,
} from '../../fs/file.ts';
import type { FileSystemOperations, InodeOperations, Readahead, WritebackControl } from '../../fs/operations.ts';
import type { PageIo } from '../../fs/page-cache.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { submitBio } from '../block/block.ts';
import { readBlock, submitReadBh } from './buffer.ts';
import { isDirect, iomapDioRw } from './direct-io.ts';
import { listEntries } from './ext4-dir.ts';
import { fileWriteAndWaitRange, genericFileReadIter, genericPerformWrite } from '../mm/filemap.ts';
import { folioWaitBit } from '../mm/folio-wait.ts';
import type { CString } from './filename.ts';
import { findInodeFast } from './inode.ts';
import { wakeUpProcess } from '../kernel/sched.ts';
import { diskOf, readPages, writeDirtyPages } from '../mm/submit-pages.ts';
import { O_APPEND } from '../../fs/fcntl.ts';

/** Functions of the module xfs. */
const MODULE = { module: 'xfs' };
const LOG_SECTOR = 1_048_576;
const LOG_BLOCKS = 2_560;
const LOG_RECORD_BYTES = 8_192;

const xfsFileBufferedRead = kernelFunction(
  'xfs_file_buffered_read',
  30,
  (m, iocb: Kiocb, to: IovIter): Result => genericFileReadIter(m, iocb, to),
  MODULE,
);
const xfsFileDioRead = kernelFunction(
  'xfs_file_dio_read',
  40,
  (m, iocb: Kiocb, to: IovIter): Result => iomapDioRw(m, iocb, to, null, null, 0, null, 0),
  MODULE,
);
const xfsFileReadIter = kernelFunction(
  'xfs_file_read_iter',
  24,
  (m, iocb: Kiocb, to: IovIter): Result =>
    isDirect(iocb) ? xfsFileDioRead(m, iocb, to) : xfsFileBufferedRead(m, iocb, to),
  MODULE,
);
const iomapFileBufferedWrite = kernelFunction(
  'iomap_file_buffered_write',
  40,
  (m, iocb: Kiocb, from: IovIter, _ops: null, _writeOps: null, _private: null): Result =>
    genericPerformWrite(m, iocb, from),
);
const xfsFileBufferedWrite = kernelFunction(
  'xfs_file_buffered_write',
  50,
  (m, iocb: Kiocb, from: IovIter): Result => iomapFileBufferedWrite(m, iocb, from, null, null, null),
  MODULE,
);
const xfsFileDioWrite = kernelFunction(
  'xfs_file_dio_write',
  60,
  (m, iocb: Kiocb, from: IovIter): Result => iomapDioRw(m, iocb, from, null, null, 0, null, 0),
  MODULE,
);
const xfsFileWriteIter = kernelFunction(
  'xfs_file_write_iter',
  26,
  (m, iocb: Kiocb, from: IovIter): Result => {
    if ((iocb.file.flags & O_APPEND) !== 0) iocb.pos = iocb.file.inode.size;
    return isDirect(iocb) ? xfsFileDioWrite(m, iocb, from) : xfsFileBufferedWrite(m, iocb, from);
  },
  MODULE,
);
const xfsFileOpen = kernelFunction('xfs_file_open', 45, (_m, _inode: Inode, _file: File): Result => 0, MODULE);
const xfsFileRelease = kernelFunction('xfs_file_release', 25, (_m, _inode: Inode, _file: File): Result => 0, MODULE);

/** The log's head, by file system. */
const logHeads = new WeakMap<SuperBlock, number>();
/** Writes what changed into the log and waits until it is safe there. */
const xfsLogForceSeq = kernelFunction(
  'xfs_log_force_seq',
  110,
  (m, _mp: KernelObject, inode: Inode): Result => {
    const { sb } = inode;
    const head = logHeads.get(sb) ?? 0;
    logHeads.set(sb, (head + 2) % LOG_BLOCKS);
    const log: PageIo = { done: false, error: 0, waiters: [] };
    const flags = REQ_OP_WRITE | REQ_META | REQ_SYNC | REQ_PREFLUSH | REQ_FUA;
    submitBio(
      m,
      createBio(m, diskOf(inode), flags, LOG_SECTOR + head * SECTORS_PER_PAGE, LOG_RECORD_BYTES, (_m, { error }) => {
        log.done = true;
        log.error = error;
        for (const task of log.waiters.splice(0)) wakeUpProcess(m, task);
      }),
    );
    return folioWaitBit(m, m.folios.of(inode, 0), log);
  },
  MODULE,
);
const xfsFileFsync = kernelFunction(
  'xfs_file_fsync',
  50,
  (m, file: File, start: number, end: number, _datasync: number): Result => {
    const force = (status: number): Result => (status === 0 ? xfsLogForceSeq(m, file.inode.sb, file.inode) : status);
    const written = fileWriteAndWaitRange(m, file, start, end);
    return written instanceof Pending ? written.then(force) : force(written);
  },
  MODULE,
);
const xfsFileReaddir = kernelFunction(
  'xfs_file_readdir',
  130,
  (m, file: File, context: DirectoryContext): Result => {
    listEntries((ns) => m.spend(ns), file, context);
    return 0;
  },
  MODULE,
);
const xfsVmReadahead = kernelFunction('xfs_vm_readahead', 30, (m, rac: Readahead): void => readPages(m, rac), MODULE);
const xfsVmWritepages = kernelFunction(
  'xfs_vm_writepages',
  60,
  (m, mapping: Mapping, wbc: WritebackControl): PageIo => writeDirtyPages(m, mapping, wbc),
  MODULE,
);

const xfsBufSubmit = kernelFunction(
  'xfs_buf_submit',
  40,
  (m, bp: Parameters<typeof submitReadBh>[1]): void => submitReadBh(m, bp),
  MODULE,
);
const xfsLookup = kernelFunction(
  'xfs_lookup',
  120,
  (m, dir: Inode, dentry: Dentry | NegativeDentry): Result => {
    const find = (status: number): Result => {
      if (status !== 0 || !(dentry instanceof Dentry)) return status;
      if (findInodeFast(m, dentry.inode)) return 0;
      dentry.inode.inMemory = true;
      return dir.sb.warm === 1 ? 0 : readBlock(m, dir.sb, 8 * dentry.inode.ino, (bh) => xfsBufSubmit(m, bh));
    };
    if (dir.isBlockCached()) return find(0);
    dir.blockCached = true;
    const read = readBlock(m, dir.sb, dir.sector, (bh) => xfsBufSubmit(m, bh));
    return read instanceof Pending ? read.then(find) : find(read);
  },
  MODULE,
);
const xfsVnLookup = kernelFunction(
  'xfs_vn_lookup',
  30,
  (m, dir: Inode, dentry: Dentry | NegativeDentry, _flags: number): Result => xfsLookup(m, dir, dentry),
  MODULE,
);
function change(m: Machine, dir: Inode, ns: number, apply: () => void): number {
  m.spend(ns);
  apply();
  dir.metadataDirty = true;
  return 0;
}
const xfsVnCreate = kernelFunction(
  'xfs_vn_create',
  150,
  (m, _idmap: null, dir: Inode, dentry: NegativeDentry, mode: number, _excl: number): Result =>
    change(m, dir, 2_300, () => m.fileSystem.instantiate(dentry, mode)),
  MODULE,
);
const xfsVnMkdir = kernelFunction(
  'xfs_vn_mkdir',
  150,
  (m, _idmap: null, dir: Inode, dentry: NegativeDentry, mode: number): Result =>
    change(m, dir, 2_600, () => m.fileSystem.instantiate(dentry, mode)),
  MODULE,
);
const xfsVnSymlink = kernelFunction(
  'xfs_vn_symlink',
  150,
  (m, _idmap: null, dir: Inode, dentry: NegativeDentry, symname: CString): Result =>
    change(m, dir, 2_400, () => m.fileSystem.instantiateLink(dentry, symname.path)),
  MODULE,
);
const xfsVnGetLink = kernelFunction(
  'xfs_vn_get_link',
  40,
  (_m, _dentry: Dentry, inode: Inode, _done: null): KernelObject | null => inode.link,
  MODULE,
);
const xfsVnLink = kernelFunction(
  'xfs_vn_link',
  120,
  (m, old: Dentry, dir: Inode, dentry: NegativeDentry): Result =>
    change(m, dir, 1_700, () => m.fileSystem.addLink(dentry, old.inode)),
  MODULE,
);
const xfsVnUnlink = kernelFunction(
  'xfs_vn_unlink',
  120,
  (m, dir: Inode, dentry: Dentry): Result => change(m, dir, 2_000, () => m.fileSystem.dropLink(dentry)),
  MODULE,
);
const xfsVnRename = kernelFunction(
  'xfs_vn_rename',
  150,
  (m, _idmap: null, dir: Inode, _old: Dentry, newDir: Inode, target: Dentry | NegativeDentry, _flags: number): Result =>
    change(m, dir, 2_800, () => {
      newDir.metadataDirty = true;
      if (target instanceof Dentry) m.fileSystem.dropLink(target);
    }),
  MODULE,
);
const xfsVnGetattr = kernelFunction(
  'xfs_vn_getattr',
  30,
  (_m, _idmap: null, _path: Path, _stat: KernelObject, _mask: number, _flags: number): number => 0,
  MODULE,
);

const XFS_INODES: InodeOperations = {
  lookup: (m, dir, dentry, flags) => xfsVnLookup(m, dir, dentry, flags),
  create: (m, idmap, dir, dentry, mode, exclusive) => xfsVnCreate(m, idmap, dir, dentry, mode, exclusive),
  link: (m, old, dir, dentry) => xfsVnLink(m, old, dir, dentry),
  unlink: (m, dir, dentry) => xfsVnUnlink(m, dir, dentry),
  mkdir: (m, idmap, dir, dentry, mode) => xfsVnMkdir(m, idmap, dir, dentry, mode),
  rmdir: (m, dir, dentry) => (dentry.children.size > 0 ? -ENOTEMPTY : xfsVnUnlink(m, dir, dentry)),
  rename: (m, idmap, oldDir, old, newDir, target, flags) => xfsVnRename(m, idmap, oldDir, old, newDir, target, flags),
  symlink: (m, idmap, dir, dentry, target) => xfsVnSymlink(m, idmap, dir, dentry, target),
  getLink: (m, dentry, inode, done) => xfsVnGetLink(m, dentry, inode, done),
  getattr: (m, idmap, path, stat, mask, flags) => xfsVnGetattr(m, idmap, path, stat, mask, flags),
};
const XFS_FILES: FileOperations = {
  open: (m, inode, file) => xfsFileOpen(m, inode, file),
  readIter: (m, iocb, to) => xfsFileReadIter(m, iocb, to),
  writeIter: (m, iocb, from) => xfsFileWriteIter(m, iocb, from),
  release: (m, inode, file) => xfsFileRelease(m, inode, file),
  fsync: (m, file, start, end, dataOnly) => xfsFileFsync(m, file, start, end, dataOnly),
};

export const XFS: FileSystemOperations = {
  files: XFS_FILES,
  directories: { iterate: (m, file, context) => xfsFileReaddir(m, file, context) },
  inodes: XFS_INODES,
  readahead: (m, rac) => xfsVmReadahead(m, rac),
  writeBegin: (m) => m.spend(60),
  writeEnd: (m) => m.spend(30),
  writepages: (m, mapping, wbc) => xfsVmWritepages(m, mapping, wbc),
  syncFs: () => 0,
};
