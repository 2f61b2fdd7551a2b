import { kernelFunction } from '../../execution/kernel-function.ts';
import { leave, takeUp } from '../../execution/hand-over.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { File, Inode, IovIter, Kiocb, Mapping } from '../../fs/file.ts';
import type { Folio } from '../../fs/folios.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { writebackDirtyFolio } from '../../tracepoints/writeback.ts';
import { folioWaitBit } from './folio-wait.ts';
import { writeUserText } from '../fs/pseudo-files.ts';
import { addFolios, pageCacheSyncRa, readaheadMark } from './readahead.ts';
import { balanceDirtyPages, WB_REASON_SYNC, writeMapping } from './writeback.ts';
import { PAGE_SIZE } from '../../memory/sizes.ts';

/** Copying between user memory and the page cache, about 12 GB/s. */
const COPY_NS_PER_BYTE = 0.08;
/** Copies longer than this let other CPUs' events interleave. */
const LONG_COPY_NS = 4000;
const PER_PAGE_NS = 14;

/** struct folio_batch, with the index of the folio that it is to start with. */
interface FolioBatch extends KernelObject {
  readonly index: number;
}

/** Makes the page at `index` readable, reading ahead when it is not there. */
const filemapGetPages = kernelFunction(
  'filemap_get_pages',
  20,
  (m, iocb: Kiocb, count: number, fbatch: FolioBatch, _needUptodate: number): Result => {
    const { index } = fbatch;
    const { file } = iocb;
    const { inode } = file;
    const cache = m.fileSystem.cacheOf(inode);
    takeUp(m, cache);
    const rac = { address: m.scratch, inode, first: index, count: Math.ceil(count / PAGE_SIZE), isAhead: false };
    if (cache.isAbsent(index)) pageCacheSyncRa(m, rac, file);
    readaheadMark(m, rac, file);
    const read = cache.reads.get(index);
    return read === undefined ? 0 : folioWaitBit(m, m.folios.of(inode, index), read);
  },
);
const folioMarkAccessed = kernelFunction('folio_mark_accessed', 6, (m, folio: Folio): void => {
  if (folio.inode !== null) m.fileSystem.cacheOf(folio.inode).markReferenced(folio.index);
});

function copyToUser(m: Machine, bytes: number): Result {
  const ns = bytes * COPY_NS_PER_BYTE;
  if (ns > LONG_COPY_NS) return m.busy(ns);
  m.spend(ns);
  return 0;
}

/** The number of bytes read, or the error of the first page that cannot be. */
const readPages = function* (
  m: Machine,
  iocb: Kiocb,
  end: number,
  buffer: number,
): Generator<Pending, number, unknown> {
  const { file, pos } = iocb;
  const { inode } = file;
  const cache = m.fileSystem.cacheOf(inode);
  let at = pos;
  while (at < end) {
    const first = Math.floor(at / PAGE_SIZE);
    const last = Math.ceil(end / PAGE_SIZE);
    let got: unknown = filemapGetPages(m, iocb, (last - first) * PAGE_SIZE, { address: m.scratch, index: first }, 0);
    if (got instanceof Pending) got = yield got;
    if (got !== 0) return at > pos ? at - pos : (got as number);
    let page = first;
    while (page < last && cache.isUptodate(page)) {
      folioMarkAccessed(m, m.folios.of(inode, page));
      page += 1;
    }
    const upTo = Math.min(end, Math.max(page, first + 1) * PAGE_SIZE);
    m.spend((page - first) * PER_PAGE_NS);
    const copied = copyToUser(m, upTo - at);
    if (copied instanceof Pending) yield copied;
    if (inode.contents !== null) writeUserText(m, buffer + (at - pos), inode.contents(m).slice(at, upTo));
    file.readahead.previous = Math.floor((upTo - 1) / PAGE_SIZE);
    at = upTo;
  }
  return end - pos;
};

/** Drives a generator whose steps run in the frame of the caller. */
export function advance(body: Generator<Pending, number, unknown>, value?: unknown): Result {
  const step = body.next(value);
  return step.done === true ? step.value : step.value.then((next: unknown) => advance(body, next));
}

const filemapRead = kernelFunction('filemap_read', 60, (m, iocb: Kiocb, iter: IovIter, _already: number): Result => {
  const end = Math.min(iocb.file.inode.size, iocb.pos + iter.count);
  return end <= iocb.pos ? 0 : advance(readPages(m, iocb, end, iter.buffer));
});
export const genericFileReadIter = kernelFunction(
  'generic_file_read_iter',
  20,
  (m, iocb: Kiocb, iter: IovIter): Result => filemapRead(m, iocb, iter, 0),
);

/** include/linux/fs.h: I_DIRTY_SYNC | I_DIRTY_PAGES. */
const I_DIRTY_PAGES = 4;
const filemapDirtyFolio = kernelFunction('filemap_dirty_folio', 14, (m, mapping: Mapping, folio: Folio): boolean => {
  const isNew = m.fileSystem.cacheOf(mapping.inode).markDirty(folio.index);
  if (isNew) {
    writebackDirtyFolio(m, folio, mapping);
    markInodeDirty(m, mapping.inode, I_DIRTY_PAGES);
  }
  return isNew;
});
const markInodeDirtyFunction = kernelFunction('__mark_inode_dirty', 14, (m, inode: Inode, _flags: number): void => {
  m.fileSystem.dirty.add(inode);
});
export function markInodeDirty(m: Machine, inode: Inode, flags: number): void {
  markInodeDirtyFunction(m, inode, flags);
}

/** Copies user data into pages and marks them dirty; a writer that is too fast for the disk is made to wait. */
export const genericPerformWrite = kernelFunction(
  'generic_perform_write',
  50,
  (m, iocb: Kiocb, iter: IovIter): Result => {
    const { inode } = iocb.file;
    const { mapping } = inode;
    const { operations } = inode.sb;
    const cache = m.fileSystem.cacheOf(inode);
    const end = iocb.pos + iter.count;
    for (let at = iocb.pos; at < end;) {
      const page = Math.floor(at / PAGE_SIZE);
      const length = Math.min(end, (page + 1) * PAGE_SIZE) - at;
      operations?.writeBegin(m, iocb, mapping, at, length);
      if (cache.isAbsent(page)) addFolios(m, mapping, page, 1);
      m.spend(PER_PAGE_NS);
      filemapDirtyFolio(m, mapping, m.folios.of(inode, page));
      operations?.writeEnd(m, iocb, mapping, at, length, length);
      at += length;
    }
    if (end > inode.size) {
      inode.setSize(end);
      inode.metadataDirty = true;
      leave(m, cache);
    }
    const copied = copyToUser(m, iter.count);
    const balance = (): Result => {
      const throttled = balanceDirtyPages(m, mapping);
      return throttled instanceof Pending ? throttled.then(() => iter.count) : iter.count;
    };
    return copied instanceof Pending ? copied.then(balance) : balance();
  },
);

/** Waits for all writes of a file that are under way: 0, or the first error. */
const waitForWrites = function* (m: Machine, inode: Inode): Generator<Pending, number, unknown> {
  let status = 0;
  for (const write of [...m.fileSystem.cacheOf(inode).writes]) {
    let error: unknown = folioWaitBit(m, m.folios.of(inode, 0), write);
    if (error instanceof Pending) error = yield error;
    if (error !== 0) status = error as number;
  }
  return status;
};
const fdatawaitRange = kernelFunction(
  '__filemap_fdatawait_range',
  30,
  (m, mapping: Mapping, _start: number, _end: number): Result => advance(waitForWrites(m, mapping.inode)),
);
/** Writes a file's dirty pages and waits for them. */
export const fileWriteAndWaitRange = kernelFunction(
  'file_write_and_wait_range',
  25,
  (m, file: File, start: number, end: number): Result => {
    const { mapping } = file.inode;
    const cache = m.fileSystem.cacheOf(file.inode);
    if (cache.dirtyPages > 0) writeMapping(m, mapping, { address: m.scratch, sync: true, reason: WB_REASON_SYNC });
    return cache.writes.size === 0 ? 0 : fdatawaitRange(m, mapping, start, end);
  },
);

/** Pages of a file that is cut or deleted. */
export const truncateInodePages = kernelFunction(
  'truncate_inode_pages_range',
  30,
  (m, mapping: Mapping, start: number, _end: number): void => {
    const { inode } = mapping;
    const dropped = inode.cache?.truncate(Math.ceil(start / PAGE_SIZE)) ?? 0;
    m.spend(dropped * PER_PAGE_NS);
    if (inode.cache?.dirtyPages === 0) m.fileSystem.dirty.delete(inode);
  },
);
