import type { Instruction } from './decode.ts';
import type { Execute } from './integer.ts';
import { LANE_INSTRUCTIONS } from './lanes.ts';
import type { Registers } from './registers.ts';

/**
 * What compilers use of SSE2 in ordinary code: copying and clearing blocks, and arithmetic of double and float. The key is the
 * opcode with its prefix in front of it (0x66_0f6f). Everything else is an invalid opcode.
 */
const table = new Map<number, Execute>();
const KEY = 0x1000000;
export const vectorKey = ({ prefix, opcode }: Instruction): number => prefix * KEY + opcode;

const numbers = new DataView(new ArrayBuffer(8));
/** A double or float, as its bits say. */
function toNumber(bits: bigint, size: 4 | 8): number {
  numbers.setBigUint64(0, bits, true);
  return size === 8 ? numbers.getFloat64(0, true) : numbers.getFloat32(0, true);
}
function toBits(value: number, size: 4 | 8): bigint {
  numbers.setBigUint64(0, 0n, true);
  if (size === 8) numbers.setFloat64(0, value, true);
  else numbers.setFloat32(0, value, true);
  return numbers.getBigUint64(0, true);
}

/** Both halves of the operand. */
function loadWhole(r: Registers, i: Instruction): readonly [bigint, bigint] {
  const { rm } = i.modrm!;
  if (rm >= 0) return [r.vector[2 * rm]!, r.vector[2 * rm + 1]!];
  const at = r.addressOf(i.modrm!, i);
  return [r.memory.load(at, 8), r.memory.load(at + 8, 8)];
}
function loadLow(r: Registers, i: Instruction, size: 4 | 8): bigint {
  const { rm } = i.modrm!;
  return rm >= 0 ? BigInt.asUintN(size * 8, r.vector[2 * rm]!) : r.memory.load(r.addressOf(i.modrm!, i), size);
}
function setWhole(r: Registers, register: number, low: bigint, high: bigint): void {
  r.vector[2 * register] = low;
  r.vector[2 * register + 1] = high;
}
/** The lower bytes change, the others stay. */
function setLow(r: Registers, register: number, size: 4 | 8, bits: bigint): void {
  const old = r.vector[2 * register]!;
  r.vector[2 * register] = size === 8 ? bits : ((old >> 32n) << 32n) | BigInt.asUintN(32, bits);
}
function define(prefixes: readonly number[], opcodes: readonly number[], execute: Execute): void {
  for (const prefix of prefixes) for (const opcode of opcodes) table.set(prefix * KEY + opcode, execute);
}

// movups, movaps, movupd, movapd, movdqa, movdqu
const loadAll: Execute = (r, i) => setWhole(r, i.modrm!.reg, ...loadWhole(r, i));
const storeAll: Execute = (r, i) => {
  const { reg, rm } = i.modrm!;
  const [low, high] = [r.vector[2 * reg]!, r.vector[2 * reg + 1]!];
  if (rm >= 0) return setWhole(r, rm, low, high);
  const at = r.addressOf(i.modrm!, i);
  r.memory.store(at, 8, low);
  r.memory.store(at + 8, 8, high);
};
define([0, 0x66], [0x0f10, 0x0f28], loadAll);
define([0, 0x66], [0x0f11, 0x0f29, 0x0f2b, 0x0fe7], storeAll);
define([0x66, 0xf3], [0x0f6f], loadAll);
define([0x66, 0xf3], [0x0f7f], storeAll);

// movss, movsd
for (const [prefix, size] of [
  [0xf3, 4],
  [0xf2, 8],
] as const) {
  // prettier-ignore
  define([prefix], [0x0f10], (r, i) => {
    const { reg, rm } = i.modrm!;
    const bits = loadLow(r, i, size);
    // From memory the rest is cleared.
    if (rm < 0) setWhole(r, reg, bits, 0n);
    else setLow(r, reg, size, bits);
  });
  define([prefix], [0x0f11], (r, i) => {
    const { reg, rm } = i.modrm!;
    if (rm >= 0) setLow(r, rm, size, r.vector[2 * reg]!);
    else r.memory.store(r.addressOf(i.modrm!, i), size, BigInt.asUintN(size * 8, r.vector[2 * reg]!));
  });
  const arithmetic: readonly (readonly [number, (a: number, b: number) => number])[] = [
    [0x0f51, (_a, b) => Math.sqrt(b)],
    [0x0f58, (a, b) => a + b],
    [0x0f59, (a, b) => a * b],
    [0x0f5c, (a, b) => a - b],
    [0x0f5d, (a, b) => (a < b ? a : b)],
    [0x0f5e, (a, b) => a / b],
    [0x0f5f, (a, b) => (a > b ? a : b)],
  ];
  for (const [opcode, operate] of arithmetic)
    define([prefix], [opcode], (r, i) => {
      const { reg } = i.modrm!;
      const [a, b] = [toNumber(r.vector[2 * reg]!, size), toNumber(loadLow(r, i, size), size)];
      setLow(r, reg, size, toBits(operate(a, b), size));
    });
  // cvtsi2ss, cvtsi2sd; cvttss2si, cvttsd2si and, rounding, cvtss2si, cvtsd2si; cvtss2sd, cvtsd2ss
  define([prefix], [0x0f2a], (r, i) => {
    const from = i.size === 8 ? 8 : 4;
    setLow(r, i.modrm!.reg, size, toBits(Number(BigInt.asIntN(from * 8, r.readOperand(i, from))), size));
  });
  for (const [opcode, round] of [
    [0x0f2c, Math.trunc],
    [0x0f2d, roundToEven],
  ] as const)
    // prettier-ignore
    define([prefix], [opcode], (r, i) => {
      const to = i.size === 8 ? 8 : 4;
      const value = round(toNumber(loadLow(r, i, size), size));
      const limit = 2 ** (to * 8 - 1);
      const fits = value >= -limit && value < limit;
      // The "integer indefinite" of what does not fit.
      r.write(i.modrm!.reg, to, i.rex, fits ? BigInt(value) : BigInt(limit));
    });
  define([prefix], [0x0f5a], (r, i) => {
    const other = size === 8 ? 4 : 8;
    setLow(r, i.modrm!.reg, other, toBits(toNumber(loadLow(r, i, size), size), other));
  });
}
function roundToEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  return rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
}
// ucomiss, comiss, ucomisd, comisd
for (const [prefix, size] of [
  [0, 4],
  [0x66, 8],
] as const)
  // prettier-ignore
  define([prefix], [0x0f2e, 0x0f2f], (r, i) => {
    const [a, b] = [toNumber(r.vector[2 * i.modrm!.reg]!, size), toNumber(loadLow(r, i, size), size)];
    const isUnordered = Number.isNaN(a) || Number.isNaN(b);
    r.zero = isUnordered || a === b;
    r.parity = isUnordered;
    r.carry = isUnordered || a < b;
    r.overflow = r.sign = false;
  });

// movd and movq from and to general registers or memory
define([0x66], [0x0f6e], (r, i) => setWhole(r, i.modrm!.reg, r.readOperand(i, i.size === 8 ? 8 : 4), 0n));
define([0x66], [0x0f7e], (r, i) => r.writeOperand(i, i.size === 8 ? 8 : 4, r.vector[2 * i.modrm!.reg]!));
define([0xf3], [0x0f7e], (r, i) => setWhole(r, i.modrm!.reg, loadLow(r, i, 8), 0n));
define([0x66], [0x0fd6], (r, i) => {
  const { reg, rm } = i.modrm!;
  if (rm >= 0) setWhole(r, rm, r.vector[2 * reg]!, 0n);
  else r.memory.store(r.addressOf(i.modrm!, i), 8, r.vector[2 * reg]!);
});
// movlps, movlpd, movhps, movhpd; with registers movhlps and movlhps
define([0, 0x66], [0x0f12], (r, i) => {
  const { reg, rm } = i.modrm!;
  r.vector[2 * reg] = rm >= 0 ? r.vector[2 * rm + 1]! : loadLow(r, i, 8);
});
define([0, 0x66], [0x0f16], (r, i) => {
  r.vector[2 * i.modrm!.reg + 1] = loadLow(r, i, 8);
});
define([0, 0x66], [0x0f13], (r, i) => r.memory.store(r.addressOf(i.modrm!, i), 8, r.vector[2 * i.modrm!.reg]!));
define([0, 0x66], [0x0f17], (r, i) => r.memory.store(r.addressOf(i.modrm!, i), 8, r.vector[2 * i.modrm!.reg + 1]!));
// unpcklpd
define([0x66], [0x0f14], (r, i) => {
  r.vector[2 * i.modrm!.reg + 1] = loadWhole(r, i)[0];
});
// pand, pandn, por, pxor and their namesakes for floating point
const bitwise: readonly (readonly [integer: number, float: number, (a: bigint, b: bigint) => bigint])[] = [
  [0x0fdb, 0x0f54, (a, b) => a & b],
  [0x0fdf, 0x0f55, (a, b) => ~a & b],
  [0x0feb, 0x0f56, (a, b) => a | b],
  [0x0fef, 0x0f57, (a, b) => a ^ b],
];
for (const [integer, float, operate] of bitwise) {
  const execute: Execute = (r, i) => {
    const { reg } = i.modrm!;
    const [low, high] = loadWhole(r, i);
    setWhole(r, reg, operate(r.vector[2 * reg]!, low), operate(r.vector[2 * reg + 1]!, high));
  };
  // Without the prefix those of integers are MMX's.
  define([0x66], [integer], execute);
  define([0, 0x66], [float], execute);
}
for (const [opcode, execute] of LANE_INSTRUCTIONS) define([0x66], [0x0f00 | opcode], execute);
// pshufd
define([0x66], [0x0f70], (r, i) => {
  const [low, high] = loadWhole(r, i);
  const words = [low & 0xffffffffn, low >> 32n, high & 0xffffffffn, high >> 32n];
  const order = Number(i.immediate & 0xffn);
  const pick = (n: number): bigint => words[(order >> (2 * n)) & 3]!;
  setWhole(r, i.modrm!.reg, pick(0) | (pick(1) << 32n), pick(2) | (pick(3) << 32n));
});

/** How these are carried out, by prefix and opcode. */
export const VECTOR: ReadonlyMap<number, Execute> = table;
