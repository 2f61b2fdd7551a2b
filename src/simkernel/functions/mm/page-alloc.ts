import { inlined, kernelFunction } from '../../execution/kernel-function.ts';
import type { Folio } from '../../fs/folios.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { mmPageAlloc, mmPageFree } from '../../tracepoints/kmem.ts';
import { GFP_DIRECT_RECLAIM } from './gfp.ts';
import { tryToFreePages, wakeupKswapd } from './vmscan.ts';
import { ZONE_NORMAL } from '../../memory/zone.ts';

/** mm/page_alloc.c */
const getPageFromFreelist = kernelFunction(
  'get_page_from_freelist',
  35,
  (m, _gfp: number, _order: number, _flags: number, _context: null): Folio => m.folios.page(m.zone.frame()),
);
const allocPagesSlowpath = inlined(60, (m, gfp: number, order: number): void => {
  const { zone } = m;
  wakeupKswapd(m, zone, gfp, order, ZONE_NORMAL);
  if ((gfp & GFP_DIRECT_RECLAIM) !== 0 && zone.free <= zone.watermarks.min) tryToFreePages(m, zone, order, gfp, null);
});
const allocFrozenPages = kernelFunction(
  '__alloc_frozen_pages_noprof',
  40,
  (m, gfp: number, order: number, _node: number, _mask: null): Folio => {
    const { zone } = m;
    if (zone.free <= zone.watermarks.low) allocPagesSlowpath(m, gfp, order);
    const page = getPageFromFreelist(m, gfp, order, 0, null);
    mmPageAlloc(m, page, order, gfp, MIGRATE_MOVABLE);
    return page;
  },
);
const MIGRATE_MOVABLE = 1;

/** A page frame for a file or a process; reclaim makes room first when there is little left. The caller counts it. */
export function allocPage(m: Machine, gfp: number): Folio {
  return allocFrozenPages(m, gfp, 0, 0, null);
}

const freeUnrefFolios = kernelFunction(
  'free_unref_folios',
  25,
  (m, batch: KernelObject & { readonly pages: number }): void => {
    for (let i = 0; i < batch.pages; i += 1) mmPageFree(m, m.folios.page(m.zone.freedFrame()), 0);
  },
);
/** Gives pages back, in batches as a folio_batch holds them. */
export function freePages(m: Machine, pages: number): void {
  for (let left = pages; left > 0; left -= BATCH) {
    freeUnrefFolios(m, { address: m.scratch, pages: Math.min(left, BATCH) });
  }
}
const BATCH = 31;
