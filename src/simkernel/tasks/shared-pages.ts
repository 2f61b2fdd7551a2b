/** A page frame that several processes map since a fork: none of them may write to it. */
export interface SharedFrame {
  users: number;
}

/** The pages of one mapping that lie in such frames, by number. */
export class SharedPages {
  private readonly frames = new Map<number, SharedFrame>();

  get count(): number {
    return this.frames.size;
  }
  has(page: number): boolean {
    return this.frames.has(page);
  }
  /** How many processes the frame of a page has. */
  users(page: number): number {
    return this.frames.get(page)?.users ?? 1;
  }
  /** Lets the same page of another mapping have the frame too. */
  share(page: number, other: SharedPages): void {
    let frame = this.frames.get(page);
    if (frame === undefined) this.frames.set(page, (frame = { users: 1 }));
    frame.users += 1;
    other.frames.set(page, frame);
  }
  /** This page is in a frame of its own from now on, or gone; false when the frame was nobody else's any more. */
  leave(page: number): boolean {
    const frame = this.frames.get(page);
    if (frame === undefined) return false;
    this.frames.delete(page);
    frame.users -= 1;
    return frame.users > 0;
  }
  /** All pages from `first` on become those of another mapping, which begins there. */
  moveFrom(first: number, to: SharedPages): void {
    for (const [page, frame] of this.frames) {
      if (page < first) continue;
      this.frames.delete(page);
      to.frames.set(page - first, frame);
    }
  }
  /** How many of the pages, which all go, are in frames that live on. */
  leaveAll(): number {
    let kept = 0;
    for (const page of [...this.frames.keys()]) if (this.leave(page)) kept += 1;
    return kept;
  }
}
