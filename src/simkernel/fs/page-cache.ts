import type { Task } from '../tasks/task.ts';

export const PAGE_SIZE = 4096;
const STRETCH_PAGES = 32;
const ABSENT = 0;
const READING = 1;
const UPTODATE = 2;
const DIRTY = 3;

/** A read of pages under way: who waits for it. */
export interface PageRead {
  done: boolean;
  readonly waiters: Task[];
}

/** Pages of a file in memory, by state; the machine does not keep the bytes of ordinary files. */
export class PageCache {
  private states: Uint8Array;
  readonly reads = new Map<number, PageRead>();
  dirtyPages = 0;
  /** All that take memory: being read, read, or dirty. */
  cachedPages = 0;

  /** Neighbours share their fate at the start: `isWarm` decides about stretches of 32 pages. */
  constructor(pages: number, isWarm: (stretch: number) => boolean) {
    this.states = new Uint8Array(Math.max(pages, 16));
    for (let page = 0; page < pages; page += STRETCH_PAGES) {
      if (!isWarm(page / STRETCH_PAGES)) continue;
      const end = Math.min(pages, page + STRETCH_PAGES);
      this.states.fill(UPTODATE, page, end);
      this.cachedPages += end - page;
    }
  }
  isUptodate(page: number): boolean {
    return this.states[page]! >= UPTODATE;
  }
  isAbsent(page: number): boolean {
    return (this.states[page] ?? ABSENT) === ABSENT;
  }
  startRead(first: number, count: number, read: PageRead): void {
    for (let page = first; page < first + count; page += 1) {
      if (this.states[page] === ABSENT) this.cachedPages += 1;
      this.states[page] = READING;
      this.reads.set(page, read);
    }
  }
  endRead(first: number, count: number): void {
    for (let page = first; page < first + count; page += 1) {
      this.states[page] = UPTODATE;
      this.reads.delete(page);
    }
  }
  markDirty(page: number): void {
    if (page >= this.states.length) {
      const larger = new Uint8Array(2 * page);
      larger.set(this.states);
      this.states = larger;
    }
    if (this.states[page] === ABSENT) this.cachedPages += 1;
    if (this.states[page] !== DIRTY) this.dirtyPages += 1;
    this.states[page] = DIRTY;
  }
  /** Takes the next run of dirty pages for writing, at most `limit` long. */
  takeDirty(limit: number): { first: number; count: number } | undefined {
    if (this.dirtyPages === 0) return undefined;
    const first = this.states.indexOf(DIRTY);
    let count = 0;
    while (count < limit && this.states[first + count] === DIRTY) {
      this.states[first + count] = UPTODATE;
      count += 1;
    }
    this.dirtyPages -= count;
    return { first, count };
  }
}
