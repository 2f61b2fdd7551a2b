import type { Architecture } from '../arch/architecture.ts';
import type { AddressSpace } from '../tasks/address-space.ts';
import type { UserWord } from './user-function.ts';

/** Registers that say where a program is. */
export interface UserPlace {
  readonly ip: number;
  readonly sp: number;
  readonly fp: number;
}

/** A stack of a program in its memory: return addresses and frame pointers as the calls leave them. */
export class UserStack {
  ip = 0;
  sp: number;
  fp = 0;
  private readonly words: Int32Array;
  /** From a stack address to the arena. */
  private readonly delta: number;
  private readonly arch: Architecture;
  /** The link register, on architectures that have one: the return address until the callee has stored it. */
  link = 0;

  constructor(words: Int32Array, mm: AddressSpace, top: number, arch: Architecture) {
    this.words = words;
    this.arch = arch;
    this.sp = top;
    this.delta = mm.find(top - 8, 8) - (top - 8);
  }
  place(): UserPlace {
    return { ip: this.ip, sp: this.sp, fp: this.fp };
  }
  goTo({ ip, sp, fp }: UserPlace): void {
    this.ip = ip;
    this.sp = sp;
    this.fp = fp;
  }
  push(value: UserWord): void {
    this.sp -= 8;
    storeUserWord(this.words, this.sp + this.delta, value);
  }
  /** The CPU is at the callee's first instruction; returns where the return address is on the stack, or will be. */
  call(entry: number): number {
    if (this.hasLink) this.link = this.ip;
    else this.push(this.ip);
    this.ip = entry;
    return this.hasLink ? this.sp - 8 : this.sp;
  }
  /** The callee has set up its frame and is at one of its calls. */
  enter(site: number): void {
    if (this.hasLink) this.push(this.link);
    this.push(this.fp);
    this.fp = this.sp;
    this.ip = this.arch.userCode.align(site);
  }
  /** At a function's first instruction: it will return elsewhere. Returns to where it would have. */
  hijackReturn(address: number): number {
    const original = this.hasLink ? this.link : this.load(this.sp);
    if (this.hasLink) this.link = address;
    else this.store(this.sp, address);
    return original;
  }
  private get hasLink(): boolean {
    return this.arch.abi.link !== undefined;
  }
  /** The u64 at a stack address. */
  load(address: number): number {
    const at = (address + this.delta) >> 2;
    return (this.words[at]! >>> 0) + this.words[at + 1]! * 4294967296;
  }
  store(address: number, value: UserWord): void {
    storeUserWord(this.words, address + this.delta, value);
  }
  /** Bytes from the stack pointer up to an address, to be put back at once later. */
  copy(top: number): Int32Array {
    return this.words.slice((this.sp + this.delta) >> 2, (top + this.delta) >> 2);
  }
  restore(words: Int32Array): void {
    const at = (this.sp + this.delta) >> 2;
    for (let i = 0; i < words.length; i += 1) this.words[at + i] = words[i]!;
  }
}

export function storeUserWord(words: Int32Array, at: number, value: UserWord): void {
  words[at >> 2] = lowHalf(value);
  words[(at >> 2) + 1] = highHalf(value);
}
export function lowHalf(value: UserWord): number {
  return typeof value === 'number' ? value | 0 : Number(BigInt.asIntN(32, value));
}
export function highHalf(value: UserWord): number {
  return typeof value === 'number' ? Math.floor(value / 4294967296) | 0 : Number(BigInt.asIntN(32, value >> 32n));
}
