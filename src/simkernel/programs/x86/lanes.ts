import type { Execute } from './integer.ts';
import type { Instruction } from './decode.ts';
import type { Registers } from './registers.ts';

/**
 * Integer instructions of SSE2 on the 8-, 16-, 32- and 64-bit parts of a register: what they do to a pair of parts, by the
 * byte behind 0f; all have the prefix 66.
 */
type Bits = 8 | 16 | 32 | 64;
interface LaneRow {
  readonly bits: Bits;
  /** The parts as numbers with a sign. */
  readonly signed?: boolean;
  readonly of: (a: bigint, b: bigint) => bigint;
}
const add = (a: bigint, b: bigint): bigint => a + b;
const subtract = (a: bigint, b: bigint): bigint => a - b;
const isEqual = (a: bigint, b: bigint): bigint => (a === b ? -1n : 0n);
const isGreater = (a: bigint, b: bigint): bigint => (a > b ? -1n : 0n);
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b);

const LANES: Readonly<Record<number, LaneRow>> = {
  0xfc: { bits: 8, of: add },
  0xfd: { bits: 16, of: add },
  0xfe: { bits: 32, of: add },
  0xd4: { bits: 64, of: add },
  0xf8: { bits: 8, of: subtract },
  0xf9: { bits: 16, of: subtract },
  0xfa: { bits: 32, of: subtract },
  0xfb: { bits: 64, of: subtract },
  0x74: { bits: 8, of: isEqual },
  0x75: { bits: 16, of: isEqual },
  0x76: { bits: 32, of: isEqual },
  0x64: { bits: 8, signed: true, of: isGreater },
  0x65: { bits: 16, signed: true, of: isGreater },
  0x66: { bits: 32, signed: true, of: isGreater },
  0xda: { bits: 8, of: least },
  0xde: { bits: 8, of: most },
  0xea: { bits: 16, signed: true, of: least },
  0xee: { bits: 16, signed: true, of: most },
  // Words: the lower and the upper half of a product.
  0xd5: { bits: 16, of: (a, b) => a * b },
  0xe5: { bits: 16, signed: true, of: (a, b) => (a * b) >> 16n },
  0xe4: { bits: 16, of: (a, b) => (a * b) >> 16n },
};
/** punpckl* and punpckh*: parts of two registers in turn. */
const UNPACK: Readonly<Record<number, { readonly bits: Bits; readonly upper: boolean }>> = {
  0x60: { bits: 8, upper: false },
  0x61: { bits: 16, upper: false },
  0x62: { bits: 32, upper: false },
  0x6c: { bits: 64, upper: false },
  0x68: { bits: 8, upper: true },
  0x69: { bits: 16, upper: true },
  0x6a: { bits: 32, upper: true },
  0x6d: { bits: 64, upper: true },
};
type Shift = 'left' | 'right' | 'sign';
/** By a register, or by a constant: the latter are told apart by the middle bits of the operand byte. */
const SHIFTS: Readonly<Record<number, readonly [Bits, Shift]>> = {
  0xd1: [16, 'right'],
  0xd2: [32, 'right'],
  0xd3: [64, 'right'],
  0xe1: [16, 'sign'],
  0xe2: [32, 'sign'],
  0xf1: [16, 'left'],
  0xf2: [32, 'left'],
  0xf3: [64, 'left'],
};
const SHIFT_BITS: Readonly<Record<number, Bits>> = { 0x71: 16, 0x72: 32, 0x73: 64 };
const SHIFT_KINDS: Readonly<Record<number, Shift>> = { 2: 'right', 4: 'sign', 6: 'left' };

const WHOLE = (1n << 128n) - 1n;
const own = (r: Registers, register: number): bigint => r.vector[2 * register]! | (r.vector[2 * register + 1]! << 64n);
function operand(r: Registers, i: Instruction): bigint {
  const { rm } = i.modrm!;
  if (rm >= 0) return own(r, rm);
  const at = r.addressOf(i.modrm!, i);
  return r.memory.load(at, 8) | (r.memory.load(at + 8, 8) << 64n);
}
function set(r: Registers, register: number, value: bigint): void {
  r.vector[2 * register] = BigInt.asUintN(64, value);
  r.vector[2 * register + 1] = BigInt.asUintN(64, value >> 64n);
}
const part = (value: bigint, bits: Bits, index: number): bigint => BigInt.asUintN(bits, value >> BigInt(bits * index));
function each(bits: Bits, of: (index: number) => bigint): bigint {
  let result = 0n;
  for (let index = 0; index < 128 / bits; index += 1) result |= BigInt.asUintN(bits, of(index)) << BigInt(bits * index);
  return result;
}
function shifted(value: bigint, bits: Bits, kind: Shift, by: bigint): bigint {
  const far = by >= BigInt(bits);
  return each(bits, (index) => {
    const own = part(value, bits, index);
    if (kind === 'sign') return BigInt.asIntN(bits, own) >> (far ? BigInt(bits - 1) : by);
    if (far) return 0n;
    return kind === 'left' ? own << by : own >> by;
  });
}

const rows = new Map<number, Execute>();
for (const [opcode, { bits, signed, of }] of Object.entries(LANES))
  rows.set(Number(opcode), (r, i) => {
    const [a, b] = [own(r, i.modrm!.reg), operand(r, i)];
    const read = (value: bigint, index: number): bigint =>
      signed === true ? BigInt.asIntN(bits, part(value, bits, index)) : part(value, bits, index);
    set(
      r,
      i.modrm!.reg,
      each(bits, (index) => of(read(a, index), read(b, index))),
    );
  });
for (const [opcode, { bits, upper }] of Object.entries(UNPACK))
  rows.set(Number(opcode), (r, i) => {
    const [a, b] = [own(r, i.modrm!.reg), operand(r, i)];
    const from = upper ? 64 / bits : 0;
    set(
      r,
      i.modrm!.reg,
      each(bits, (index) => part(index % 2 === 0 ? a : b, bits, from + (index >> 1))),
    );
  });
for (const [opcode, [bits, kind]] of Object.entries(SHIFTS))
  rows.set(Number(opcode), (r, i) => {
    const by = BigInt.asUintN(64, operand(r, i));
    set(r, i.modrm!.reg, shifted(own(r, i.modrm!.reg), bits, kind, by));
  });
for (const [opcode, bits] of Object.entries(SHIFT_BITS))
  rows.set(Number(opcode), (r, i) => {
    const { reg, rm } = i.modrm!;
    const by = i.immediate & 0xffn;
    const value = own(r, rm);
    // psrldq and pslldq move bytes of the whole register.
    const bytes = by > 15n ? 128n : by * 8n;
    if (bits === 64 && (reg & 7) === 3) return set(r, rm, value >> bytes);
    if (bits === 64 && (reg & 7) === 7) return set(r, rm, (value << bytes) & WHOLE);
    const kind = SHIFT_KINDS[reg & 7];
    if (kind !== undefined) set(r, rm, shifted(value, bits, kind, by));
  });
// pmovmskb: the highest bit of each byte.
rows.set(0xd7, (r, i) => {
  const value = own(r, i.modrm!.rm);
  let mask = 0n;
  for (let index = 0; index < 16; index += 1) mask |= (part(value, 8, index) >> 7n) << BigInt(index);
  r.set(i.modrm!.reg, mask);
});

/** How they are carried out, by the byte behind 0f. */
export const LANE_INSTRUCTIONS: ReadonlyMap<number, Execute> = rows;
