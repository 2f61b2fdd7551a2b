/**
 * The opcode tables of RFC 9669. The opcode byte:
 *
 *   7   4   3   2   0
 *  +------+---+-------+        +-------+------+-------+
 *  |  op  | s | class |   or   | mode  | size | class |
 *  +------+---+-------+        +-------+------+-------+
 */
export const CLASS = {
  ld: 0x00,
  ldx: 0x01,
  st: 0x02,
  stx: 0x03,
  alu: 0x04,
  jmp: 0x05,
  jmp32: 0x06,
  alu64: 0x07,
} as const;
export type InsnClass = keyof typeof CLASS;

/** Bit 3 of arithmetic and jump opcodes. */
export const SOURCE = { imm: 0x00, reg: 0x08 } as const;
export type OperandSource = keyof typeof SOURCE;

export const MODE = { imm: 0x00, abs: 0x20, ind: 0x40, mem: 0x60, memsx: 0x80, atomic: 0xc0 } as const;
export type AccessMode = keyof typeof MODE;

/** Which bits of an opcode are its class, its mode (of loads and stores), its operation (of all others). */
export const CLASS_MASK = 0x07;
export const MODE_MASK = 0xe0;
export const OP_MASK = 0xf0;

/** Access sizes in bytes and their size bits. */
export const SIZE_BITS = { 4: 0x00, 2: 0x08, 1: 0x10, 8: 0x18 } as const;
export type AccessSize = keyof typeof SIZE_BITS;
export const SIZE_MASK = 0x18;

export interface AluRow {
  readonly code: number;
  /** As in the kernel's disassembly: `r1 += r2`. */
  readonly mnemonic: string;
  /** The `off` field that selects the signed variant of div and mod. */
  readonly off?: number;
  /** The operands may change places. */
  readonly commutative?: true;
}
/** Binary operations and moves; `neg`, `end` and `movsx` have shapes of their own. */
export const ALU = {
  add: { code: 0x00, mnemonic: '+=', commutative: true },
  sub: { code: 0x10, mnemonic: '-=' },
  mul: { code: 0x20, mnemonic: '*=', commutative: true },
  div: { code: 0x30, mnemonic: '/=' },
  or: { code: 0x40, mnemonic: '|=', commutative: true },
  and: { code: 0x50, mnemonic: '&=', commutative: true },
  lsh: { code: 0x60, mnemonic: '<<=' },
  rsh: { code: 0x70, mnemonic: '>>=' },
  mod: { code: 0x90, mnemonic: '%=' },
  xor: { code: 0xa0, mnemonic: '^=', commutative: true },
  mov: { code: 0xb0, mnemonic: '=' },
  arsh: { code: 0xc0, mnemonic: 's>>=' },
  sdiv: { code: 0x30, mnemonic: 's/=', off: 1 },
  smod: { code: 0x90, mnemonic: 's%=', off: 1 },
} as const satisfies Record<string, AluRow>;
export type AluOp = keyof typeof ALU;

export function isCommutative(op: AluOp): boolean {
  const row: AluRow = ALU[op];
  return row.commutative === true;
}

export const NEG = 0x80;
export const END = 0xd0;

export interface JumpRow {
  readonly code: number;
  /** As in the kernel's disassembly: `if r1 s> r2 goto +3`. */
  readonly mnemonic: string;
  /** The comparison that holds exactly when this one does not; a bit test has none. */
  readonly inverse: string | undefined;
  /** The comparison that says the same with its operands exchanged. */
  readonly swapped: string;
}
export const JUMP = {
  jeq: { code: 0x10, mnemonic: '==', inverse: 'jne', swapped: 'jeq' },
  jgt: { code: 0x20, mnemonic: '>', inverse: 'jle', swapped: 'jlt' },
  jge: { code: 0x30, mnemonic: '>=', inverse: 'jlt', swapped: 'jle' },
  jset: { code: 0x40, mnemonic: '&', inverse: undefined, swapped: 'jset' },
  jne: { code: 0x50, mnemonic: '!=', inverse: 'jeq', swapped: 'jne' },
  jsgt: { code: 0x60, mnemonic: 's>', inverse: 'jsle', swapped: 'jslt' },
  jsge: { code: 0x70, mnemonic: 's>=', inverse: 'jslt', swapped: 'jsle' },
  jlt: { code: 0xa0, mnemonic: '<', inverse: 'jge', swapped: 'jgt' },
  jle: { code: 0xb0, mnemonic: '<=', inverse: 'jgt', swapped: 'jge' },
  jslt: { code: 0xc0, mnemonic: 's<', inverse: 'jsge', swapped: 'jsgt' },
  jsle: { code: 0xd0, mnemonic: 's<=', inverse: 'jsgt', swapped: 'jsge' },
} as const satisfies Record<string, JumpRow>;
export type JumpOp = keyof typeof JUMP;
export const JA = 0x00;
export const CALL = 0x80;
/** The opcode of every call; `src` tells whom. */
export const CALL_CODE = CLASS.jmp | CALL;
export const EXIT = 0x90;
/** may_goto (Linux 6.9+). */
export const JCOND = 0xe0;

/** The `imm` field of an atomic store selects the operation; FETCH returns the old value. */
export const ATOMIC_FETCH = 0x01;
export const ATOMIC = {
  add: { code: 0x00 },
  or: { code: 0x40 },
  and: { code: 0x50 },
  xor: { code: 0xa0 },
  xchg: { code: 0xe0 | ATOMIC_FETCH },
  cmpxchg: { code: 0xf0 | ATOMIC_FETCH },
} as const satisfies Record<string, { readonly code: number }>;
export type AtomicOp = keyof typeof ATOMIC;
/** Linux 6.15+: load-acquire and store-release, encoded as atomics. */
export const LOAD_ACQUIRE = 0x100;
export const STORE_RELEASE = 0x110;

/** `src` of ld_imm64 (RFC 9669, section 5.4; names of include/uapi/linux/bpf.h). */
export const PSEUDO = { none: 0, map_fd: 1, map_value: 2, btf_id: 3, func: 4, map_idx: 5, map_idx_value: 6 } as const;
export type PseudoKind = keyof typeof PSEUDO;

/** `src` of call. */
export const CALLEE = { helper: 0, subprogram: 1, kfunc: 2 } as const;
export type CalleeKind = keyof typeof CALLEE;
