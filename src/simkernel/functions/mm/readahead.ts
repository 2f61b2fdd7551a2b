import { kernelFunction } from '../../execution/kernel-function.ts';
import type { File } from '../../fs/file.ts';
import type { Readahead } from '../../fs/operations.ts';
import type { Machine } from '../../machine.ts';
import { mmFilemapAddToPageCache } from '../../tracepoints/filemap.ts';
import type { Folio } from '../../fs/folios.ts';
import type { Mapping } from '../../fs/file.ts';
import { blkFinishPlug, blkStartPlug } from '../block/block.ts';
import { GFP_READAHEAD } from './gfp.ts';
import { allocPage } from './page-alloc.ts';
import { PAGE_SIZE } from '../../memory/sizes.ts';

/** read_ahead_kb = 128. */
const RA_MAX_PAGES = 32;
/** A reader that asks for more than this in one go gets it in pieces of this. */
const IO_PAGES = 256;

const filemapAddFolio = kernelFunction(
  'filemap_add_folio',
  12,
  (m, _mapping: Mapping, folio: Folio, _index: number, _gfp: number): number => {
    mmFilemapAddToPageCache(m, folio);
    return 0;
  },
);
/** Page frames for pages of a file, put into its page cache; their states are the caller's. */
export function addFolios(m: Machine, mapping: Mapping, first: number, count: number): void {
  for (let index = first; index < first + count; index += 1) {
    allocPage(m, GFP_READAHEAD);
    filemapAddFolio(m, mapping, m.folios.of(mapping.inode, index), index, GFP_READAHEAD);
  }
}

/** Reads what is not there yet of a range: the file system sends bios, gathered in a plug. */
const pageCacheRaUnbounded = kernelFunction(
  'page_cache_ra_unbounded',
  35,
  (m, rac: Readahead, _nr: number, _lookahead: number): void => {
    const { inode, first, count } = rac;
    const cache = m.fileSystem.cacheOf(inode);
    const plug = blkStartPlug(m);
    for (let at = first; at < first + count; at += 1) {
      let end = at;
      while (end < first + count && cache.isAbsent(end) && end - at < IO_PAGES) end += 1;
      if (end === at) continue;
      addFolios(m, inode.mapping, at, end - at);
      inode.sb.operations?.readahead(m, { ...rac, first: at, count: end - at });
      at = end - 1;
    }
    blkFinishPlug(m, plug);
  },
);
const pageCacheRaOrder = kernelFunction('page_cache_ra_order', 20, (m, rac: Readahead, _ra: File): void =>
  pageCacheRaUnbounded(m, rac, rac.count, 0),
);
const forcePageCacheRa = kernelFunction('force_page_cache_ra', 20, (m, rac: Readahead, nr: number): void =>
  pageCacheRaUnbounded(m, rac, nr, 0),
);

/** get_init_ra_size: the power of two at or above the request, times four for small ones. */
function initialWindow(pages: number): number {
  const rounded = 2 ** Math.ceil(Math.log2(pages));
  if (rounded <= RA_MAX_PAGES / 32) return rounded * 4;
  return rounded <= RA_MAX_PAGES / 4 ? rounded * 2 : RA_MAX_PAGES;
}
/** get_next_ra_size */
function nextWindow(pages: number): number {
  if (pages < RA_MAX_PAGES / 16) return pages * 4;
  return pages <= RA_MAX_PAGES / 2 ? pages * 2 : RA_MAX_PAGES;
}
/** What lies inside the file. */
function clip(rac: Readahead, first: number, count: number, isAhead: boolean): Readahead {
  const end = Math.ceil(rac.inode.size / PAGE_SIZE);
  return { address: rac.address, inode: rac.inode, first, count: Math.max(0, Math.min(count, end - first)), isAhead };
}

/** A page is not there: reads what was asked for, and more when the reader seems to be sequential. */
export const pageCacheSyncRa = kernelFunction('page_cache_sync_ra', 40, (m, rac: Readahead, file: File): void => {
  const { readahead: ra } = file;
  const { first: index, count } = rac;
  const isSequential = index === 0 || index === ra.previous + 1 || index === ra.previous;
  if (!isSequential && count <= RA_MAX_PAGES) {
    // A small random read: exactly what was asked for.
    ra.size = 0;
    forcePageCacheRa(m, clip(rac, index, count, false), count);
    return;
  }
  ra.start = index;
  ra.size = Math.max(initialWindow(count), Math.min(count, IO_PAGES));
  ra.asyncSize = ra.size > count ? ra.size - count : ra.size;
  pageCacheRaOrder(m, clip(rac, ra.start, ra.size, false), file);
});

/** The reader has reached the mark in the window: the next one is sent for before it is needed. */
const pageCacheAsyncRa = kernelFunction(
  'page_cache_async_ra',
  30,
  (m, rac: Readahead & { readonly file: File }, _folio: Folio, _count: number): void => {
    const { file } = rac;
    const { readahead: ra } = file;
    ra.start += ra.size;
    ra.size = nextWindow(ra.size);
    ra.asyncSize = ra.size;
    pageCacheRaOrder(m, clip(rac, ra.start, ra.size, true), file);
  },
);
/** Looks for the mark among pages that are being read. */
export function readaheadMark(m: Machine, rac: Readahead, file: File): void {
  const { start, size, asyncSize } = file.readahead;
  const mark = start + size - asyncSize;
  if (size > 0 && mark >= rac.first && mark < rac.first + rac.count) {
    pageCacheAsyncRa(m, { ...rac, file }, m.folios.of(rac.inode, mark), rac.count);
  }
}
