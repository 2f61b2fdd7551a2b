/**
 * Guest memory: one fixed buffer behind every address of the simulated machine.
 *
 *   offset 0                 never mapped (NULL)
 *   0x0010_0000              low memory, unused
 *   0x0100_0000..0x0400_0000 kernel image, also visible at 0xffffffff81000000.. (address = offset | 0xffffffff80000000)
 *   0x0400_0000..            heap: objects, stacks, user pages, whatever the tracer allocates
 *
 * The direct map shows the whole buffer at KERNEL_HIGH << 32 | offset, as Linux shows physical memory at PAGE_OFFSET.
 */
import { PAGE_SIZE } from './sizes.ts';
import { bug } from '../../source/bug.ts';

export interface Arena {
  readonly buffer: SharedArrayBuffer;
  /** The WebAssembly.Memory with that buffer, for code that a tracer compiles to WebAssembly. */
  readonly wasmMemory: object;
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly kernelHigh: number;
  allocate(size: number, align?: number): number;
  free(address: number, size: number): void;
  /** Bytes of the heap that are in use. */
  heapBytes(): number;
  /** Arena offset of `size` mapped bytes at a kernel address, or -1. */
  kernelAddress(low: number, high: number, size: number): number;
  /** Reserves bytes of the kernel image (globals, tables). */
  allocateImage(size: number, align: number): number;
}

const ARENA_SIZE = 0x1000_0000;
export const KERNEL_HIGH = 0xffff8881 | 0;
export const IMAGE_START = 0x0100_0000;
/** Text before, data behind. */
export const IMAGE_DATA = 0x0300_0000;
export const IMAGE_END = 0x0400_0000;

/** Anything with an address in guest memory. */
export interface KernelObject {
  readonly address: number;
}
/** What a kernel function takes and returns: a number stands for itself (also user addresses), an object for its address, null for NULL. */
export type Word = number | boolean | KernelObject | FunctionWord | null | undefined | void;
/** A kernel function as an argument: its address. */
type FunctionWord = ((...args: never[]) => unknown) & { readonly symbol: { readonly entry: number } };

/** Lower half of a 64-bit word; numbers are exact up to 2^53. */
export function lowOf(word: Word): number {
  if (typeof word === 'number') return word | 0;
  if (word === null || word === undefined || word === false) return 0;
  if (word === true) return 1;
  return addressLow(addressOf(word));
}
const addressOf = (word: KernelObject | FunctionWord): number =>
  typeof word === 'function' ? word.symbol.entry : word.address;
export function highOf(word: Word): number {
  if (typeof word === 'number') return Math.floor(word / 4294967296) | 0;
  if (word === null || word === undefined || typeof word === 'boolean') return 0;
  return addressHigh(addressOf(word));
}
export function addressLow(offset: number): number {
  return offset >= IMAGE_START && offset < IMAGE_END ? offset | 0x80000000 : offset;
}
export function addressHigh(offset: number): number {
  return offset >= IMAGE_START && offset < IMAGE_END ? -1 : offset === 0 ? 0 : KERNEL_HIGH;
}

// The compiler options leave out the DOM library, which is where TypeScript keeps this name.
declare const WebAssembly: {
  readonly Memory: new (descriptor: { initial: number; maximum: number; shared: true }) => {
    readonly buffer: SharedArrayBuffer;
  };
};

/** `now` is the time of the CPU that asks: a block that another one frees later than that is not there yet. */
export function createArena(materialize: (offset: number, size: number) => void, now: () => number = () => 0): Arena {
  const pages = ARENA_SIZE / 65536;
  // Shared, though nobody shares it: V8 counts other memory as the heap's, and would collect garbage at once to make up for it.
  const wasmMemory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const { buffer } = wasmMemory;
  const bytes = new Uint8Array(buffer);
  const doubles = new Float64Array(buffer);
  let top = IMAGE_END;
  let imageTop = IMAGE_DATA;
  let used = 0;
  const freed: (FreeBlocks | undefined)[] = [];
  const freedLarge = new Map<number, FreeBlocks>();
  // Blocks are recycled by size class only, so that a freed pointer is never inside a block of another size. Pages are
  // counted by division: bit operations would wrap sizes of 2 GB and more, which maps may ask for.
  function blockOf(size: number): number {
    if (size > 65536) return Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
    return size <= 64 ? (Math.max(size, 16) + 15) & ~15 : 1 << (32 - Math.clz32(size - 1));
  }
  // A shared buffer is filled element by element: the larger, the faster. Blocks start and end at multiples of 16.
  const zeroBlock = (at: number, size: number): void => {
    doubles.fill(0, at / 8, (at + size) / 8);
  };
  const blocksOf = (block: number): FreeBlocks | undefined =>
    block <= 65536 ? freed[block >> 4] : freedLarge.get(block);
  return {
    buffer,
    wasmMemory,
    bytes,
    words: new Int32Array(buffer),
    view: new DataView(buffer),
    kernelHigh: KERNEL_HIGH,
    allocate(size, align = 16) {
      const block = blockOf(size);
      const recycled = align <= 16 || align <= block ? blocksOf(block) : undefined;
      const last = recycled === undefined ? -1 : latest(recycled, now());
      if (last >= 0 && (last & (align - 1)) === 0) {
        recycled!.addresses.pop();
        recycled!.times.pop();
        used += block;
        zeroBlock(last, block);
        return last;
      }
      const at = (top + align - 1) & -align;
      // No bug(): a script may ask for larger maps than the machine has memory.
      if (at + block > ARENA_SIZE) throw new Error(`guest memory is full: ${size} bytes wanted`);
      top = at + block;
      used += block;
      return at;
    },
    free(address, size) {
      const block = blockOf(size);
      used -= block;
      let list = blocksOf(block);
      if (list === undefined) {
        list = { addresses: [], times: [] };
        if (block <= 65536) freed[block >> 4] = list;
        else freedLarge.set(block, list);
      }
      list.addresses.push(address);
      list.times.push(now());
    },
    heapBytes: () => used,
    allocateImage(size, align) {
      const at = (imageTop + align - 1) & -align;
      if (at + size > IMAGE_END) bug('kernel image is full');
      imageTop = at + size;
      return at;
    },
    kernelAddress(low, high, size) {
      if (high === KERNEL_HIGH) {
        if (low < PAGE_SIZE || low + size > top) return -1;
        if (low < IMAGE_DATA) {
          if (low < IMAGE_START) return -1;
          materialize(low, size);
        }
        return low;
      }
      if (high === -1) {
        const offset = low & 0x7fffffff;
        if (low >= 0 || offset < IMAGE_START || offset + size > IMAGE_END) return -1;
        if (offset < IMAGE_DATA) materialize(offset, size);
        return offset;
      }
      return -1;
    },
  };
}

/** Blocks of one size, and when each was freed. */
interface FreeBlocks {
  readonly addresses: number[];
  readonly times: number[];
}
/** The block that was freed last, -1 when there is none yet at that time. */
function latest({ addresses, times }: FreeBlocks, now: number): number {
  const last = addresses.length - 1;
  return last >= 0 && times[last]! <= now ? addresses[last]! : -1;
}

/** Writes the 64-bit form of a word. */
export function storeWord(words: Int32Array, at: number, word: Word): void {
  words[at >> 2] = lowOf(word);
  words[(at >> 2) + 1] = highOf(word);
}
export function storeNumber(words: Int32Array, at: number, value: number): void {
  words[at >> 2] = value | 0;
  words[(at >> 2) + 1] = Math.floor(value / 4294967296) | 0;
}
/** Writes a NUL-terminated (and NUL-padded) Latin-1 string of at most `size` bytes with its terminator. */
export function storeText(bytes: Uint8Array, at: number, text: string, size: number): void {
  const length = Math.min(text.length, size - 1);
  for (let i = 0; i < length; i += 1) bytes[at + i] = text.charCodeAt(i);
  bytes.fill(0, at + length, at + size);
}
/** As many bytes as Latin-1 characters, NULs too. */
export function loadBytes(bytes: Uint8Array, at: number, size: number): string {
  return String.fromCharCode.apply(null, bytes.subarray(at, at + size) as unknown as number[]);
}
export function loadText(bytes: Uint8Array, at: number, limit: number): string {
  let text = '';
  for (let i = at; i < at + limit && bytes[i] !== 0; i += 1) text += String.fromCharCode(bytes[i] ?? 0);
  return text;
}
