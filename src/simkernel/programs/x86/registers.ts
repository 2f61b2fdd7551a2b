import { RIP, type Instruction, type ModRm } from './decode.ts';

/** Bytes of an operand. */
export type Size = 1 | 2 | 4 | 8;

/** What a program may address: reads and writes of up to 16 bytes, or a fault. */
export interface UserMemory {
  load(address: number, size: number): bigint;
  store(address: number, size: number, value: bigint): void;
}

/** Something that only the kernel can take care of: the instruction has not changed anything yet. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly kind: 'page' | 'invalid-opcode' | 'divide-error';
  readonly address: number;
  readonly write: boolean;
  constructor(kind: Fault['kind'], address = 0, write = false) {
    super(kind);
    this.kind = kind;
    this.address = address;
    this.write = write;
  }
}

export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RBP = 5;
export const RSI = 6;
export const RDI = 7;
export const R11 = 11;

export const bitsOf = (size: Size): number => size * 8;
export const maskOf = (size: Size): bigint => (1n << BigInt(size * 8)) - 1n;
export const truncate = (size: Size, value: bigint): bigint => BigInt.asUintN(size * 8, value);
export const signed = (size: Size, value: bigint): bigint => BigInt.asIntN(size * 8, value);
const isNegative = (size: Size, value: bigint): boolean => ((value >> BigInt(size * 8 - 1)) & 1n) === 1n;

/** Registers and flags of a program, and how its instructions name them. */
export class Registers {
  readonly general = new BigUint64Array(16);
  /** Low and high half of xmm0 to xmm15. */
  readonly vector = new BigUint64Array(32);
  ip = 0;
  /** Base of the thread's own data. */
  fsBase = 0;
  carry = false;
  zero = false;
  sign = false;
  overflow = false;
  parity = false;
  /** DF: string instructions run downwards. */
  backwards = false;
  readonly memory: UserMemory;

  constructor(memory: UserMemory) {
    this.memory = memory;
  }
  address(register: number): number {
    return Number(this.general[register]!);
  }
  set(register: number, value: bigint): void {
    this.general[register] = value;
  }

  /** A register as an operand of some size; without a REX prefix numbers 4 to 7 of bytes are ah, ch, dh and bh. */
  read(register: number, size: Size, rex: number): bigint {
    if (size === 1 && rex === 0 && register >= 4 && register < 8) return (this.general[register - 4]! >> 8n) & 0xffn;
    return truncate(size, this.general[register]!);
  }
  write(register: number, size: Size, rex: number, value: bigint): void {
    const { general } = this;
    if (size >= 4) general[register] = truncate(size, value);
    else if (size === 1 && rex === 0 && register >= 4 && register < 8)
      general[register - 4] = (general[register - 4]! & ~0xff00n) | ((value & 0xffn) << 8n);
    else general[register] = (general[register]! & ~maskOf(size)) | truncate(size, value);
  }

  /** Where a memory operand is. The instruction pointer must be behind the instruction already. */
  addressOf({ base, index, scale, displacement }: ModRm, instruction: Instruction): number {
    let sum = BigInt(displacement);
    if (base === RIP) sum += BigInt(this.ip);
    else if (base >= 0) sum += this.general[base]!;
    if (index >= 0) sum += this.general[index]! * BigInt(scale);
    if (instruction.threadLocal) sum += BigInt(this.fsBase);
    return Number(BigInt.asUintN(64, sum));
  }
  readOperand(i: Instruction, size: Size): bigint {
    const modrm = i.modrm!;
    return modrm.rm >= 0 ? this.read(modrm.rm, size, i.rex) : this.memory.load(this.addressOf(modrm, i), size);
  }
  writeOperand(i: Instruction, size: Size, value: bigint): void {
    const modrm = i.modrm!;
    if (modrm.rm >= 0) this.write(modrm.rm, size, i.rex, value);
    else this.memory.store(this.addressOf(modrm, i), size, truncate(size, value));
  }
  push(value: bigint): void {
    const at = this.address(RSP) - 8;
    this.memory.store(at, 8, truncate(8, value));
    this.general[RSP] = BigInt(at);
  }
  pop(): bigint {
    const at = this.address(RSP);
    const value = this.memory.load(at, 8);
    this.general[RSP] = BigInt(at + 8);
    return value;
  }

  /** The flags that a result sets by itself. */
  private result(size: Size, value: bigint): bigint {
    this.zero = value === 0n;
    this.sign = isNegative(size, value);
    let low = Number(value & 0xffn);
    low ^= low >> 4;
    low ^= low >> 2;
    this.parity = ((low ^ (low >> 1)) & 1) === 0;
    return value;
  }
  logic(size: Size, value: bigint): bigint {
    this.carry = false;
    this.overflow = false;
    return this.result(size, truncate(size, value));
  }
  add(size: Size, a: bigint, b: bigint, carry = 0n): bigint {
    const sum = a + b + carry;
    const value = truncate(size, sum);
    this.carry = sum !== value;
    this.overflow = isNegative(size, (a ^ value) & (b ^ value));
    return this.result(size, value);
  }
  subtract(size: Size, a: bigint, b: bigint, borrow = 0n): bigint {
    const value = truncate(size, a - b - borrow);
    this.carry = a < b + borrow;
    this.overflow = isNegative(size, (a ^ b) & (a ^ value));
    return this.result(size, value);
  }
  /** Shifts leave flags alone when nothing is shifted. */
  shifted(size: Size, value: bigint, carry: boolean, overflow: boolean): bigint {
    this.carry = carry;
    this.overflow = overflow;
    return this.result(size, value);
  }
  /** RFLAGS as pushed. */
  get flags(): bigint {
    const bits = [[this.carry, 0], [this.parity, 2], [this.zero, 6], [this.sign, 7], [this.backwards, 10], [this.overflow, 11]] as const; // prettier-ignore
    return bits.reduce((all, [isSet, bit]) => (isSet ? all | (1n << BigInt(bit)) : all), 0x202n);
  }

  /** The conditions of jcc, setcc and cmovcc, by the lowest four bits of their opcodes. */
  holds(condition: number): boolean {
    const { carry, zero, sign, overflow, parity } = this;
    const tests = [overflow, carry, zero, carry || zero, sign, parity, sign !== overflow, zero || sign !== overflow];
    return tests[(condition >> 1) & 7]! !== ((condition & 1) === 1);
  }
}
