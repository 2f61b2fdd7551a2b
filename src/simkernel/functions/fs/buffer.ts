import { createBio } from '../../block/request.ts';
import { REQ_META, REQ_OP_READ, REQ_PRIO, SECTORS_PER_PAGE } from '../../block/flags.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { TextSymbol } from '../../execution/text.ts';
import type { Result } from '../../execution/pending.ts';
import type { BlockDevice } from '../../fs/block-device.ts';
import type { SuperBlock } from '../../fs/file.ts';
import type { PageIo } from '../../fs/page-cache.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { submitBio } from '../block/block.ts';
import { waitOnBuffer } from '../mm/folio-wait.ts';
import { GFP_KERNEL } from '../mm/gfp.ts';
import { wakeUpProcess } from '../kernel/sched.ts';
import { addFolios } from '../mm/readahead.ts';
import { diskOf } from '../mm/submit-pages.ts';
import { PAGE_SIZE } from '../../memory/sizes.ts';

/** struct buffer_head: a block of metadata on its way into memory. */
export interface BufferHead extends KernelObject {
  readonly sb: SuperBlock;
  readonly sector: number;
  readonly io: PageIo;
}
const endBufferRead = kernelFunction('end_buffer_read_sync', 20, (m, bh: BufferHead, _uptodate: number): void => {
  bh.io.done = true;
  for (const task of bh.io.waiters.splice(0)) wakeUpProcess(m, task);
});
type EndIo = ((m: Machine, bh: BufferHead, uptodate: number) => void) & { readonly symbol: TextSymbol };
const bhSubmit = kernelFunction('bh_submit', 30, (m, bh: BufferHead, opf: number, endIo: EndIo): void => {
  submitBio(
    m,
    createBio(m, diskOf(bh), opf, bh.sector, PAGE_SIZE, (_m, { error }) => {
      bh.io.error = error;
      endIo(m, bh, error === 0 ? 1 : 0);
    }),
  );
});

/** A block of a disk in the disk's own page cache: new pages have to be read first. */
const bdevGetblk = kernelFunction(
  'bdev_getblk',
  35,
  (m, bdev: KernelObject & { readonly device: BlockDevice }, block: number, _size: number, _gfp: number): boolean => {
    const { device } = bdev;
    if (device.has(block)) return true;
    m.zone.bufferPages += 1;
    addFolios(m, device.inode.mapping, block, 1);
    device.add(block);
    return false;
  },
);
/** Reads a block of metadata that is not in the disk's page cache. */
export function readCachedBlock(m: Machine, sb: SuperBlock, sector: number, submit: (bh: BufferHead) => void): Result {
  const { bdev } = sb;
  if (bdev === null) return 0;
  const block = Math.floor(sector / SECTORS_PER_PAGE);
  const device = { address: diskOf({ sb }).part0.address, device: bdev };
  return bdevGetblk(m, device, block, PAGE_SIZE, GFP_KERNEL) ? 0 : readBlock(m, sb, sector, submit);
}

/** Reads a block of a file system's metadata and waits for it, in the way of the caller's file system. */
export function readBlock(m: Machine, sb: SuperBlock, sector: number, submit: (bh: BufferHead) => void): Result {
  const bh: BufferHead = { address: m.scratch, sb, sector, io: { done: false, error: 0, waiters: [] } };
  submit(bh);
  return waitOnBuffer(m, bh, bh.io);
}
export const submitReadBh = (m: Machine, bh: BufferHead): void =>
  bhSubmit(m, bh, REQ_OP_READ | REQ_META | REQ_PRIO, endBufferRead);
