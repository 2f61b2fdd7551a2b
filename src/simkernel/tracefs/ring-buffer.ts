import type { TraceEvent } from './event.ts';
import { KIB_PER_PAGE } from '../memory/sizes.ts';

/** One record in a CPU's buffer. */
export interface TraceEntry {
  readonly timeNs: number;
  readonly cpu: number;
  readonly pid: number;
  readonly event: TraceEvent;
  /** The record as programs see it, from common_type on. */
  readonly data: Uint8Array;
}

/** Of a page, what is left behind its header (events/header_page). */
const PAGE_DATA = 4080;
const EVENT_HEADER = 4;
/** A record longer than this says its length in a word of its own (RINGBUF_TYPE_DATA_TYPE_LEN_MAX words). */
const LONGEST_SHORT = 28 * 4;

interface Page {
  readonly entries: TraceEntry[];
  used: number;
}

function sizeInBuffer(data: Uint8Array): number {
  const length = (data.length + 3) & ~3;
  return EVENT_HEADER + (length > LONGEST_SHORT ? EVENT_HEADER : 0) + length;
}

/** A CPU's ring of pages: when it is full, a whole page of the oldest records makes room and counts as overrun. */
export class TraceRing {
  private pages: Page[] = [];
  private limit: number;
  overrun = 0;
  /** Records for which there was no room while old ones were to stay. */
  dropped = 0;
  /** Read through trace_pipe. */
  readEvents = 0;
  /** The option `overwrite`. */
  overwrites: boolean;

  constructor(kilobytes: number, overwrites = true) {
    this.limit = pagesOf(kilobytes);
    this.overwrites = overwrites;
  }
  resize(kilobytes: number): void {
    this.limit = pagesOf(kilobytes);
    while (this.pages.length > this.limit) this.dropPage();
  }
  write(entry: TraceEntry): void {
    const size = sizeInBuffer(entry.data);
    let page = this.pages.at(-1);
    if (page === undefined || page.used + size > PAGE_DATA) {
      if (this.pages.length >= this.limit) {
        if (!this.overwrites) {
          this.dropped += 1;
          return;
        }
        this.dropPage();
      }
      this.pages.push((page = { entries: [], used: 0 }));
    }
    page.entries.push(entry);
    page.used += size;
  }
  private dropPage(): void {
    this.overrun += this.pages.shift()?.entries.length ?? 0;
  }
  clear(): void {
    this.pages = [];
    this.overrun = 0;
    this.dropped = 0;
    this.readEvents = 0;
  }
  get entries(): readonly TraceEntry[] {
    return this.pages.flatMap(({ entries }) => entries);
  }
  get count(): number {
    return this.pages.reduce((sum, { entries }) => sum + entries.length, 0);
  }
  get bytes(): number {
    return this.pages.reduce((sum, { used }) => sum + used, 0);
  }
  oldest(): TraceEntry | undefined {
    return this.pages[0]?.entries[0];
  }
  /** Takes the oldest record out. */
  consume(): TraceEntry | undefined {
    const [page] = this.pages;
    const entry = page?.entries.shift();
    if (page === undefined || entry === undefined) return undefined;
    page.used -= sizeInBuffer(entry.data);
    if (page.entries.length === 0) this.pages.shift();
    this.readEvents += 1;
    return entry;
  }
}
/** The records of several rings in the order of their times. */
export function recordsOf(rings: readonly TraceRing[]): readonly TraceEntry[] {
  return rings.flatMap(({ entries }) => entries).sort((a, b) => a.timeNs - b.timeNs || a.cpu - b.cpu);
}
/** One page is always the reader's; there are two at least. */
function pagesOf(kilobytes: number): number {
  return Math.max(2, Math.floor(kilobytes / KIB_PER_PAGE));
}
