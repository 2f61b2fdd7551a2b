import { isRead } from './flags.ts';
import type { Bio, Request } from './request.ts';
import { isBackMergeable } from './request.ts';

/** block/mq-deadline.c: how long reads and writes may wait, and how often reads may overtake writes. */
const READ_EXPIRE_NS = 500_000_000;
const WRITE_EXPIRE_NS = 5_000_000_000;
const WRITES_STARVED = 2;

interface Waiting {
  readonly request: Request;
  readonly deadlineNs: number;
}

/** The mq-deadline elevator: reads before writes, in the order of their sectors, unless one has waited for too long. */
export class DeadlineQueue {
  private readonly reads: Waiting[] = [];
  private readonly writes: Waiting[] = [];
  private starved = 0;
  /** The arm goes upwards from here, then starts again at the lowest sector. */
  private position = 0;

  get size(): number {
    return this.reads.length + this.writes.length;
  }
  insert(request: Request, nowNs: number): void {
    const reads = isRead(request.flags);
    const queue = reads ? this.reads : this.writes;
    queue.push({ request, deadlineNs: nowNs + (reads ? READ_EXPIRE_NS : WRITE_EXPIRE_NS) });
  }
  /** A waiting request that a bio can be added to. */
  mergeable(bio: Bio): Request | undefined {
    const queue = isRead(bio.flags) ? this.reads : this.writes;
    return queue.find(({ request }) => isBackMergeable(request, bio))?.request;
  }
  next(nowNs: number): Request | undefined {
    const { reads, writes } = this;
    const write = writes.length > 0 && (reads.length === 0 || this.starved >= WRITES_STARVED);
    this.starved = write || writes.length === 0 ? 0 : this.starved + 1;
    const queue = write ? writes : reads;
    if (queue.length === 0) return undefined;
    let best = 0;
    // The oldest is first in its queue.
    if (queue[0]!.deadlineNs > nowNs) {
      for (let i = 1; i < queue.length; i += 1) if (this.isBefore(queue[i]!, queue[best]!)) best = i;
    }
    const [chosen] = queue.splice(best, 1);
    this.position = chosen!.request.sector + chosen!.request.bytes / 512;
    return chosen!.request;
  }
  private isBefore(a: Waiting, b: Waiting): boolean {
    const aheadA = a.request.sector >= this.position;
    const aheadB = b.request.sector >= this.position;
    return aheadA === aheadB ? a.request.sector < b.request.sector : aheadA;
  }
}
