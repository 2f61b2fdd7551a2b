import type { Instruction } from './decode.ts';
import {
  bitsOf,
  Fault,
  maskOf,
  R11,
  RAX,
  RBP,
  RBX,
  RCX,
  RDI,
  RDX,
  RSI,
  RSP,
  signed,
  truncate,
  type Registers,
  type Size,
} from './registers.ts';

/** What an instruction asks of the machine; nothing for most. */
export type Request = 'syscall' | 'breakpoint' | 'halt' | void;
export type Execute = (r: Registers, i: Instruction) => Request;

const INVALID: Execute = () => {
  throw new Fault('invalid-opcode');
};
/** Opcodes with their lowest bit clear are about bytes. */
const sizeOf = ({ opcode, size }: Instruction): Size => ((opcode & 1) === 0 ? 1 : size);
/** Pushes, pops and near calls are of 64 bits by default. */
const stackSize = ({ size }: Instruction): Size => (size === 2 ? 2 : 8);
const target = (r: Registers, i: Instruction): number => Number(BigInt.asUintN(64, BigInt(r.ip) + i.immediate));

type Arithmetic = (r: Registers, size: Size, a: bigint, b: bigint) => bigint;
const carryOf = (r: Registers): bigint => (r.carry ? 1n : 0n);
/** By bits 3 to 5 of the opcode, or of the ModRM byte; `cmp` keeps no result. */
const ARITHMETIC: readonly Arithmetic[] = [
  (r, size, a, b) => r.add(size, a, b),
  (r, size, a, b) => r.logic(size, a | b),
  (r, size, a, b) => r.add(size, a, b, carryOf(r)),
  (r, size, a, b) => r.subtract(size, a, b, carryOf(r)),
  (r, size, a, b) => r.logic(size, a & b),
  (r, size, a, b) => r.subtract(size, a, b),
  (r, size, a, b) => r.logic(size, a ^ b),
  (r, size, a, b) => r.subtract(size, a, b),
];
const CMP = 7;

const table = new Map<number, Execute>();
function define(opcodes: readonly number[], execute: Execute): void {
  for (const opcode of opcodes) table.set(opcode, execute);
}
const span = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

ARITHMETIC.forEach((operate, index) => {
  const first = index * 8;
  const keep = index !== CMP;
  define([first, first + 1], (r, i) => {
    const size = sizeOf(i);
    const value = operate(r, size, r.readOperand(i, size), r.read(i.modrm!.reg, size, i.rex));
    if (keep) r.writeOperand(i, size, value);
  });
  define([first + 2, first + 3], (r, i) => {
    const size = sizeOf(i);
    const value = operate(r, size, r.read(i.modrm!.reg, size, i.rex), r.readOperand(i, size));
    if (keep) r.write(i.modrm!.reg, size, i.rex, value);
  });
  define([first + 4, first + 5], (r, i) => {
    const size = sizeOf(i);
    const value = operate(r, size, r.read(RAX, size, 1), truncate(size, i.immediate));
    if (keep) r.write(RAX, size, 1, value);
  });
});
define([0x80, 0x81, 0x83], (r, i) => {
  const size = i.opcode === 0x80 ? 1 : i.size;
  const index = i.modrm!.reg & 7;
  const value = ARITHMETIC[index]!(r, size, r.readOperand(i, size), truncate(size, i.immediate));
  if (index !== CMP) r.writeOperand(i, size, value);
});

define(span(0x50, 0x57), (r, i) => r.push(r.general[(i.opcode & 7) | ((i.rex & 1) << 3)]!));
define(span(0x58, 0x5f), (r, i) => r.set((i.opcode & 7) | ((i.rex & 1) << 3), r.pop()));
define([0x63], (r, i) => r.write(i.modrm!.reg, i.size, i.rex, signed(4, r.readOperand(i, 4))));
define([0x68, 0x6a], (r, i) => r.push(i.immediate));
define([0x69, 0x6b], (r, i) => multiply(r, i, r.readOperand(i, i.size), i.immediate));
define([0x0faf], (r, i) => multiply(r, i, r.read(i.modrm!.reg, i.size, i.rex), r.readOperand(i, i.size)));
function multiply(r: Registers, i: Instruction, a: bigint, b: bigint): void {
  const product = signed(i.size, a) * signed(i.size, b);
  const value = truncate(i.size, product);
  r.carry = r.overflow = signed(i.size, value) !== product;
  r.write(i.modrm!.reg, i.size, i.rex, value);
}

define([...span(0x70, 0x7f), ...span(0x0f80, 0x0f8f)], (r, i) => {
  if (r.holds(i.opcode & 0xf)) r.ip = target(r, i);
});
define([0xe3], (r, i) => {
  if (r.general[RCX] === 0n) r.ip = target(r, i);
});
define([0xe9, 0xeb], (r, i) => void (r.ip = target(r, i)));
define([0xe8], (r, i) => {
  r.push(BigInt(r.ip));
  r.ip = target(r, i);
});
define([0xc3, 0xc2], (r, i) => {
  r.ip = Number(r.pop());
  r.general[RSP]! += BigInt.asUintN(16, i.immediate);
});
define(span(0x0f90, 0x0f9f), (r, i) => r.writeOperand(i, 1, r.holds(i.opcode & 0xf) ? 1n : 0n));
define(span(0x0f40, 0x0f4f), (r, i) => {
  const value = r.readOperand(i, i.size);
  const { reg } = i.modrm!;
  // A 32-bit one clears the upper half even when it does not move.
  r.write(reg, i.size, i.rex, r.holds(i.opcode & 0xf) ? value : r.read(reg, i.size, i.rex));
});

define([0x84, 0x85], (r, i) => {
  const size = sizeOf(i);
  r.logic(size, r.readOperand(i, size) & r.read(i.modrm!.reg, size, i.rex));
});
define([0xa8, 0xa9], (r, i) => {
  const size = sizeOf(i);
  r.logic(size, r.read(RAX, size, 1) & truncate(size, i.immediate));
});
define([0x86, 0x87], (r, i) => {
  const size = sizeOf(i);
  const [own, other] = [r.read(i.modrm!.reg, size, i.rex), r.readOperand(i, size)];
  r.writeOperand(i, size, own);
  r.write(i.modrm!.reg, size, i.rex, other);
});
define([0x88, 0x89], (r, i) => r.writeOperand(i, sizeOf(i), r.read(i.modrm!.reg, sizeOf(i), i.rex)));
define([0x8a, 0x8b], (r, i) => r.write(i.modrm!.reg, sizeOf(i), i.rex, r.readOperand(i, sizeOf(i))));
define([0x8d], (r, i) => {
  // `lea` of a register is no instruction.
  if (i.modrm!.rm >= 0) throw new Fault('invalid-opcode');
  const address = r.addressOf(i.modrm!, { ...i, threadLocal: false });
  r.write(i.modrm!.reg, i.size, i.rex, wide(r, i, address));
});
/** Addresses are numbers; what `lea` makes of 64-bit values need not be exact in one. */
function wide(r: Registers, { modrm }: Instruction, address: number): bigint {
  if (Number.isSafeInteger(address)) return BigInt(address);
  const { base, index, scale, displacement } = modrm!;
  const from = base >= 0 && base < 16 ? r.general[base]! : 0n;
  return BigInt.asUintN(64, from + (index < 0 ? 0n : r.general[index]! * BigInt(scale)) + BigInt(displacement));
}
define([0x8f], (r, i) => r.writeOperand(i, stackSize(i), r.pop()));
define(span(0x90, 0x97), (r, i) => {
  const register = (i.opcode & 7) | ((i.rex & 1) << 3);
  if (register === RAX) return;
  const [a, b] = [r.read(RAX, i.size, 1), r.read(register, i.size, 1)];
  r.write(RAX, i.size, 1, b);
  r.write(register, i.size, 1, a);
});
define([0x98], (r, i) => r.write(RAX, i.size, 1, signed((i.size / 2) as Size, r.read(RAX, (i.size / 2) as Size, 1))));
define([0x99], (r, i) => r.write(RDX, i.size, 1, signed(i.size, r.read(RAX, i.size, 1)) < 0n ? maskOf(i.size) : 0n));
define([0x9c], (r) => r.push(r.flags));
define(span(0xb0, 0xb7), (r, i) => r.write((i.opcode & 7) | ((i.rex & 1) << 3), 1, i.rex, i.immediate));
define(span(0xb8, 0xbf), (r, i) => r.write((i.opcode & 7) | ((i.rex & 1) << 3), i.size, i.rex, i.immediate));
define([0xc6, 0xc7], (r, i) => r.writeOperand(i, sizeOf(i), i.immediate));
define([0xc9], (r) => {
  const frame = r.general[RBP]!;
  const saved = r.memory.load(Number(frame), 8);
  r.set(RSP, frame + 8n);
  r.set(RBP, saved);
});
define([0xcc], () => 'breakpoint');
define([0xf4], () => 'halt');
define([0xf8], (r) => void (r.carry = false));
define([0xf9], (r) => void (r.carry = true));
define([0xfc], (r) => void (r.backwards = false));
define([0xfd], (r) => void (r.backwards = true));

define([0xc0, 0xc1], (r, i) => shift(r, i, Number(i.immediate & 0xffn)));
define([0xd0, 0xd1], (r, i) => shift(r, i, 1));
define([0xd2, 0xd3], (r, i) => shift(r, i, Number(r.general[RCX]! & 0xffn)));
function shift(r: Registers, i: Instruction, amount: number): void {
  const size = sizeOf(i);
  const bits = bitsOf(size);
  const count = amount & (size === 8 ? 63 : 31);
  const value = r.readOperand(i, size);
  if (count === 0) return;
  const by = BigInt(count);
  const top = (of: bigint): boolean => ((of >> BigInt(bits - 1)) & 1n) === 1n;
  switch (i.modrm!.reg & 7) {
    case 0: // rol
    case 1: {
      // ror
      const turn = BigInt((i.modrm!.reg & 7) === 0 ? count % bits : (bits - (count % bits)) % bits);
      const result = truncate(size, (value << turn) | (value >> (BigInt(bits) - turn)));
      r.carry = (i.modrm!.reg & 7) === 0 ? (result & 1n) === 1n : top(result);
      r.overflow = top(result) !== r.carry;
      return r.writeOperand(i, size, result);
    }
    case 4: // shl
    case 6: {
      const result = truncate(size, value << by);
      const carry = ((value >> (BigInt(bits) - by)) & 1n) === 1n;
      return r.writeOperand(i, size, r.shifted(size, result, carry, top(result) !== carry));
    }
    case 5: // shr
      return r.writeOperand(i, size, r.shifted(size, value >> by, ((value >> (by - 1n)) & 1n) === 1n, top(value)));
    case 7: {
      // sar
      const whole = signed(size, value);
      return r.writeOperand(i, size, r.shifted(size, truncate(size, whole >> by), ((whole >> (by - 1n)) & 1n) === 1n, false)); // prettier-ignore
    }
    default:
      throw new Fault('invalid-opcode');
  }
}

define([0xf6, 0xf7], (r, i) => {
  const size = sizeOf(i);
  const value = r.readOperand(i, size);
  switch (i.modrm!.reg & 7) {
    case 0:
    case 1:
      r.logic(size, value & truncate(size, i.immediate));
      return;
    case 2:
      return r.writeOperand(i, size, ~value);
    case 3:
      return r.writeOperand(i, size, r.subtract(size, 0n, value));
    case 4:
      return multiplyWide(r, size, r.read(RAX, size, 1) * value, false);
    case 5:
      return multiplyWide(r, size, signed(size, r.read(RAX, size, 1)) * signed(size, value), true);
    default:
      return divide(r, size, value, (i.modrm!.reg & 7) === 7);
  }
});
/** The product goes to rdx:rax; of bytes to ax. */
function multiplyWide(r: Registers, size: Size, product: bigint, isSigned: boolean): void {
  const low = truncate(size, product);
  const high = truncate(size, product >> BigInt(bitsOf(size)));
  if (size === 1) r.write(RAX, 2, 1, truncate(2, product));
  else {
    r.write(RAX, size, 1, low);
    r.write(RDX, size, 1, high);
  }
  r.carry = r.overflow = isSigned ? signed(size, low) !== product : high !== 0n;
}
function divide(r: Registers, size: Size, divisor: bigint, isSigned: boolean): void {
  const bits = BigInt(bitsOf(size));
  const high = size === 1 ? r.read(RAX, 2, 1) >> 8n : r.read(RDX, size, 1);
  const whole = (high << bits) | r.read(RAX, size, 1);
  const a = isSigned ? BigInt.asIntN(Number(bits) * 2, whole) : whole;
  const b = isSigned ? signed(size, divisor) : divisor;
  if (b === 0n) throw new Fault('divide-error');
  const quotient = a / b;
  const fits = isSigned ? signed(size, quotient) === quotient : truncate(size, quotient) === quotient;
  if (!fits) throw new Fault('divide-error');
  const rest = a % b;
  if (size === 1) r.write(RAX, 2, 1, (truncate(1, rest) << 8n) | truncate(1, quotient));
  else {
    r.write(RAX, size, 1, quotient);
    r.write(RDX, size, 1, rest);
  }
}
define([0xfe, 0xff], (r, i) => {
  const size = sizeOf(i);
  const operation = i.modrm!.reg & 7;
  if (operation < 2) {
    const { carry } = r;
    const value = r.readOperand(i, size);
    r.writeOperand(i, size, operation === 0 ? r.add(size, value, 1n) : r.subtract(size, value, 1n));
    r.carry = carry;
    return;
  }
  if (i.opcode === 0xfe || operation === 3 || operation === 5 || operation === 7) throw new Fault('invalid-opcode');
  const value = r.readOperand(i, 8);
  if (operation === 6) return r.push(value);
  if (operation === 2) r.push(BigInt(r.ip));
  r.ip = Number(value);
});

for (const [opcode, from, isSigned] of [
  [0x0fb6, 1, false],
  [0x0fb7, 2, false],
  [0x0fbe, 1, true],
  [0x0fbf, 2, true],
] as const)
  // prettier-ignore
  define([opcode], (r, i) => {
    const value = r.readOperand(i, from);
    r.write(i.modrm!.reg, i.size, i.rex, isSigned ? signed(from, value) : value);
  });
define(span(0x0fc8, 0x0fcf), (r, i) => {
  const register = (i.opcode & 7) | ((i.rex & 1) << 3);
  let [from, to] = [r.read(register, i.size, 1), 0n];
  for (let byte = 0; byte < i.size; byte += 1, from >>= 8n) to = (to << 8n) | (from & 0xffn);
  r.write(register, i.size, 1, to);
});
define([0x0fc0, 0x0fc1], (r, i) => {
  const size = sizeOf(i);
  const [own, other] = [r.read(i.modrm!.reg, size, i.rex), r.readOperand(i, size)];
  const sum = r.add(size, other, own);
  r.writeOperand(i, size, sum);
  r.write(i.modrm!.reg, size, i.rex, other);
});
define([0x0fb0, 0x0fb1], (r, i) => {
  const size = sizeOf(i);
  const there = r.readOperand(i, size);
  r.subtract(size, r.read(RAX, size, 1), there);
  if (r.zero) r.writeOperand(i, size, r.read(i.modrm!.reg, size, i.rex));
  else r.write(RAX, size, 1, there);
});
/** bt, bts, btr, btc with a register or, in the last, an immediate. */
define([0x0fa3, 0x0fab, 0x0fb3, 0x0fbb, 0x0fba], (r, i) => {
  const isImmediate = i.opcode === 0x0fba;
  const operation = isImmediate ? i.modrm!.reg & 3 : (i.opcode >> 3) & 3;
  const bit = (isImmediate ? i.immediate : r.read(i.modrm!.reg, i.size, i.rex)) & BigInt(bitsOf(i.size) - 1);
  const value = r.readOperand(i, i.size);
  r.carry = ((value >> bit) & 1n) === 1n;
  const mask = 1n << bit;
  if (operation !== 0) r.writeOperand(i, i.size, [value, value | mask, value & ~mask, value ^ mask][operation]!);
});
define([0x0fbc, 0x0fbd], (r, i) => {
  const value = r.readOperand(i, i.size);
  r.zero = value === 0n;
  r.carry = r.zero;
  const bits = bitsOf(i.size);
  const digits = value.toString(2);
  const first = i.opcode === 0x0fbc ? digits.length - 1 - digits.lastIndexOf('1') : digits.length - 1;
  // With 0xf3 in front they are tzcnt and lzcnt, which count.
  const counts = i.prefix === 0xf3;
  if (value === 0n) {
    if (counts) r.write(i.modrm!.reg, i.size, i.rex, BigInt(bits));
    return;
  }
  const result = counts && i.opcode === 0x0fbd ? bits - 1 - first : first;
  r.write(i.modrm!.reg, i.size, i.rex, BigInt(result));
});
/** nop, endbr64, prefetches. */
define([0x0f0d, ...span(0x0f18, 0x0f1f)], () => undefined);
define([0x0f05], (r) => {
  r.set(RCX, BigInt(r.ip));
  r.set(R11, r.flags);
  return 'syscall';
});
define([0x0f0b], INVALID);

/** cpuid: a processor with what this file and vector.ts carry out, up to SSE2; eax, ebx, ecx, edx by leaf. */
const IDENTITY: Readonly<Record<number, readonly [number, number, number, number]>> = {
  // "GenuineIntel", in the order ebx, edx, ecx.
  0: [1, 0x756e6547, 0x6c65746e, 0x49656e69],
  // Family 6; fpu, tsc, cx8, cmov, fxsr, sse, sse2.
  1: [0x000006f0, 0x00000800, 0, 0x07008111],
  0x80000000: [0x80000001, 0, 0, 0],
  // lahf; syscall, nx, long mode.
  0x80000001: [0, 0, 1, 0x20100800],
};
define([0x0fa2], (r) => {
  const leaf = Number(r.general[RAX]! & 0xffffffffn);
  const [a, b, c, d] = IDENTITY[leaf] ?? [0, 0, 0, 0];
  r.set(RAX, BigInt(a));
  r.set(RBX, BigInt(b));
  r.set(RCX, BigInt(c));
  r.set(RDX, BigInt(d));
});

/** One round of movs or stos; a repeated one comes back to itself until rcx is 0. */
define([0xa4, 0xa5, 0xaa, 0xab], (r, i) => {
  const size = sizeOf(i);
  const repeats = i.prefix === 0xf3;
  if (repeats && r.general[RCX] === 0n) return;
  const isMove = i.opcode < 0xaa;
  const value = isMove ? r.memory.load(r.address(RSI), size) : r.read(RAX, size, 1);
  r.memory.store(r.address(RDI), size, value);
  const step = r.backwards ? -BigInt(size) : BigInt(size);
  r.set(RDI, r.general[RDI]! + step);
  if (isMove) r.set(RSI, r.general[RSI]! + step);
  if (!repeats) return;
  r.set(RCX, r.general[RCX]! - 1n);
  if (r.general[RCX] !== 0n) r.ip -= i.length;
});

/** How integer instructions are carried out, by opcode. */
export const INTEGER: ReadonlyMap<number, Execute> = table;
