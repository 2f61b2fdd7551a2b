import type { Image } from '../programs/image.ts';
import { imageSize } from '../programs/image.ts';
import type { Arena, KernelObject } from '../memory/arena.ts';
import { storeNumber, storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';

const VMA = structFields('vm_area_struct', { start: 'vm_start', end: 'vm_end', mm: 'vm_mm' });
export const MM = structFields('mm_struct', { users: 'mm_users', count: 'mm_count' });

/** A range of user addresses backed by a block of guest memory; images have no bytes of their own yet. */
export interface Mapping {
  readonly start: number;
  readonly size: number;
  /** Arena offset, or -1 for text that nobody has looked at. */
  readonly offset: number;
  readonly image: Image | null;
  /** vm_area_struct; made when a fault first needs it. */
  vma: KernelObject | null;
}

const TEXT_BASE = 0x5555_5555_4000;
const HEAP_BASE = 0x5555_55a0_0000;
const LIBRARY_BASE = 0x7fff_f7c0_0000;
const STACK_END = 0x7fff_ffff_f000;
const STACK_SIZE = 32768;
const HEAP_SIZE = 65536;
const PAGE = 4096;

/** struct mm_struct with its mappings: text, heap, libraries, stack. */
export class AddressSpace implements KernelObject {
  readonly address: number;
  readonly mappings: Mapping[] = [];
  readonly stackTop = STACK_END - 256;
  users = 1;
  private readonly arena: Arena;
  private heapNext = HEAP_BASE;
  private heapEnd = HEAP_BASE;
  private readonly strings = new Map<string, number>();

  constructor(arena: Arena, image: Image, libraries: readonly Image[]) {
    this.arena = arena;
    this.address = arena.allocate(MM.size);
    this.mappings.push({ start: TEXT_BASE, size: pages(imageSize(image)), offset: -1, image, vma: null });
    let at = LIBRARY_BASE;
    for (const library of libraries) {
      this.mappings.push({ start: at, size: pages(imageSize(library)), offset: -1, image: library, vma: null });
      at += pages(imageSize(library)) + 16 * PAGE;
    }
    this.mappings.push({
      start: STACK_END - STACK_SIZE,
      size: STACK_SIZE,
      offset: arena.allocate(STACK_SIZE, PAGE),
      image: null,
      vma: null,
    });
  }
  /** Arena offset of `size` mapped bytes at a user address, or -1. */
  find(address: number, size: number): number {
    for (const mapping of this.mappings) {
      if (address >= mapping.start && address + size <= mapping.start + mapping.size) {
        return mapping.offset < 0 ? -1 : mapping.offset + (address - mapping.start);
      }
    }
    return -1;
  }
  /** The mapping that holds an address. */
  mappingAt(address: number): Mapping | undefined {
    return this.mappings.find(({ start, size }) => address >= start && address < start + size);
  }
  vmaOf(mapping: Mapping): KernelObject {
    if (mapping.vma === null) {
      const address = this.arena.allocate(VMA.size);
      storeNumber(this.arena.words, address + VMA.start, mapping.start);
      storeNumber(this.arena.words, address + VMA.end, mapping.start + mapping.size);
      storeWord(this.arena.words, address + VMA.mm, this);
      mapping.vma = { address };
    }
    return mapping.vma;
  }
  /** malloc of the simulated programs. */
  allocate(size: number): number {
    const rounded = (size + 15) & ~15;
    if (this.heapNext + rounded > this.heapEnd) {
      const block = Math.max(HEAP_SIZE, pages(rounded));
      this.heapNext = this.heapEnd;
      this.mappings.push({
        start: this.heapEnd,
        size: block,
        offset: this.arena.allocate(block, PAGE),
        image: null,
        vma: null,
      });
      this.heapEnd += block;
    }
    const at = this.heapNext;
    this.heapNext += rounded;
    return at;
  }
  /** Address of a NUL-terminated constant. */
  string(text: string): number {
    let at = this.strings.get(text);
    if (at === undefined) {
      at = this.allocate(text.length + 1);
      const offset = this.find(at, text.length + 1);
      for (let i = 0; i < text.length; i += 1) this.arena.bytes[offset + i] = text.charCodeAt(i);
      this.strings.set(text, at);
    }
    return at;
  }
  /** Stack and heap: what no file stands behind. */
  anonymousBytes(): number {
    return this.mappings.reduce((sum, { image, size }) => sum + (image === null ? size : 0), 0);
  }
  imageBase(image: Image): number {
    return this.mappings.find((mapping) => mapping.image === image)?.start ?? 0;
  }
  release(): void {
    for (const { offset, size, vma } of this.mappings) {
      if (offset >= 0) this.arena.free(offset, size);
      if (vma !== null) this.arena.free(vma.address, VMA.size);
    }
    this.arena.free(this.address, MM.size);
    this.mappings.length = 0;
  }
}
function pages(size: number): number {
  return Math.ceil(size / PAGE) * PAGE;
}
