import { REQ_OP_READ, REQ_OP_WRITE, SECTORS_PER_PAGE } from '../../block/flags.ts';
import { createBio } from '../../block/request.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import type { Folio } from '../../fs/folios.ts';
import type { PageIo } from '../../fs/page-cache.ts';
import type { Machine } from '../../machine.ts';
import type { AnonymousPage } from '../../memory/reclaim.ts';
import { PTE_SWAPPED } from '../../tasks/address-space.ts';
import { mmVmscanWriteFolio } from '../../tracepoints/vmscan.ts';
import { submitBio } from '../block/block.ts';
import { folioWaitBit } from './folio-wait.ts';
import { wakeUpProcess } from '../kernel/sched.ts';
import { PAGE_SIZE } from '../../memory/sizes.ts';

/** The swap partition lies at the end of the first disk. */
const SWAP_SECTOR = 1_600_000_000;
/** include/linux/blk_types.h: REQ_SWAP. */
const REQ_SWAP = 1 << 23;

/** Slots are handed out one after the other, so that what goes out together lies together. */
function nextSector(m: Machine): number {
  return SWAP_SECTOR + (m.zone.nextSwapSlot() % Math.max(1, m.zone.swapSlots)) * SECTORS_PER_PAGE;
}

const innerSwapWritepage = kernelFunction('__swap_writepage', 60, (m, folio: Folio, _plug: null): void => {
  const { reclaim, zone } = m;
  const [disk] = m.disks;
  if (disk === undefined) return;
  mmVmscanWriteFolio(m, folio);
  reclaim.swapWrites += 1;
  submitBio(
    m,
    createBio(m, disk, REQ_OP_WRITE | REQ_SWAP, nextSector(m), PAGE_SIZE, () => {
      reclaim.swapWrites -= 1;
      // Only now is the frame free.
      zone.anonymousPages -= 1;
      for (const task of reclaim.waiters.splice(0)) wakeUpProcess(m, task);
    }),
  );
});
const swapWriteoutFunction = kernelFunction('swap_writeout', 40, (m, folio: Folio, plug: null): number => {
  innerSwapWritepage(m, folio, plug);
  return 0;
});
/** Takes a page from its process and sends it to the swap area. */
export function swapWriteout(m: Machine, { mm, mapping, page }: AnonymousPage): void {
  mm.ptesOf(mapping)[page] = PTE_SWAPPED;
  mm.residentAnonymous -= 1;
  mm.swapped += 1;
  m.zone.swapUsed += 1;
  swapWriteoutFunction(m, m.folios.page(mapping.start / PAGE_SIZE + page), null);
}

/** Reads a page back; the result is 0 when it is there. */
const swapReadFolio = kernelFunction('swap_read_folio', 70, (m, _folio: Folio, _plug: null): PageIo => {
  const read: PageIo = { done: false, error: 0, waiters: [] };
  const [disk] = m.disks;
  if (disk === undefined) return read;
  submitBio(
    m,
    createBio(m, disk, REQ_OP_READ | REQ_SWAP, nextSector(m), PAGE_SIZE, (_m, { error }) => {
      read.done = true;
      read.error = error;
      for (const task of read.waiters.splice(0)) wakeUpProcess(m, task);
    }),
  );
  return read;
});
/** swapin_readahead: the page, and a wait for it. */
export const swapinReadahead = kernelFunction('swapin_readahead', 60, (m, folio: Folio): Result => {
  const read = swapReadFolio(m, folio, null);
  return folioWaitBit(m, folio, read);
});
