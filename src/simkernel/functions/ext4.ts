import { createBio, REQ_OP_READ, REQ_OP_WRITE, REQ_RAHEAD, REQ_SYNC } from '../block/request.ts';
import type { Disk } from '../block/request.ts';
import { kernelFunction, sleepingFunction } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { Result } from '../execution/pending.ts';
import type { File, FileOperations, Inode, IovIter, Kiocb } from '../fs/file.ts';
import { PAGE_SIZE } from '../fs/page-cache.ts';
import type { PageRead } from '../fs/page-cache.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { TASK_RUNNING, TASK_UNINTERRUPTIBLE } from '../tasks/task.ts';
import { submitBio, ioSchedule } from './block.ts';
import { writeUserText } from './proc.ts';
import { setTaskState, wakeUpProcess } from './sched.ts';
import { systemCall } from './syscall-entry.ts';
import { EBADF } from '../errno.ts';

/** Copying between user memory and the page cache, about 12 GB/s. */
const COPY_NS_PER_BYTE = 0.08;
/** Copies longer than this let other CPUs' events interleave. */
const LONG_COPY_NS = 4000;
const PER_PAGE_NS = 22;
const RA_INITIAL_PAGES = 4;
const RA_MAX_PAGES = 32;
/** Largest bio that the disk takes in one piece. */
const MAX_BIO_PAGES = 256;
const SECTORS_PER_PAGE = 8;

function diskOf({ sb }: Inode): Disk {
  if (sb.disk === null) throw new Error(`${sb.type} has no disk`);
  return sb.disk;
}

const folioEndRead = kernelFunction('folio_end_read', 20, (m, _folio: KernelObject, read: PageRead): void => {
  read.done = true;
  for (const task of read.waiters.splice(0)) wakeUpProcess(m, task);
});

const ext4Readahead = kernelFunction('ext4_readahead', 60, (m, rac: Readahead): void => {
  const { inode, first, count } = rac;
  const cache = m.fileSystem.cacheOf(inode);
  for (let at = first; at < first + count; at += MAX_BIO_PAGES) {
    const pages = Math.min(MAX_BIO_PAGES, first + count - at);
    const read: PageRead = { done: false, waiters: [] };
    cache.startRead(at, pages, read);
    m.spend(PER_PAGE_NS * pages);
    const flags = REQ_OP_READ | (rac.isAhead ? REQ_RAHEAD : 0);
    const bio = createBio(m, diskOf(inode), flags, inode.sector + at * SECTORS_PER_PAGE, pages * PAGE_SIZE, () => {
      cache.endRead(at, pages);
      folioEndRead(m, inode.mapping, read);
    });
    submitBio(m, bio);
  }
});
/** struct readahead_control. */
interface Readahead extends KernelObject {
  readonly inode: Inode;
  readonly first: number;
  readonly count: number;
  readonly isAhead: boolean;
}

const pageCacheRaUnbounded = kernelFunction(
  'page_cache_ra_unbounded',
  35,
  (m, rac: Readahead, _nr: number, _lookahead: number): void => ext4Readahead(m, rac),
);

/** Decides how much to read: what was asked for, doubled up to 128 KiB while the reader moves on sequentially. */
const pageCacheSyncRa = kernelFunction('page_cache_sync_ra', 40, (m, rac: Readahead, file: File): void => {
  const { readahead } = file;
  const sequential = rac.first === readahead.nextIndex && readahead.pages > 0;
  readahead.pages = sequential ? Math.min(RA_MAX_PAGES, readahead.pages * 2) : RA_INITIAL_PAGES;
  const fileEnd = Math.ceil(rac.inode.size / PAGE_SIZE);
  const random = rac.count === 1 && !sequential && rac.first !== 0;
  let count = Math.min(random ? 1 : Math.max(rac.count, readahead.pages), fileEnd - rac.first);
  const cache = m.fileSystem.cacheOf(rac.inode);
  for (let i = 1; i < count; i += 1) if (!cache.isAbsent(rac.first + i)) count = i;
  readahead.nextIndex = rac.first + count;
  pageCacheRaUnbounded(m, { ...rac, count, isAhead: count > rac.count }, count, 0);
});

const folioWaitBit = sleepingFunction('folio_wait_bit_common', 30, function* (m, _folio: KernelObject, read: PageRead) {
  while (!read.done) {
    const task = m.cpu.current;
    read.waiters.push(task);
    setTaskState(m, task, TASK_UNINTERRUPTIBLE);
    const slept = ioSchedule(m);
    if (slept instanceof Pending) yield slept;
    setTaskState(m, task, TASK_RUNNING);
  }
  return 0;
});

/** Makes the page at `index` readable, reading ahead when it is not there. */
const filemapGetPages = kernelFunction(
  'filemap_get_pages',
  20,
  (m, iocb: Kiocb, count: number, fbatch: FolioBatch, _needUptodate: number): Result => {
    const { index } = fbatch;
    const wanted = Math.ceil(count / PAGE_SIZE);
    const { file } = iocb;
    const { inode } = file;
    const cache = m.fileSystem.cacheOf(inode);
    if (cache.isAbsent(index)) {
      pageCacheSyncRa(m, { address: m.scratch, inode, first: index, count: wanted, isAhead: false }, file);
    }
    const read = cache.reads.get(index);
    return read === undefined ? 0 : folioWaitBit(m, inode.mapping, read);
  },
);

/** struct folio_batch, with the index of the folio that it is to start with. */
interface FolioBatch extends KernelObject {
  readonly index: number;
}

function copyToUser(m: Machine, bytes: number): Result {
  const ns = bytes * COPY_NS_PER_BYTE;
  if (ns > LONG_COPY_NS) return m.busy(ns);
  m.spend(ns);
  return 0;
}

const filemapReadSlowly = function* (
  m: Machine,
  iocb: Kiocb,
  pos: number,
  end: number,
  buffer: number,
): Generator<Pending, void, unknown> {
  const cache = m.fileSystem.cacheOf(iocb.file.inode);
  let at = pos;
  while (at < end) {
    const first = Math.floor(at / PAGE_SIZE);
    const last = Math.ceil(end / PAGE_SIZE);
    const got = filemapGetPages(m, iocb, (last - first) * PAGE_SIZE, { address: m.scratch, index: first }, 0);
    if (got instanceof Pending) yield got;
    let page = first;
    while (page < last && cache.isUptodate(page)) page += 1;
    const upTo = Math.min(end, Math.max(page, first + 1) * PAGE_SIZE);
    m.spend((page - first) * PER_PAGE_NS);
    const copied = copyToUser(m, upTo - at);
    if (copied instanceof Pending) yield copied;
    const { contents } = iocb.file.inode;
    if (contents !== null) writeUserText(m, buffer + (at - pos), contents(m).slice(at, upTo));
    at = upTo;
  }
};

const filemapRead = kernelFunction('filemap_read', 60, (m, iocb: Kiocb, iter: IovIter, _already: number): Result => {
  const { inode } = iocb.file;
  const { pos } = iocb;
  const end = Math.min(inode.size, pos + iter.count);
  if (end <= pos) return 0;
  const body = filemapReadSlowly(m, iocb, pos, end, iter.buffer);
  const advance = (): Result => {
    const step = body.next();
    return step.done === true ? end - pos : step.value.then(advance);
  };
  return advance();
});
const genericFileReadIter = kernelFunction('generic_file_read_iter', 20, (m, iocb: Kiocb, iter: IovIter): Result =>
  filemapRead(m, iocb, iter, 0),
);
const ext4FileReadIter = kernelFunction('ext4_file_read_iter', 22, (m, iocb: Kiocb, to: IovIter): Result =>
  genericFileReadIter(m, iocb, to),
);

const genericPerformWrite = kernelFunction('generic_perform_write', 50, (m, iocb: Kiocb, iter: IovIter): Result => {
  const { inode } = iocb.file;
  const cache = m.fileSystem.cacheOf(inode);
  const end = iocb.pos + iter.count;
  for (let page = Math.floor(iocb.pos / PAGE_SIZE); page * PAGE_SIZE < end; page += 1) {
    m.spend(3 * PER_PAGE_NS);
    cache.markDirty(page);
  }
  if (end > inode.size) inode.setSize(end);
  const copied = copyToUser(m, iter.count);
  return copied instanceof Pending ? copied.then(() => iter.count) : iter.count;
});
const ext4BufferedWriteIter = kernelFunction('ext4_buffered_write_iter', 45, (m, iocb: Kiocb, from: IovIter): Result =>
  genericPerformWrite(m, iocb, from),
);
const ext4FileWriteIter = kernelFunction('ext4_file_write_iter', 22, (m, iocb: Kiocb, from: IovIter): Result => {
  if ((iocb.file.flags & O_APPEND) !== 0) iocb.pos = iocb.file.inode.size;
  return ext4BufferedWriteIter(m, iocb, from);
});
const O_APPEND = 0o2000;

const ext4FileOpen = kernelFunction('ext4_file_open', 40, (_m, _inode: Inode, _file: File): Result => 0);
const ext4ReleaseFile = kernelFunction('ext4_release_file', 20, (_m, _inode: Inode, _file: File): Result => 0);

export const EXT4_FILES: FileOperations = {
  open: (m, inode, file) => ext4FileOpen(m, inode, file),
  readIter: (m, iocb, to) => ext4FileReadIter(m, iocb, to),
  writeIter: (m, iocb, from) => ext4FileWriteIter(m, iocb, from),
  release: (m, inode, file) => ext4ReleaseFile(m, inode, file),
};

/** Writes an inode's dirty pages in bios of up to 1 MiB; resolves when the last one is on the disk. */
const ext4Writepages = kernelFunction(
  'ext4_writepages',
  90,
  (m, mapping: KernelObject & { readonly inode: Inode }, sync: number): PageRead => {
    const { inode } = mapping;
    const cache = m.fileSystem.cacheOf(inode);
    const written: PageRead = { done: true, waiters: [] };
    let left = 0;
    for (let run = cache.takeDirty(MAX_BIO_PAGES); run !== undefined; run = cache.takeDirty(MAX_BIO_PAGES)) {
      const { first, count } = run;
      m.spend(PER_PAGE_NS * count);
      left += 1;
      written.done = false;
      const flags = REQ_OP_WRITE | (sync !== 0 ? REQ_SYNC : 0);
      submitBio(
        m,
        createBio(m, diskOf(inode), flags, inode.sector + first * SECTORS_PER_PAGE, count * PAGE_SIZE, () => {
          left -= 1;
          if (left === 0) folioEndRead(m, inode.mapping, written);
        }),
      );
    }
    return written;
  },
);
export const doWritepages = kernelFunction(
  'do_writepages',
  15,
  (m, mapping: KernelObject & { readonly inode: Inode }, sync: number): PageRead => ext4Writepages(m, mapping, sync),
);

const ext4SyncFile = kernelFunction(
  'ext4_sync_file',
  60,
  (m, file: File, _start: number, _end: number, _datasync: number): Result => {
    const written = doWritepages(m, { address: file.inode.mapping.address, inode: file.inode }, 1);
    return written.done ? 0 : folioWaitBit(m, file.inode.mapping, written);
  },
);
const vfsFsyncRange = kernelFunction(
  'vfs_fsync_range',
  15,
  (m, file: File, start: number, end: number, datasync: number): Result => ext4SyncFile(m, file, start, end, datasync),
);
const vfsFsync = kernelFunction('vfs_fsync', 8, (m, file: File, datasync: number): Result =>
  vfsFsyncRange(m, file, 0, Number.MAX_SAFE_INTEGER, datasync),
);
for (const [name, datasync] of [
  ['fsync', 0],
  ['fdatasync', 1],
] as const) {
  systemCall(name, 15, (m, fd) => {
    const file = m.cpu.current.process?.files.get(fd) ?? null;
    return file === null ? -EBADF : vfsFsync(m, file, datasync);
  });
}
