import type { HandOver } from '../execution/hand-over.ts';
import type { Zone } from '../memory/zone.ts';
import type { Task } from '../tasks/task.ts';

const STRETCH_PAGES = 32;
const ABSENT = 0;
const READING = 1;
const UPTODATE = 2;
const DIRTY = 3;
const STATE = 3;
/** Used since reclaim last came by. */
const REFERENCED = 4;

/** A transfer of pages under way: who waits for it, and how it ended. */
export interface PageIo {
  done: boolean;
  error: number;
  readonly waiters: Task[];
}

/** Pages of a file in memory, by state; the machine does not keep the bytes of ordinary files. */
export class PageCache implements HandOver {
  /** When pages last became readable, or the file longer. */
  leftAt = 0;
  private states: Uint8Array;
  readonly reads = new Map<number, PageIo>();
  /** Writes that are on their way to the disk. */
  readonly writes = new Set<PageIo>();
  private readonly zone: Zone;
  dirtyPages = 0;
  /** All that take memory: being read, read, or dirty. */
  cachedPages = 0;
  /** No page before this one is dirty. */
  private firstDirty = Infinity;
  /** Where reclaim looks next. */
  private hand = 0;

  /** Neighbours share their fate at the start: `isWarm` decides about stretches of 32 pages. */
  constructor(zone: Zone, pages: number, isWarm: (stretch: number) => boolean) {
    this.zone = zone;
    this.states = new Uint8Array(Math.max(pages, 16));
    for (let page = 0; page < pages; page += STRETCH_PAGES) {
      if (!isWarm(page / STRETCH_PAGES)) continue;
      const end = Math.min(pages, page + STRETCH_PAGES);
      this.states.fill(UPTODATE, page, end);
      this.count(end - page);
    }
  }
  private count(pages: number): void {
    this.cachedPages += pages;
    this.zone.filePages += pages;
  }
  isUptodate(page: number): boolean {
    return (this.states[page]! & STATE) >= UPTODATE;
  }
  isAbsent(page: number): boolean {
    return ((this.states[page] ?? ABSENT) & STATE) === ABSENT;
  }
  markReferenced(page: number): void {
    this.states[page]! |= REFERENCED;
  }
  startRead(first: number, count: number, read: PageIo): void {
    this.reserve(first + count);
    for (let page = first; page < first + count; page += 1) {
      if (this.isAbsent(page)) this.count(1);
      this.states[page] = READING;
      this.reads.set(page, read);
    }
  }
  /** The pages are there; after an error they are gone again. */
  endRead(first: number, count: number, error: number): void {
    for (let page = first; page < first + count; page += 1) {
      this.reads.delete(page);
      // Somebody may have overwritten the page meanwhile, or cut it off.
      if ((this.states[page]! & STATE) !== READING) continue;
      this.states[page] = error === 0 ? UPTODATE | REFERENCED : ABSENT;
      if (error !== 0) this.count(-1);
    }
  }
  private reserve(pages: number): void {
    if (pages <= this.states.length) return;
    const larger = new Uint8Array(2 * pages);
    larger.set(this.states);
    this.states = larger;
  }
  /** False when it was dirty before. */
  markDirty(page: number): boolean {
    this.reserve(page + 1);
    if (this.isAbsent(page)) this.count(1);
    const wasDirty = (this.states[page]! & STATE) === DIRTY;
    if (!wasDirty) {
      this.dirtyPages += 1;
      this.zone.dirtyPages += 1;
    }
    this.states[page] = DIRTY | REFERENCED;
    if (page < this.firstDirty) this.firstDirty = page;
    return !wasDirty;
  }
  /** Takes the next run of dirty pages for writing, at most `limit` long. */
  takeDirty(limit: number): { first: number; count: number } | undefined {
    if (this.dirtyPages === 0) return undefined;
    const { states } = this;
    let first = this.firstDirty;
    while ((states[first]! & STATE) !== DIRTY) first += 1;
    let count = 0;
    while (count < limit && first + count < states.length && (states[first + count]! & STATE) === DIRTY) {
      states[first + count] = UPTODATE;
      count += 1;
    }
    this.firstDirty = first + count;
    this.dirtyPages -= count;
    this.zone.dirtyPages -= count;
    return { first, count };
  }
  /** Forgets everything from a page on: the file was cut or is gone. */
  truncate(from: number): number {
    let dropped = 0;
    for (let page = from; page < this.states.length; page += 1) {
      const state = this.states[page]! & STATE;
      if (state === ABSENT) continue;
      if (state === DIRTY) {
        this.dirtyPages -= 1;
        this.zone.dirtyPages -= 1;
      }
      this.states[page] = ABSENT;
      dropped += 1;
    }
    this.count(-dropped);
    return dropped;
  }
  /** One turn of reclaim: clean pages that were not used since the last turn go. Returns what it looked at and what it freed. */
  shrink(scan: number, wanted: number): { scanned: number; freed: number } {
    const { states } = this;
    let freed = 0;
    let scanned = 0;
    for (let seen = 0; seen < states.length && scanned < scan && freed < wanted; seen += 1) {
      const page = this.hand;
      this.hand = (this.hand + 1) % states.length;
      const state = states[page]!;
      if ((state & STATE) === ABSENT) continue;
      scanned += 1;
      if ((state & REFERENCED) !== 0) states[page] = state & STATE;
      else if (state === UPTODATE) {
        states[page] = ABSENT;
        freed += 1;
      }
    }
    this.count(-freed);
    return { scanned, freed };
  }
}
