import type { File } from '../fs/file.ts';
import type { Image } from '../programs/image.ts';
import { imageSize } from '../programs/image.ts';
import { layoutOf } from '../programs/image-layout.ts';
import type { LoadedAt } from '../programs/image-layout.ts';
import type { ImageTexts } from '../memory/image-texts.ts';
import type { Arena, KernelObject } from '../memory/arena.ts';
import { storeNumber, storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import { ProcessText } from './process-text.ts';
import { SharedPages } from './shared-pages.ts';
import { VM_SHARED, VM_EXEC, VM_READ, VM_WRITE } from './mman.ts';
import { PAGE_SIZE, PAGE_SHIFT } from '../memory/sizes.ts';

const VMA = structFields('vm_area_struct', {
  start: 'vm_start',
  end: 'vm_end',
  mm: 'vm_mm',
  flags: 'vm_flags',
  file: 'vm_file',
  pgoff: 'vm_pgoff',
});
const MM = structFields('mm_struct', { users: 'mm_users', count: 'mm_count', totalVm: 'total_vm' });

/** A range of user addresses backed by a block of guest memory. */
export interface Mapping {
  readonly start: number;
  size: number;
  /** Arena offset, or -1 for text, which `ProcessText` has, and for pages that are only counted. */
  offset: number;
  readonly image: Image | null;
  /** vm_area_struct; made when a fault first needs it. */
  vma: KernelObject | null;
  /** What mmap() was called with; null for what exec put in place. */
  readonly area: Area | null;
  /** By page: PTE_ bits. Made when a page is first touched. */
  ptes: Uint8Array | null;
  /** Pages that a fork has left to both sides, to be copied when one of them writes. */
  readonly shared: SharedPages;
}
/** A mapping made by mmap(): pages of a file, or pages of its own that no file backs. */
export interface Area {
  readonly file: File | null;
  /** Page of the file that the first page shows. */
  readonly pgoff: number;
  protection: number;
  readonly shared: boolean;
}

export const PTE_PRESENT = 1;
export const PTE_ACCESSED = 2;
export const PTE_DIRTY = 4;
/** Written to the swap area: not present, and a fault brings it back. */
export const PTE_SWAPPED = 8;
const VM_MAY = 0x70;

const TEXT_BASE = 0x5555_5555_4000;
const HEAP_BASE = 0x5555_55a0_0000;
const LIBRARY_BASE = 0x7fff_f7c0_0000;
const STACK_END = 0x7fff_ffff_f000;
const STACK_SIZE = 32768;
const STACK_PAGES_IN_USE = 2;
const HEAP_SIZE = 65536;
/** mmap() hands out addresses downwards from below the stack; simulated programs get theirs upwards from here. */
const MMAP_BASE = 0x7fff_8000_0000;
const MMAP_END = LIBRARY_BASE;
/** Behind the heap that malloc of the simulated programs takes. */
const BRK_BASE = 0x5556_0000_0000;
const BRK_LIMIT = 0x5596_0000_0000;

/** struct mm_struct with its mappings: text, heap, libraries, stack. */
export class AddressSpace implements KernelObject {
  readonly address: number;
  readonly mappings: Mapping[] = [];
  readonly stackTop = STACK_END - 256;
  users = 1;
  private readonly arena: Arena;
  private heapNext = HEAP_BASE;
  private heapEnd = HEAP_BASE;
  private mmapNext = MMAP_BASE;
  /** Pages of its own and of files that are in memory, and pages in the swap area. */
  residentAnonymous = 0;
  residentFile = 0;
  swapped = 0;
  private readonly strings = new Map<string, number>();
  /** Place of the stack among the mappings; what comes before it is never unmapped. */
  private readonly stackAt: number;
  readonly text: ProcessText;

  constructor(arena: Arena, texts: ImageTexts, image: Image, libraries: readonly Image[]) {
    this.arena = arena;
    this.text = new ProcessText(arena, texts);
    this.address = arena.allocate(MM.size);
    let at = LIBRARY_BASE;
    const bases = new Map<Image, number>([[image, programBase(image)]]);
    for (const library of libraries) {
      bases.set(library, at);
      at += loadedSize(library) + 16 * PAGE_SIZE;
    }
    const addressOf = (symbol: string): number | undefined => symbolIn(bases, symbol);
    for (const [each, base] of bases) this.load(each, { base, addressOf });
    this.stackAt = this.mappings.length;
    this.add({ start: STACK_END - STACK_SIZE, size: STACK_SIZE, offset: arena.allocate(STACK_SIZE, PAGE_SIZE) });
  }
  /** Maps an image's text and data. */
  private load(image: Image, loaded: LoadedAt): void {
    const layout = layoutOf(image);
    const textBytes = pages(imageSize(image));
    this.add({ start: loaded.base, size: textBytes, image });
    if (layout.dataBytes === 0) return;
    const size = pages(layout.dataBytes);
    const offset = this.arena.allocate(size, PAGE_SIZE);
    layout.storeData(this.arena.view, offset, loaded);
    this.add({ start: loaded.base + textBytes, size, offset });
  }
  private add(parts: Pick<Mapping, 'start' | 'size'> & Partial<Mapping>): Mapping {
    const mapping: Mapping = {
      offset: -1,
      image: null,
      vma: null,
      area: null,
      ptes: null,
      shared: new SharedPages(),
      ...parts,
    };
    this.mappings.push(mapping);
    this.storeTotal();
    return mapping;
  }
  /** total_vm */
  get totalPages(): number {
    return this.mappings.reduce((sum, { size }) => sum + size, 0) / PAGE_SIZE;
  }
  private storeTotal(): void {
    storeNumber(this.arena.words, this.address + MM.totalVm, this.totalPages);
  }
  /** Arena offset of `size` mapped bytes at a user address, or -1. */
  find(address: number, size: number): number {
    for (const mapping of this.mappings) {
      if (address >= mapping.start && address + size <= mapping.start + mapping.size) {
        if (mapping.offset >= 0) return mapping.offset + (address - mapping.start);
        return mapping.image === null ? -1 : this.text.bytesOf(mapping) + (address - mapping.start);
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
      const { words } = this.arena;
      storeNumber(words, address + VMA.start, mapping.start);
      storeNumber(words, address + VMA.end, mapping.start + mapping.size);
      storeWord(words, address + VMA.mm, this);
      storeNumber(words, address + VMA.flags, vmFlags(mapping));
      storeWord(words, address + VMA.file, mapping.area?.file ?? null);
      storeNumber(words, address + VMA.pgoff, mapping.area?.pgoff ?? mapping.start / PAGE_SIZE);
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
      this.add({ start: this.heapEnd, size: block, offset: this.arena.allocate(block, PAGE_SIZE) });
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
  /** Reserves addresses for an area; its pages come when they are touched. Undefined when the addresses are used up. */
  map(size: number, area: Area): Mapping | undefined {
    const rounded = pages(size);
    if (this.mmapNext + rounded > MMAP_END) return undefined;
    const start = this.mmapNext;
    this.mmapNext += rounded + PAGE_SIZE;
    return this.add({ start, size: rounded, area });
  }
  /** The same at given addresses, where nothing is. */
  mapAt(start: number, size: number, area: Area): Mapping {
    return this.add({ start, size: pages(size), area });
  }
  /** Where the text of a file with this name lies. */
  imageNamed(name: string): number | undefined {
    return this.mappings.find(({ image }) => image?.path.endsWith(`/${name}`) === true)?.start;
  }
  /** The page with the code that functions with a uretprobe return to; 0 before there is one. */
  uprobesAt = 0;
  mapUprobes(): number {
    const { start } = this.add({
      start: LIBRARY_BASE - PAGE_SIZE,
      size: PAGE_SIZE,
      offset: this.arena.allocate(PAGE_SIZE, PAGE_SIZE),
    });
    this.uprobesAt = start;
    return start;
  }
  /** Where the heap that brk() grows begins and ends; its pages are only counted. */
  readonly breakStart = BRK_BASE;
  programBreak = BRK_BASE;
  private breakArea: Mapping | null = null;
  /** False when the addresses are used up. */
  growBreak(end: number): boolean {
    const size = pages(end - BRK_BASE);
    if (BRK_BASE + size > BRK_LIMIT) return false;
    this.breakArea ??= this.add({
      start: BRK_BASE,
      size: 0,
      area: { file: null, pgoff: 0, protection: VM_READ | VM_WRITE, shared: false },
    });
    const ptes = new Uint8Array(size / PAGE_SIZE);
    ptes.set(this.breakArea.ptes ?? []);
    this.moveContents(this.breakArea, size);
    this.breakArea.ptes = ptes;
    this.breakArea.size = size;
    this.programBreak = end;
    this.storeTotal();
    return true;
  }
  /** Memory for an area whose pages were only counted: programs of real instructions read and write it. False: there is none. */
  giveContents(address: number): boolean {
    const mapping = this.mappingAt(address);
    if (mapping === undefined || mapping.offset >= 0 || mapping.area === null || mapping.area.file !== null)
      return false;
    mapping.offset = this.arena.allocate(mapping.size, PAGE_SIZE);
    this.arena.bytes.fill(0, mapping.offset, mapping.offset + mapping.size);
    return true;
  }
  private moveContents(mapping: Mapping, size: number): void {
    if (mapping.offset < 0) return;
    const offset = this.arena.allocate(size, PAGE_SIZE);
    this.arena.bytes.copyWithin(offset, mapping.offset, mapping.offset + mapping.size);
    this.arena.bytes.fill(0, offset + mapping.size, offset + size);
    this.arena.free(mapping.offset, mapping.size);
    mapping.offset = offset;
  }
  /** Forgets a mapping; its pages must have been given back. */
  remove(mapping: Mapping): void {
    if (mapping.area !== null && mapping.offset >= 0) this.arena.free(mapping.offset, mapping.size);
    this.mappings.splice(this.mappings.indexOf(mapping), 1);
    if (mapping.vma !== null) this.arena.free(mapping.vma.address, VMA.size);
    this.storeTotal();
  }
  /** Cuts an area in two; the part from `address` on is a mapping of its own. */
  split(mapping: Mapping, address: number): Mapping {
    const front = address - mapping.start;
    const area = mapping.area === null ? null : { ...mapping.area, pgoff: mapping.area.pgoff + front / PAGE_SIZE };
    const ptes = mapping.ptes?.slice(front / PAGE_SIZE) ?? null;
    const offset = mapping.offset < 0 ? -1 : mapping.offset + front;
    const back = this.add({ start: address, size: mapping.size - front, offset, area, ptes });
    mapping.shared.moveFrom(front / PAGE_SIZE, back.shared);
    mapping.size = front;
    mapping.ptes = mapping.ptes?.slice(0, front / PAGE_SIZE) ?? null;
    if (mapping.vma !== null) storeNumber(this.arena.words, mapping.vma.address + VMA.end, address);
    return back;
  }
  /** Sets protection bits as mprotect() does; the whole mapping changes. */
  protect(mapping: Mapping, protection: number): void {
    if (mapping.area === null) return;
    mapping.area.protection = protection;
    if (mapping.vma !== null) storeNumber(this.arena.words, mapping.vma.address + VMA.flags, vmFlags(mapping));
  }
  /** What the MMU does at an access: sets the accessed and dirty bits, or says that it must fault. */
  accessPage(address: number, write: boolean): boolean {
    const mapping = this.mappingAt(address);
    if (mapping === undefined) return false;
    const page = (address - mapping.start) >>> PAGE_SHIFT;
    const ptes = mapping.ptes;
    if (ptes === null || (ptes[page]! & PTE_PRESENT) === 0) return false;
    if (write && mapping.shared.has(page)) return false;
    ptes[page]! |= write ? PTE_ACCESSED | PTE_DIRTY : PTE_ACCESSED;
    return true;
  }
  /** Whether a write to an address must be stopped because the page has other users. */
  isShared(address: number): boolean {
    const mapping = this.mappingAt(address);
    return mapping !== undefined && mapping.shared.has((address - mapping.start) >>> PAGE_SHIFT);
  }
  /** Where the next push of a program in the middle of its stack goes; nothing to look for while no page is shared. */
  isStackShared(sp: number): boolean {
    return this.stack.shared.count > 0 && this.isShared(sp - 8);
  }
  private get stack(): Mapping {
    return this.mappings[this.stackAt]!;
  }
  /**
   * dup_mmap(): everything that the parent has, at the same addresses. Its private pages are shared until one side writes; the
   * bytes are copied at once, which nobody can tell. Returns how many page table entries were copied.
   */
  copyFrom(parent: AddressSpace): number {
    let copied = 0;
    for (const from of parent.mappings) {
      if (from.image !== null) continue;
      const { start, size, area } = from;
      const own = this.mappings.find((mapping) => mapping.start === start && mapping.image === null);
      const offset = from.offset < 0 ? -1 : (own?.offset ?? this.arena.allocate(size, PAGE_SIZE));
      if (from.offset >= 0) this.arena.bytes.copyWithin(offset, from.offset, from.offset + size);
      const to = own ?? this.add({ start, size, offset, area: area === null ? null : { ...area } });
      if (area?.file !== null && area?.file !== undefined) area.file.references += 1;
      else if (area?.shared !== true) copied += sharePages(from, to, this.usedPages(parent, from));
      if (from === parent.breakArea) this.breakArea = to;
      if (to.ptes !== null) this.residentAnonymous += to.shared.count;
    }
    this.heapNext = parent.heapNext;
    this.heapEnd = parent.heapEnd;
    this.mmapNext = parent.mmapNext;
    this.programBreak = parent.programBreak;
    for (const [text, at] of parent.strings) this.strings.set(text, at);
    return copied;
  }
  /** Pages of a mapping that have a frame: by its page table, or, where only addresses are kept, what has been given out. */
  private usedPages(parent: AddressSpace, mapping: Mapping): readonly number[] {
    const all = Array.from({ length: mapping.size / PAGE_SIZE }, (_, page) => page);
    if (mapping.ptes !== null) return all.filter((page) => (mapping.ptes![page]! & PTE_PRESENT) !== 0);
    if (mapping.area !== null) return [];
    // A stack is used from its upper end.
    if (mapping === parent.stack) return all.slice(-STACK_PAGES_IN_USE);
    return all.filter((page) => mapping.start < HEAP_BASE || mapping.start + page * PAGE_SIZE < parent.heapNext);
  }
  /** The page table entries of a mapping. */
  ptesOf(mapping: Mapping): Uint8Array {
    return (mapping.ptes ??= new Uint8Array(mapping.size / PAGE_SIZE));
  }
  /** Stack and heap: what no file stands behind. */
  anonymousBytes(): number {
    return this.mappings.reduce((sum, { image, area, size }) => sum + (image === null && area === null ? size : 0), 0);
  }
  imageBase(image: Image): number {
    return this.mappings.find((mapping) => mapping.image === image)?.start ?? 0;
  }
  release(): void {
    this.text.release();
    for (const { offset, size, vma, shared } of this.mappings) {
      shared.leaveAll();
      if (offset >= 0) this.arena.free(offset, size);
      if (vma !== null) this.arena.free(vma.address, VMA.size);
    }
    this.arena.free(this.address, MM.size);
    this.mappings.length = 0;
  }
}
function sharePages(from: Mapping, to: Mapping, pages: readonly number[]): number {
  if (from.ptes !== null) to.ptes = new Uint8Array(from.ptes.length);
  for (const page of pages) {
    from.shared.share(page, to.shared);
    if (to.ptes !== null) to.ptes[page] = PTE_PRESENT | PTE_ACCESSED;
  }
  return pages.length;
}
/** Of images readable and executable, of stack and heap readable and writable, of areas what mmap() was told. */
function vmFlags({ image, area }: Mapping): number {
  const protection = area?.protection ?? (image === null ? VM_READ | VM_WRITE : VM_READ | VM_EXEC);
  return protection | VM_MAY | (area?.shared === true ? VM_SHARED : 0);
}
/** Where a program is loaded. */
function programBase(image: Image): number {
  const { isFixed, linkAddress } = layoutOf(image);
  return isFixed ? linkAddress : TEXT_BASE;
}
/** Bytes of address space that text and data take. */
function loadedSize(image: Image): number {
  return pages(imageSize(image)) + pages(layoutOf(image).dataBytes);
}
/** Address of a function or variable of the first image that has it. */
function symbolIn(bases: ReadonlyMap<Image, number>, name: string): number | undefined {
  for (const [image, base] of bases) {
    const { byName, variables } = layoutOf(image);
    const found = byName.get(name) ?? variables.find((variable) => variable.name === name);
    if (found !== undefined) return base + found.offset;
  }
  return undefined;
}
function pages(size: number): number {
  return Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
}
