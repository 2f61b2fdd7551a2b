import { inlined, kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { Disk } from '../../block/disk.ts';
import type { Inode, Mapping, SuperBlock } from '../../fs/file.ts';
import type { WritebackControl } from '../../fs/operations.ts';
import type { PageIo } from '../../fs/page-cache.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import {
  bdiName,
  writebackExec,
  writebackPagesWritten,
  writebackQueue,
  writebackStart,
  writebackWritten,
} from '../../tracepoints/writeback.ts';
import type { Flusher, WritebackWork } from '../../tracepoints/writeback.ts';
import { msleep } from '../kernel/sleep.ts';
import { ANY_CPU, createDelayedWork, createWork, queueDelayedWork, queueWorkOn } from '../kernel/workqueue.ts';
import type { DelayedWork, Work } from '../kernel/workqueue.ts';

/** dirty_writeback_centisecs = 500, here shorter so that a 10-second run sees several. */
const WRITEBACK_INTERVAL_NS = 1_500_000_000;
/** vm.dirty_background_ratio and vm.dirty_ratio, of the memory that can be dirtied. */
const BACKGROUND_RATIO = 0.1;
const DIRTY_RATIO = 0.2;
const THROTTLE_MS = 20;
/** enum wb_reason. */
const WB_REASON_BACKGROUND = 0;
export const WB_REASON_VMSCAN = 1;
export const WB_REASON_SYNC = 2;
const WB_REASON_PERIODIC = 3;
const FLUSHER_BYTES = 1024;

/** struct bdi_writeback: who writes a disk's dirty pages, and what it has been asked for. */
interface BdiWriteback extends Flusher {
  readonly disk: Disk;
  readonly work: Work;
  readonly periodic: DelayedWork;
  readonly queue: WritebackWork[];
}

const writebackSingleInode = kernelFunction(
  '__writeback_single_inode',
  120,
  (m, inode: Inode, wbc: WritebackControl): number => {
    // The functions of the file system and these need each other: the flush goes through the inode's own operations.
    doWritepages(m, inode.mapping, wbc);
    return 0;
  },
);
const doWritepages = kernelFunction('do_writepages', 15, (m, mapping: Mapping, wbc: WritebackControl): PageIo =>
  mapping.inode.sb.operations!.writepages(m, mapping, wbc),
);
/** Sends a file's dirty pages to its disk. */
export function writeMapping(m: Machine, mapping: Mapping, wbc: WritebackControl): PageIo {
  return doWritepages(m, mapping, wbc);
}

const writebackSbInodes = kernelFunction(
  'writeback_sb_inodes',
  90,
  (m, sb: SuperBlock, _wb: KernelObject, work: WritebackWork): number => {
    let written = 0;
    for (const inode of [...m.fileSystem.dirty]) {
      if (inode.sb !== sb || inode.cache === null || inode.cache.dirtyPages === 0) continue;
      written += inode.cache.dirtyPages;
      writebackSingleInode(m, inode, { address: m.scratch, sync: work.sync, reason: work.reason });
    }
    return written;
  },
);
const innerWritebackInodesWb = kernelFunction(
  '__writeback_inodes_wb',
  30,
  (m, wb: BdiWriteback, work: WritebackWork): number => {
    let written = 0;
    for (const sb of m.fileSystem.superBlocks) if (sb.disk === wb.disk) written += writebackSbInodes(m, sb, wb, work);
    return written;
  },
);
const wbWriteback = kernelFunction('wb_writeback', 60, (m, wb: BdiWriteback, work: WritebackWork): number => {
  writebackStart(m, wb, work);
  const written = innerWritebackInodesWb(m, wb, work);
  work.pages -= written;
  writebackWritten(m, wb, work);
  return written;
});
const wbDoWriteback = inlined(25, (m, wb: BdiWriteback): number => {
  let written = 0;
  for (let work = wb.queue.shift(); work !== undefined; work = wb.queue.shift()) {
    writebackExec(m, wb, work);
    written += wbWriteback(m, wb, work);
  }
  return written;
});
const wbWorkfn = kernelFunction('wb_workfn', 40, (m, work: Work): void => {
  const wb = m.flushers.find((each) => each.work === work || each.periodic === work);
  if (wb === undefined) return;
  if (work === wb.periodic) {
    ask(m, wb, WB_REASON_PERIODIC);
    queueDelayedWork(m, wb.periodic, WRITEBACK_INTERVAL_NS);
  }
  writebackPagesWritten(m, wbDoWriteback(m, wb));
});

/** Dirty pages of the files on a disk. */
function dirtyPagesOn(m: Machine, disk: Disk): number {
  let pages = 0;
  for (const inode of m.fileSystem.dirty) if (inode.sb.disk === disk) pages += inode.cache?.dirtyPages ?? 0;
  return pages;
}
const wbQueueWork = kernelFunction('wb_queue_work', 25, (m, wb: BdiWriteback, work: WritebackWork): void => {
  writebackQueue(m, wb, work);
  wb.queue.push(work);
  // The periodic work does what it has just queued itself.
  if (work.reason !== WB_REASON_PERIODIC) queueWorkOn(m, ANY_CPU, m.workqueues.unbound, wb.work);
});
function ask(m: Machine, wb: BdiWriteback, reason: number): void {
  const dirty = dirtyPagesOn(m, wb.disk);
  // get_nr_dirty_pages(): the inodes in memory count as well, since each may have to be written.
  const pages = dirty + m.fileSystem.inodes;
  if (dirty === 0 || wb.queue.some((work) => work.reason === reason)) return;
  wbQueueWork(m, wb, {
    address: wb.address,
    pages,
    reason,
    device: 0,
    sync: reason === WB_REASON_SYNC,
    forKupdate: reason === WB_REASON_PERIODIC,
    forBackground: reason === WB_REASON_BACKGROUND,
  });
}
/** Wakes the flushers of all disks. */
export const wakeupFlusherThreads = kernelFunction('wakeup_flusher_threads', 30, (m, reason: number): void => {
  for (const wb of m.flushers) ask(m, wb, reason);
});
/** Writes a file system's dirty files by its disk's flusher. */
export const writebackInodesSb = kernelFunction(
  'writeback_inodes_sb',
  20,
  (m, sb: SuperBlock, reason: number): void => {
    const wb = m.flushers.find(({ disk }) => disk === sb.disk);
    if (wb !== undefined) ask(m, wb, reason);
  },
);

/** Starts periodic writeback of a disk by a kworker. */
export function startFlusher(m: Machine, disk: Disk): void {
  const wb: BdiWriteback = {
    address: m.arena.allocate(FLUSHER_BYTES),
    bdiName: bdiName(disk.device),
    disk,
    work: createWork(m, wbWorkfn),
    periodic: createDelayedWork(m, m.workqueues.unbound, ANY_CPU, wbWorkfn),
    queue: [],
  };
  m.flushers.push(wb);
  queueDelayedWork(m, wb.periodic, WRITEBACK_INTERVAL_NS);
}

/** Sleeps until the disk has caught up. */
const balanceDirtyPagesFunction = sleepingFunction(
  'balance_dirty_pages',
  60,
  function* (m, _wb: KernelObject, _dirtied: number, _flags: number) {
    while (m.zone.dirtyPages + m.zone.writebackPages > DIRTY_RATIO * m.zone.dirtyable) {
      wakeupFlusherThreads(m, WB_REASON_BACKGROUND);
      const slept = msleep(m, THROTTLE_MS);
      if (slept instanceof Pending) yield slept;
    }
    return 0;
  },
);
const balanceDirtyPagesRatelimited = kernelFunction(
  'balance_dirty_pages_ratelimited_flags',
  12,
  (m, mapping: Mapping, _flags: number): Result => {
    const { zone } = m;
    const waiting = zone.dirtyPages + zone.writebackPages;
    if (waiting > BACKGROUND_RATIO * zone.dirtyable) wakeupFlusherThreads(m, WB_REASON_BACKGROUND);
    return waiting > DIRTY_RATIO * zone.dirtyable ? balanceDirtyPagesFunction(m, mapping, 1, 0) : 0;
  },
);
/** What every writer does after a write: the flusher is woken above one limit, and above another the writer waits. */
export function balanceDirtyPages(m: Machine, mapping: Mapping): Result {
  return balanceDirtyPagesRatelimited(m, mapping, 0);
}
export type { BdiWriteback };
