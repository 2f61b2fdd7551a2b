import { kernelFunction } from '../execution/kernel-function.ts';
import type { Inode, SuperBlock } from '../fs/file.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { doWritepages } from './ext4.ts';
import { ANY_CPU, createDelayedWork, queueDelayedWork } from './workqueue.ts';
import type { DelayedWork } from './workqueue.ts';

/** dirty_writeback_centisecs = 500, here shorter so that a 10-second run sees several. */
const WRITEBACK_INTERVAL_NS = 1_500_000_000;

const writebackSingleInode = kernelFunction(
  '__writeback_single_inode',
  120,
  (m, inode: Inode, _wbc: KernelObject): number => {
    doWritepages(m, { address: inode.mapping.address, inode }, 0);
    return 0;
  },
);
const writebackSbInodes = kernelFunction(
  'writeback_sb_inodes',
  90,
  (m, sb: SuperBlock, _wb: KernelObject, _work: KernelObject): number => {
    let written = 0;
    for (const inode of m.fileSystem.cached) {
      if (inode.sb !== sb || inode.cache === null || inode.cache.dirtyPages === 0) continue;
      written += inode.cache.dirtyPages;
      writebackSingleInode(m, inode, sb);
    }
    return written;
  },
);
const wbWriteback = kernelFunction('wb_writeback', 60, (m, wb: KernelObject, work: KernelObject): number => {
  let written = 0;
  for (const sb of m.fileSystem.superBlocks) {
    if (sb.disk !== null) written += writebackSbInodes(m, sb, wb, work);
  }
  return written;
});
const wbWorkfn = kernelFunction('wb_workfn', 40, (m, work: DelayedWork): void => {
  wbWriteback(m, work, work);
  queueDelayedWork(m, work, WRITEBACK_INTERVAL_NS);
});

/** Starts periodic writeback by a kworker. */
export function startWriteback(m: Machine): void {
  const work = createDelayedWork(m, m.workqueues.unbound, ANY_CPU, wbWorkfn);
  queueDelayedWork(m, work, WRITEBACK_INTERVAL_NS);
}
