/** malloc.c: a chunk's header, the least chunk, and what they are rounded to. */
const HEADER = 16;
const SIZE_FIELD = 8;
const LEAST = 32;
const ALIGNMENT = 16;

const chunkSize = (bytes: number): number => Math.max(LEAST, (bytes + SIZE_FIELD + ALIGNMENT - 1) & ~(ALIGNMENT - 1));

/** The C library's heap of a process: chunks that are handed out again, last freed first, before new ones are cut (tcache). */
export class UserHeap {
  private readonly grow: (bytes: number) => number;
  /** Freed chunks by their size. */
  private readonly bins = new Map<number, number[]>();
  /** Sizes of those in use, by the pointers that programs have. */
  private readonly inUse = new Map<number, number>();

  constructor(grow: (bytes: number) => number) {
    this.grow = grow;
  }
  take(bytes: number, alignment = ALIGNMENT): number {
    const size = chunkSize(bytes + (alignment > ALIGNMENT ? alignment : 0));
    const pointer = this.bins.get(size)?.pop() ?? this.grow(size) + HEADER;
    this.inUse.set(pointer, size);
    return pointer;
  }
  /** False for what is no chunk in use. */
  give(pointer: number): boolean {
    const size = this.inUse.get(pointer);
    if (size === undefined) return false;
    this.inUse.delete(pointer);
    const bin = this.bins.get(size);
    if (bin === undefined) this.bins.set(size, [pointer]);
    else bin.push(pointer);
    return true;
  }
  /** malloc_usable_size() */
  usable(pointer: number): number {
    return (this.inUse.get(pointer) ?? SIZE_FIELD) - SIZE_FIELD;
  }
  /** What fork() leaves to the child: the same chunks at the same addresses. */
  copyFrom(parent: UserHeap): void {
    for (const [size, pointers] of parent.bins) this.bins.set(size, [...pointers]);
    for (const [pointer, size] of parent.inUse) this.inUse.set(pointer, size);
  }
}
