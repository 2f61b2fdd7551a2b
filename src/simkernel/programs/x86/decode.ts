/**
 * Instructions of x86-64 as far as their length and operands go (Intel SDM volume 2, chapter 2 and appendix A). One byte of
 * opcode stands as it is, two as 0x0fNN, three as 0x0f38NN or 0x0f3aNN.
 */
export interface Instruction {
  readonly length: number;
  readonly opcode: number;
  /** 0x66, 0xf2 or 0xf3 in front, which with many opcodes means another instruction. */
  readonly prefix: 0 | 0x66 | 0xf2 | 0xf3;
  readonly rex: number;
  /** Bytes of an operand where the opcode does not say 1. */
  readonly size: 2 | 4 | 8;
  /** Accesses are relative to the thread's own data. */
  readonly threadLocal: boolean;
  readonly modrm: ModRm | undefined;
  /** With its sign. */
  readonly immediate: bigint;
  /** Encoded with a VEX or EVEX prefix. */
  readonly isVector: boolean;
}
export interface ModRm {
  readonly reg: number;
  /** A register, or -1: it is in memory. */
  readonly rm: number;
  /** Registers of the address; -1: none, RIP: the next instruction. */
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  readonly displacement: number;
}
export const RIP = 16;
/** Longer ones the CPU refuses. */
const MAX_LENGTH = 15;

/** Ranges of opcodes that a ModRM byte follows. */
const WITH_MODRM = ranges([0x62, 0x63], [0x69], [0x6b], [0x80, 0x8f], [0xc0, 0xc1], [0xc6, 0xc7], [0xd0, 0xd3], [0xd8, 0xdf], [0xf6, 0xf7], [0xfe, 0xff]); // prettier-ignore
const WITHOUT_MODRM_0F = ranges([0x05, 0x09], [0x0b], [0x0e], [0x30, 0x37], [0x77], [0x80, 0x8f], [0xa0, 0xa2], [0xa8, 0xaa], [0xc8, 0xcf]); // prettier-ignore
/** Not in 64-bit mode. */
const INVALID = ranges([0x06, 0x07], [0x0e], [0x16, 0x17], [0x1e, 0x1f], [0x27], [0x2f], [0x37], [0x3f], [0x60, 0x61], [0x82], [0x9a], [0xce], [0xd4, 0xd6], [0xea]); // prettier-ignore
const IMMEDIATE_8 = ranges([0x6a, 0x6b], [0x70, 0x7f], [0x80], [0x83], [0xa8], [0xb0, 0xb7], [0xc0, 0xc1], [0xc6], [0xcd], [0xe0, 0xe7], [0xeb]); // prettier-ignore
const IMMEDIATE_SIZED = ranges([0x68, 0x69], [0x81], [0xa9], [0xc7]);
const IMMEDIATE_32 = ranges([0xe8, 0xe9]);
const IMMEDIATE_8_0F = ranges([0x70, 0x73], [0xa4], [0xac], [0xba], [0xc2], [0xc4, 0xc6]);
/** Prefixes: operand size, address size, repetition, lock, segments. */
const PREFIXES: ReadonlySet<number> = new Set([0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65]);
const SEGMENT_FS = 0x64;

function ranges(...rows: readonly (readonly [from: number, to?: number])[]): ReadonlySet<number> {
  return new Set(rows.flatMap(([from, to = from]) => Array.from({ length: to - from + 1 }, (_, i) => from + i)));
}

class Reader {
  readonly bytes: Uint8Array;
  readonly start: number;
  at: number;
  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.start = at;
    this.at = at;
  }
  get next(): number {
    return this.bytes[this.at] ?? 0;
  }
  byte(): number {
    this.at += 1;
    return this.bytes[this.at - 1] ?? 0;
  }
  signed(size: number): bigint {
    let value = 0n;
    for (let i = 0; i < size; i += 1) value |= BigInt(this.byte()) << BigInt(8 * i);
    return BigInt.asIntN(8 * size, value);
  }
}

/** The instruction at an offset; undefined where none begins or it lies partly behind the end. */
export function decode(bytes: Uint8Array, at: number): Instruction | undefined {
  const r = new Reader(bytes, at);
  let operand16 = false;
  let address32 = false;
  let repeat: 0 | 0xf2 | 0xf3 = 0;
  let threadLocal = false;
  while (PREFIXES.has(r.next) && r.at - at < MAX_LENGTH) {
    const prefix = r.byte();
    operand16 ||= prefix === 0x66;
    address32 ||= prefix === 0x67;
    threadLocal ||= prefix === SEGMENT_FS;
    if (prefix === 0xf2 || prefix === 0xf3) repeat = prefix;
  }
  let rex = 0;
  if ((r.next & 0xf0) === 0x40) rex = r.byte();
  const first = r.byte();
  const vector = first === 0xc4 || first === 0xc5 || first === 0x62 ? readVectorPrefix(r, first) : undefined;
  let opcode = vector?.opcode ?? first;
  if (vector !== undefined) {
    rex = vector.rex;
  } else if (first === 0x0f) {
    opcode = 0x0f00 | r.byte();
    if (opcode === 0x0f38 || opcode === 0x0f3a) opcode = (opcode << 8) | r.byte();
  }
  if (opcode < 0x100 && INVALID.has(opcode)) return undefined;
  const size = (rex & 8) !== 0 ? 8 : operand16 ? 2 : 4;
  const modrm = hasModrm(opcode) ? readModrm(r, rex) : undefined;
  const immediate = r.signed(immediateSize(opcode, size, modrm?.reg ?? 0, address32));
  const length = r.at - at;
  if (length > MAX_LENGTH || r.at > bytes.length) return undefined;
  const prefix = repeat !== 0 ? repeat : operand16 ? 0x66 : 0;
  return { length, opcode, prefix, rex, size, threadLocal, modrm, immediate, isVector: vector !== undefined };
}

const MAPS: Readonly<Record<number, number>> = { 1: 0x0f00, 2: 0x0f3800, 3: 0x0f3a00 };
/** VEX of two and three bytes, EVEX: inverted register bits and a number that stands for the opcode's first bytes. */
function readVectorPrefix(r: Reader, first: number): { readonly opcode: number; readonly rex: number } {
  const second = r.byte();
  const inverted = (bits: number): number => (~second & bits) >>> 5;
  if (first === 0xc5) return { opcode: 0x0f00 | r.byte(), rex: 0x40 | ((~second & 0x80) >>> 5) };
  const third = r.byte();
  if (first === 0x62) r.byte();
  const map = first === 0x62 ? second & 7 : second & 0x1f;
  return { opcode: (MAPS[map] ?? 0x0f00) | r.byte(), rex: 0x40 | ((third & 0x80) >>> 4) | inverted(0xe0) };
}

function hasModrm(opcode: number): boolean {
  if (opcode >= 0x0f3800) return true;
  if (opcode >= 0x0f00) return !WITHOUT_MODRM_0F.has(opcode & 0xff);
  return (opcode < 0x40 && (opcode & 4) === 0) || WITH_MODRM.has(opcode);
}

function immediateSize(opcode: number, size: 2 | 4 | 8, reg: number, address32: boolean): number {
  const sized = size === 2 ? 2 : 4;
  if (opcode >= 0x0f3a00) return 1;
  if (opcode >= 0x0f3800) return 0;
  if (opcode >= 0x0f00) {
    const second = opcode & 0xff;
    return IMMEDIATE_8_0F.has(second) ? 1 : second >= 0x80 && second <= 0x8f ? 4 : 0;
  }
  if (opcode < 0x40) return (opcode & 7) === 4 ? 1 : (opcode & 7) === 5 ? sized : 0;
  if (IMMEDIATE_8.has(opcode)) return 1;
  if (IMMEDIATE_SIZED.has(opcode)) return sized;
  if (IMMEDIATE_32.has(opcode)) return 4;
  if (opcode >= 0xb8 && opcode <= 0xbf) return size;
  if (opcode >= 0xa0 && opcode <= 0xa3) return address32 ? 4 : 8;
  // Of this group only `test` has one.
  if (opcode === 0xf6 || opcode === 0xf7) return (reg & 7) < 2 ? (opcode === 0xf6 ? 1 : sized) : 0;
  if (opcode === 0xc2 || opcode === 0xca) return 2;
  return opcode === 0xc8 ? 3 : 0;
}

function readModrm(r: Reader, rex: number): ModRm {
  const byte = r.byte();
  const mod = byte >> 6;
  const reg = ((byte >> 3) & 7) | ((rex & 4) << 1);
  const low = byte & 7;
  const rm = low | ((rex & 1) << 3);
  if (mod === 3) return { reg, rm, base: -1, index: -1, scale: 1, displacement: 0 };
  let base = rm;
  let index = -1;
  let scale = 1;
  if (low === 4) {
    const sib = r.byte();
    const third = ((sib >> 3) & 7) | ((rex & 2) << 2);
    // Number 4 stands for no index.
    if (third !== 4) index = third;
    scale = 1 << (sib >> 6);
    base = (sib & 7) | ((rex & 1) << 3);
    if (mod === 0 && (sib & 7) === 5) base = -1;
  } else if (mod === 0 && low === 5) base = RIP;
  const wide = mod === 2 || (mod === 0 && (base === RIP || base === -1));
  const displacement = Number(r.signed(wide ? 4 : mod === 1 ? 1 : 0));
  return { reg, rm: -1, base, index, scale, displacement };
}

/** Marks where instructions start: from each of the places on, up to the next, one after the other. */
export function markBoundaries(
  bytes: Uint8Array,
  marks: Uint8Array,
  stretches: readonly { readonly from: number; readonly to: number }[],
): void {
  for (const { from, to } of stretches) {
    for (let at = from; at < to;) {
      const instruction = decode(bytes, at);
      if (instruction !== undefined) marks[at] = 1;
      at += instruction?.length ?? 1;
    }
  }
}
