import { KIB, KIB_PER_PAGE, PAGE_SIZE } from './sizes.ts';
import type { KernelObject } from './arena.ts';

/** What the kernel calls the machine's one zone, and no node in particular. */
export const ZONE_NORMAL = 2;
export const NUMA_NO_NODE = -1;

/** Page frames of the machine's one zone, counted: who has how many. Bytes of pages are kept only where somebody reads them. */
export class Zone implements KernelObject {
  readonly address: number;
  /** Frames that the allocator may hand out. */
  readonly managed: number;
  /** Frames of everything that is no page of a file or of a process: kernel objects, stacks, what was there at boot. */
  private readonly kernelPages: () => number;
  filePages = 0;
  /** Pages of disks themselves, with metadata of their file systems. */
  bufferPages = 0;
  dirtyPages = 0;
  /** On their way to the disk. */
  writebackPages = 0;
  /** Pages of processes that no file backs. */
  anonymousPages = 0;
  /** Slots of the swap area, all and used ones. */
  readonly swapSlots: number;
  swapUsed = 0;
  readonly watermarks: { readonly min: number; readonly low: number; readonly high: number };
  private nextFrame = FIRST_FRAME;
  /** Pages that were ever allocated for files and processes, and that were freed again. */
  allocated = 0;
  freed = 0;

  constructor(address: number, bytes: number, swapBytes: number, kernelPages: () => number) {
    this.address = address;
    this.managed = Math.floor(bytes / PAGE_SIZE);
    this.kernelPages = kernelPages;
    this.swapSlots = Math.floor(swapBytes / PAGE_SIZE);
    // mm/page_alloc.c: min_free_kbytes = 4 * sqrt(lowmem_kbytes); low and high lie a quarter of it above each other.
    const min = Math.floor((4 * Math.sqrt(bytes / KIB)) / KIB_PER_PAGE);
    const gap = Math.max(min >> 2, Math.floor(this.managed / 1000));
    this.watermarks = { min, low: min + gap, high: min + 2 * gap };
  }
  get free(): number {
    return this.managed - this.filePages - this.bufferPages - this.anonymousPages - this.kernelPages();
  }
  nextSwapSlot(): number {
    this.swapSlot += 1;
    return this.swapSlot;
  }
  private swapSlot = 0;
  /** What may be dirtied at all: free pages and pages of files. */
  get dirtyable(): number {
    return Math.max(0, this.free) + this.filePages;
  }
  /** A page frame number that looks like one: frames are handed out one after the other. */
  frame(): number {
    this.allocated += 1;
    this.nextFrame = FIRST_FRAME + ((this.nextFrame - FIRST_FRAME + FRAME_STRIDE) % this.managed);
    return this.nextFrame;
  }
  /** The frame of a page that was just given back. */
  freedFrame(): number {
    this.freed += 1;
    return FIRST_FRAME + ((this.freed * FRAME_STRIDE) % this.managed);
  }
}
/** The first 16 MiB are left to devices. */
const FIRST_FRAME = 4096;
/** The free lists of a machine that has run for a while are shuffled. */
const FRAME_STRIDE = 7919;
