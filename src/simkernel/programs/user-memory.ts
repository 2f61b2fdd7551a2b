import { sizeOf } from '../../btf/layout.ts';
import type { Machine } from '../machine.ts';
import { loadBytes, loadText, storeNumber } from '../memory/arena.ts';
import type { Process } from '../tasks/process.ts';
import { storeValue } from './image-data.ts';
import type { CValue } from './image-data.ts';
import { layoutOf } from './image-layout.ts';
import { imageType } from './image-types.ts';
import type { Image } from './image.ts';
import type { UserWord } from './user-function.ts';
import { bug } from '../../source/bug.ts';

/** The memory of a simulated program as the program sees it: strings, buffers, variables, C values, by user address. */
export class UserMemory {
  readonly process: Process;
  protected readonly machine: Machine;
  protected readonly image: Image;
  /** For the arguments of one call. */
  protected readonly scratch: number;

  constructor(m: Machine, process: Process, image: Image, scratch: number) {
    this.machine = m;
    this.process = process;
    this.image = image;
    this.scratch = scratch;
  }
  /** The n-th page of the program's own text and data. */
  page(n: number): number {
    return this.process.mm.imageBase(this.image) + n * 4096;
  }
  /** What a buffer holds. */
  text(address: number, size: number): string {
    const at = this.process.mm.find(address, size);
    return loadBytes(this.machine.arena.bytes, at, size);
  }
  /** A struct pollfd in scratch memory. */
  pollfd(fd: number, events: number): number {
    const view = this.view(this.scratch + 32, 8);
    view.setInt32(0, fd, true);
    view.setInt16(4, events, true);
    return this.scratch + 32;
  }
  /** Its memory at an address, to read and write numbers. */
  view(address: number, size: number): DataView {
    const bytes = this.bytes(address, size);
    return new DataView(bytes.buffer, bytes.byteOffset, size);
  }
  /** Its memory at an address. */
  bytes(address: number, size: number): Uint8Array {
    const at = this.process.mm.find(address, size);
    if (at < 0) bug(`${this.image.path} has nothing at 0x${address.toString(16)}`);
    return this.machine.arena.bytes.subarray(at, at + size);
  }
  /** An unsigned number of up to six bytes. */
  load(address: number, size: number): number {
    return this.bytes(address, size).reduceRight((value, byte) => value * 256 + byte, 0);
  }
  store(address: number, size: number, value: UserWord): void {
    const bytes = this.bytes(address, size);
    let rest = BigInt(value);
    for (let i = 0; i < size; i += 1, rest >>= 8n) bytes[i] = Number(BigInt.asUintN(8, rest));
  }
  /** The text at an address up to its NUL. */
  cString(address: number): string {
    const at = this.process.mm.find(address, 1);
    return at < 0 ? '' : loadText(this.machine.arena.bytes, at, MAX_STRING);
  }
  string(text: string): number {
    return this.process.mm.string(text);
  }
  buffer(size: number): number {
    return this.process.mm.allocate(size);
  }
  /** A buffer that all threads of the process use under this name: what malloc would give them one after the other. */
  sharedBuffer(name: string, size: number): number {
    const known = this.process.buffers.get(name);
    if (known !== undefined) return known;
    const at = this.buffer(size);
    this.process.buffers.set(name, at);
    return at;
  }
  /** A NULL-terminated array of string pointers. */
  protected stringArray(texts: readonly string[]): number {
    const at = this.buffer(8 * (texts.length + 1));
    const offset = this.process.mm.find(at, 8 * (texts.length + 1));
    texts.forEach((text, i) => storeNumber(this.machine.words, offset + 8 * i, this.string(text)));
    storeNumber(this.machine.words, offset + 8 * texts.length, 0);
    return at;
  }
  protected timespec(ns: number): number {
    const at = this.scratch;
    const offset = this.process.mm.find(at, 16);
    const { view } = this.machine.arena;
    view.setUint32(offset, Math.floor(ns / 1e9), true);
    view.setUint32(offset + 8, Math.round(ns % 1e9), true);
    return at;
  }

  /** A structure of the image's debugging information, or any type in C, in memory of its own. */
  value(type: string, value: CValue): number {
    const types = layoutOf(this.image).debug?.types;
    const cType = types === undefined ? undefined : imageType(type, types);
    if (cType === undefined) bug(`${this.image.path} does not know ${type}`);
    const size = sizeOf(cType) ?? 0;
    const at = this.buffer(size);
    storeValue(this.machine.arena.view, this.process.mm.find(at, size), cType, value);
    return at;
  }
  /** Address of a global variable of the program. */
  variable(name: string): number {
    const row = layoutOf(this.image).variables.find((candidate) => candidate.name === name);
    if (row === undefined) bug(`${this.image.path} has no variable ${name}`);
    return this.process.mm.imageBase(this.image) + row.offset;
  }
}

const MAX_STRING = 4096;
