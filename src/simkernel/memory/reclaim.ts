import type { AddressSpace, Mapping } from '../tasks/address-space.ts';
import type { Task } from '../tasks/task.ts';

/** A page of a process that no file backs, on the list that reclaim takes from. */
export interface AnonymousPage {
  readonly mm: AddressSpace;
  readonly mapping: Mapping;
  readonly page: number;
}

/** What reclaim works on: anonymous pages in the order in which they came, and who waits for memory. */
export class Reclaim {
  /** Oldest first; a queue with a head that moves. */
  private pages: AnonymousPage[] = [];
  private head = 0;
  kswapd: Task | null = null;
  /** kswapd has work. */
  wanted = false;
  /** Pages on their way to the swap area; their frames are not free yet. */
  swapWrites = 0;
  /** Processes that sleep until a frame comes free. */
  readonly waiters: Task[] = [];
  /** Nobody else is killed while this one has not given its memory back. */
  victim: Task | null = null;
  oomKills = 0;

  get length(): number {
    return this.pages.length - this.head;
  }
  add(page: AnonymousPage): void {
    this.pages.push(page);
  }
  take(): AnonymousPage | undefined {
    const page = this.pages[this.head];
    if (page === undefined) return undefined;
    this.head += 1;
    if (this.head > 4096 && this.head * 2 > this.pages.length) {
      this.pages = this.pages.slice(this.head);
      this.head = 0;
    }
    return page;
  }
}
