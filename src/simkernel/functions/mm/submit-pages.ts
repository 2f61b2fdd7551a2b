import { createBio } from '../../block/request.ts';
import { REQ_OP_READ, REQ_OP_WRITE, REQ_RAHEAD, REQ_SYNC, SECTORS_PER_PAGE } from '../../block/flags.ts';
import type { Disk } from '../../block/disk.ts';
import type { Inode, Mapping } from '../../fs/file.ts';
import type { Readahead, WritebackControl } from '../../fs/operations.ts';
import type { PageIo } from '../../fs/page-cache.ts';
import type { Machine } from '../../machine.ts';
import { leave } from '../../execution/hand-over.ts';
import { blkFinishPlug, blkStartPlug, submitBio } from '../block/block.ts';
import { folioEndRead, folioEndWriteback } from './folio-wait.ts';
import { PAGE_SIZE } from '../../memory/sizes.ts';
import { bug } from '../../../source/bug.ts';

/** Largest bio that the file systems make. */
const MAX_BIO_PAGES = 256;
const PER_PAGE_NS = 16;
/** Looked up, locked, its block found, its dirty bit cleared in all page tables. */
const WRITE_PER_PAGE_NS = 240;

export function diskOf({ sb }: Pick<Inode, 'sb'>): Disk {
  if (sb.disk === null) bug(`${sb.type} has no disk`);
  return sb.disk;
}

/** Reads pages that have just been put into the page cache. */
export function readPages(m: Machine, { inode, first, count, isAhead }: Readahead): void {
  const cache = m.fileSystem.cacheOf(inode);
  for (let at = first; at < first + count; at += MAX_BIO_PAGES) {
    const pages = Math.min(MAX_BIO_PAGES, first + count - at);
    const read: PageIo = { done: false, error: 0, waiters: [] };
    cache.startRead(at, pages, read);
    m.spend(PER_PAGE_NS * pages);
    const flags = REQ_OP_READ | (isAhead ? REQ_RAHEAD : 0);
    const bio = createBio(
      m,
      diskOf(inode),
      flags,
      inode.sector + at * SECTORS_PER_PAGE,
      pages * PAGE_SIZE,
      (_m, { error }) => {
        read.error = error;
        cache.endRead(at, pages, error);
        leave(m, cache);
        folioEndRead(m, m.folios.of(inode, at), read);
      },
    );
    submitBio(m, bio);
  }
}

/** Writes all dirty pages of a file in bios as long as its runs of dirty pages; the result is over when the last one is on the disk. */
export function writeDirtyPages(m: Machine, { inode }: Mapping, wbc: WritebackControl): PageIo & { pages: number } {
  const cache = m.fileSystem.cacheOf(inode);
  const written: PageIo & { pages: number } = { done: true, error: 0, waiters: [], pages: 0 };
  let left = 0;
  const plug = blkStartPlug(m);
  for (let run = cache.takeDirty(MAX_BIO_PAGES); run !== undefined; run = cache.takeDirty(MAX_BIO_PAGES)) {
    const { first, count } = run;
    m.spend(WRITE_PER_PAGE_NS * count);
    m.zone.writebackPages += count;
    left += 1;
    written.done = false;
    written.pages += count;
    cache.writes.add(written);
    const flags = REQ_OP_WRITE | (wbc.sync ? REQ_SYNC : 0);
    submitBio(
      m,
      createBio(
        m,
        diskOf(inode),
        flags,
        inode.sector + first * SECTORS_PER_PAGE,
        count * PAGE_SIZE,
        (_m, { error }) => {
          left -= 1;
          m.zone.writebackPages -= count;
          if (error !== 0) written.error = error;
          if (left > 0) return;
          cache.writes.delete(written);
          folioEndWriteback(m, m.folios.of(inode, first), written);
        },
      ),
    );
  }
  blkFinishPlug(m, plug);
  m.fileSystem.dirty.delete(inode);
  return written;
}
