import { createBio } from '../../block/request.ts';
import { REQ_OP_WRITE, REQ_PREFLUSH, REQ_SYNC } from '../../block/flags.ts';
import { inlined, kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { File, FileOperations, Inode, IovIter, Kiocb, Mapping, SuperBlock } from '../../fs/file.ts';
import type { FileSystemOperations, Readahead, WritebackControl } from '../../fs/operations.ts';
import type { PageIo } from '../../fs/page-cache.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { ext4DaWriteBegin, ext4SyncFileEnter, ext4SyncFileExit } from '../../tracepoints/ext4.ts';
import { submitBio } from '../block/block.ts';
import { isDirect, iomapDioRw } from './direct-io.ts';
import { EXT4_INODES } from './ext4-namei.ts';
import { ext4ReaddirOperations } from './ext4-dir.ts';
import { fileWriteAndWaitRange, genericFileReadIter, genericPerformWrite, markInodeDirty } from '../mm/filemap.ts';
import { folioWaitBit } from '../mm/folio-wait.ts';
import { journalStart, journalStop, logWaitCommit } from './jbd2.ts';
import { wakeUpProcess } from '../kernel/sched.ts';
import { diskOf, readPages, writeDirtyPages } from '../mm/submit-pages.ts';
import { O_APPEND, O_DIRECT } from '../../fs/fcntl.ts';

const ext4Readpages = kernelFunction(
  'ext4_mpage_readpages.isra.0',
  50,
  (m, _inode: Inode, rac: Readahead, _folio: null): number => {
    readPages(m, rac);
    return 0;
  },
);
const ext4Readahead = kernelFunction('ext4_readahead', 25, (m, rac: Readahead): void => {
  ext4Readpages(m, rac.inode, rac, null);
});

const ext4FileReadIter = kernelFunction('ext4_file_read_iter', 22, (m, iocb: Kiocb, to: IovIter): Result =>
  isDirect(iocb) ? ext4DioReadIter(m, iocb, to) : genericFileReadIter(m, iocb, to),
);
const ext4DioReadIter = inlined(40, (m, iocb: Kiocb, to: IovIter): Result =>
  iomapDioRw(m, iocb, to, null, null, 0, null, 0),
);
const ext4BufferedWriteIter = kernelFunction('ext4_buffered_write_iter', 45, (m, iocb: Kiocb, from: IovIter): Result =>
  genericPerformWrite(m, iocb, from),
);
const ext4DioWriteIter = inlined(55, (m, iocb: Kiocb, from: IovIter): Result =>
  iomapDioRw(m, iocb, from, null, null, 0, null, 0),
);
const ext4FileWriteIter = kernelFunction('ext4_file_write_iter', 22, (m, iocb: Kiocb, from: IovIter): Result => {
  if ((iocb.file.flags & O_APPEND) !== 0) iocb.pos = iocb.file.inode.size;
  return (iocb.file.flags & O_DIRECT) !== 0 ? ext4DioWriteIter(m, iocb, from) : ext4BufferedWriteIter(m, iocb, from);
});

/** Delayed allocation: space is reserved now and chosen when the page is written. */
const ext4DaWriteBeginFunction = kernelFunction(
  'ext4_da_write_begin',
  60,
  (m, iocb: Kiocb, _mapping: Mapping, pos: number, len: number, _foliop: null, _fsdata: null): number => {
    ext4DaWriteBegin(m, iocb.file.inode, pos, len);
    return 0;
  },
);
const ext4DaWriteEnd = kernelFunction(
  'ext4_da_write_end',
  40,
  (
    m,
    iocb: Kiocb,
    mapping: Mapping,
    pos: number,
    _len: number,
    copied: number,
    _folio: null,
    _fsdata: null,
  ): number => {
    if (pos + copied > mapping.inode.size) ext4DirtyInode(m, iocb.file.inode, I_DIRTY_SYNC);
    return copied;
  },
);
const I_DIRTY_SYNC = 1;
const ext4DirtyInode = kernelFunction('ext4_dirty_inode', 40, (m, inode: Inode, flags: number): void => {
  const handle = journalStart(m, inode.sb, 2);
  inode.metadataDirty = true;
  markInodeDirty(m, inode, flags);
  journalStop(m, handle);
});

const ext4FileOpen = kernelFunction('ext4_file_open', 40, (_m, _inode: Inode, _file: File): Result => 0);
const ext4ReleaseFile = kernelFunction('ext4_release_file', 20, (_m, _inode: Inode, _file: File): Result => 0);

const ext4DoWritepages = kernelFunction(
  'ext4_do_writepages',
  70,
  (m, mpd: KernelObject & { readonly mapping: Mapping; readonly wbc: WritebackControl }): PageIo =>
    writeDirtyPages(m, mpd.mapping, mpd.wbc),
);
const ext4Writepages = kernelFunction('ext4_writepages', 30, (m, mapping: Mapping, wbc: WritebackControl): PageIo =>
  ext4DoWritepages(m, { address: m.scratch, mapping, wbc }),
);

/** Makes the drive write out its cache. */
const blkdevIssueFlush = kernelFunction(
  'blkdev_issue_flush',
  40,
  (m, bdev: KernelObject & { readonly inode: Inode }): Result => {
    const { inode } = bdev;
    const flush: PageIo = { done: false, error: 0, waiters: [] };
    submitBio(
      m,
      createBio(m, diskOf(inode), REQ_OP_WRITE | REQ_PREFLUSH | REQ_SYNC, 0, 0, (_m, { error }) => {
        flush.done = true;
        flush.error = error;
        for (const task of flush.waiters.splice(0)) wakeUpProcess(m, task);
      }),
    );
    return folioWaitBit(m, m.folios.of(inode, 0), flush);
  },
);
const ext4SyncFile = kernelFunction(
  'ext4_sync_file',
  40,
  (m, file: File, start: number, end: number, datasync: number): Result => {
    const { inode } = file;
    ext4SyncFileEnter(m, file, datasync);
    const finish = (status: number): number => {
      ext4SyncFileExit(m, inode, status);
      return status;
    };
    const commit = (status: number): Result => {
      if (status !== 0) return finish(status);
      const safe = inode.metadataDirty
        ? logWaitCommit(m, inode.sb)
        : blkdevIssueFlush(m, { address: diskOf(inode).part0.address, inode });
      inode.metadataDirty = false;
      return safe instanceof Pending ? safe.then(finish) : finish(safe);
    };
    const written = fileWriteAndWaitRange(m, file, start, end);
    return written instanceof Pending ? written.then(commit) : commit(written);
  },
);
const ext4SyncFs = kernelFunction('ext4_sync_fs', 60, (m, sb: SuperBlock, wait: number): Result =>
  wait === 0 ? 0 : logWaitCommit(m, sb),
);

const EXT4_FILES: FileOperations = {
  open: (m, inode, file) => ext4FileOpen(m, inode, file),
  readIter: (m, iocb, to) => ext4FileReadIter(m, iocb, to),
  writeIter: (m, iocb, from) => ext4FileWriteIter(m, iocb, from),
  release: (m, inode, file) => ext4ReleaseFile(m, inode, file),
  fsync: (m, file, start, end, dataOnly) => ext4SyncFile(m, file, start, end, dataOnly),
};

export const EXT4: FileSystemOperations = {
  files: EXT4_FILES,
  directories: {
    ...ext4ReaddirOperations,
    fsync: (m, file, start, end, dataOnly) => ext4SyncFile(m, file, start, end, dataOnly),
  },
  inodes: EXT4_INODES,
  readahead: (m, rac) => ext4Readahead(m, rac),
  writeBegin: (m: Machine, iocb, mapping, pos, length) =>
    void ext4DaWriteBeginFunction(m, iocb, mapping, pos, length, null, null),
  writeEnd: (m, iocb, mapping, pos, length, copied) =>
    void ext4DaWriteEnd(m, iocb, mapping, pos, length, copied, null, null),
  writepages: (m, mapping, wbc) => ext4Writepages(m, mapping, wbc),
  syncFs: (m, sb, wait) => ext4SyncFs(m, sb, wait),
};
