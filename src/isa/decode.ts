import type { Insn } from './instruction.ts';
import type { AccessSize, AluOp, AtomicOp, CalleeKind, JumpOp, OperandSource, PseudoKind } from './opcodes.ts';
import {
  ALU,
  ATOMIC,
  ATOMIC_FETCH,
  CALL,
  CALLEE,
  CLASS,
  CLASS_MASK,
  END,
  EXIT,
  JA,
  JCOND,
  JUMP,
  LOAD_ACQUIRE,
  MODE,
  MODE_MASK,
  NEG,
  OP_MASK,
  PSEUDO,
  SIZE_BITS,
  SIZE_MASK,
  SOURCE,
  STORE_RELEASE,
} from './opcodes.ts';
import type { Operation, Width } from './operation.ts';

/** The first slot's opcode of a 64-bit immediate load. */
export const LD_IMM64 = CLASS.ld | MODE.imm | SIZE_BITS[8];

/**
 * What an instruction means; undefined when its opcode, or a field that selects a variant, is reserved. Fields that the
 * operation merely ignores are not looked at: see `unusedField`.
 */
export function decode(insn: Insn): Operation | undefined {
  switch (insn.code & CLASS_MASK) {
    case CLASS.ld:
      return decodeLd(insn);
    case CLASS.ldx:
      return decodeLdx(insn);
    case CLASS.st:
      return modeOf(insn) === MODE.mem ? { kind: 'store', size: sizeOf(insn), source: 'imm' } : undefined;
    case CLASS.stx:
      return decodeStx(insn);
    case CLASS.alu:
      return decodeAlu(insn, 32);
    case CLASS.alu64:
      return decodeAlu(insn, 64);
    case CLASS.jmp:
      return decodeJump(insn, 64);
    default:
      return decodeJump(insn, 32);
  }
}

/** Whether the instruction takes two slots. */
export function isWide(insn: Insn): boolean {
  return insn.code === LD_IMM64;
}

function decodeLd(insn: Insn): Operation | undefined {
  const size = sizeOf(insn);
  if (insn.code === LD_IMM64) {
    const pseudo = PSEUDO_BY_SRC.get(insn.src);
    return pseudo === undefined ? undefined : { kind: 'ld_imm64', pseudo };
  }
  if (size === 8) return undefined;
  if (modeOf(insn) === MODE.abs) return { kind: 'ld_packet', mode: 'abs', size };
  if (modeOf(insn) === MODE.ind) return { kind: 'ld_packet', mode: 'ind', size };
  return undefined;
}

function decodeLdx(insn: Insn): Operation | undefined {
  const size = sizeOf(insn);
  if (modeOf(insn) === MODE.mem) return { kind: 'load', size, signed: false };
  if (modeOf(insn) === MODE.memsx && size !== 8) return { kind: 'load', size, signed: true };
  return undefined;
}

function decodeStx(insn: Insn): Operation | undefined {
  const size = sizeOf(insn);
  if (modeOf(insn) === MODE.mem) return { kind: 'store', size, source: 'reg' };
  if (modeOf(insn) !== MODE.atomic) return undefined;
  if (insn.imm === LOAD_ACQUIRE) return { kind: 'load_acquire', size };
  if (insn.imm === STORE_RELEASE) return { kind: 'store_release', size };
  if (size < 4) return undefined;
  const exact = ATOMIC_BY_IMM.get(insn.imm);
  if (exact !== undefined) return { kind: 'atomic', op: exact, size, fetch: (insn.imm & ATOMIC_FETCH) !== 0 };
  const fetching = insn.imm & ATOMIC_FETCH ? ATOMIC_BY_IMM.get(insn.imm & ~ATOMIC_FETCH) : undefined;
  return fetching === undefined ? undefined : { kind: 'atomic', op: fetching, size, fetch: true };
}

function decodeAlu(insn: Insn, width: Width): Operation | undefined {
  const source = sourceOf(insn);
  const code = insn.code & OP_MASK;
  if (code === NEG) return source === 'imm' ? { kind: 'neg', width } : undefined;
  if (code === END) return decodeEnd(insn, width, source);
  if (code === ALU.mov.code && source === 'reg' && insn.off !== 0) {
    const bits = insn.off;
    if (bits === 8 || bits === 16 || (bits === 32 && width === 64)) return { kind: 'movsx', width, bits };
    return undefined;
  }
  // Only division and modulo have variants; elsewhere a stray `off` is an unused field, not another operation.
  const variant = code === ALU.div.code || code === ALU.mod.code ? insn.off : 0;
  const op = ALU_BY_CODE.get(aluKey(code, variant));
  return op === undefined ? undefined : { kind: 'alu', op, width, source };
}

function decodeEnd(insn: Insn, width: Width, source: OperandSource): Operation | undefined {
  const bits = insn.imm;
  if (bits !== 16 && bits !== 32 && bits !== 64) return undefined;
  if (width === 64) return source === 'imm' ? { kind: 'end', order: 'bswap', bits } : undefined;
  return { kind: 'end', order: source === 'imm' ? 'le' : 'be', bits };
}

function decodeJump(insn: Insn, width: Width): Operation | undefined {
  const source = sourceOf(insn);
  const code = insn.code & OP_MASK;
  if (code === JA) return source === 'imm' ? { kind: 'ja', wide: width === 32 } : undefined;
  const op = JUMP_BY_CODE.get(code);
  if (op !== undefined) return { kind: 'jump', op, width, source };
  if (width === 32) return undefined;
  if (code === CALL) {
    if (source === 'reg') return { kind: 'callx' };
    const callee = CALLEE_BY_SRC.get(insn.src);
    return callee === undefined ? undefined : { kind: 'call', callee };
  }
  if (source === 'reg') return undefined;
  if (code === EXIT) return { kind: 'exit' };
  return code === JCOND ? { kind: 'may_goto' } : undefined;
}

export type Field = 'dst' | 'src' | 'off' | 'imm';

/** The fields of the (first) slot that carry meaning for an operation. */
function usedFields(operation: Operation): readonly Field[] {
  switch (operation.kind) {
    case 'alu':
      return operation.source === 'reg'
        ? USED.dstSrcOff(isSigned(operation.op))
        : USED.dstImmOff(isSigned(operation.op));
    case 'neg':
      return ['dst'];
    case 'movsx':
      return ['dst', 'src', 'off'];
    case 'end':
      return ['dst', 'imm'];
    case 'jump':
      return operation.source === 'reg' ? ['dst', 'src', 'off'] : ['dst', 'off', 'imm'];
    case 'ja':
      return operation.wide ? ['imm'] : ['off'];
    case 'may_goto':
      return ['off'];
    case 'call':
      return operation.callee === 'kfunc' ? ['src', 'imm', 'off'] : ['src', 'imm'];
    case 'callx':
      return ['dst'];
    case 'exit':
      return [];
    case 'load':
      return ['dst', 'src', 'off'];
    case 'store':
      return operation.source === 'reg' ? ['dst', 'src', 'off'] : ['dst', 'off', 'imm'];
    case 'atomic':
    case 'load_acquire':
    case 'store_release':
      return ['dst', 'src', 'off', 'imm'];
    case 'ld_imm64':
      return ['dst', 'src', 'imm'];
    case 'ld_packet':
      return operation.mode === 'ind' ? ['src', 'imm'] : ['imm'];
  }
}

/** The first field that is set though the operation does not use it; the kernel refuses most such instructions. */
export function unusedField(insn: Insn, operation: Operation): Field | undefined {
  const used = usedFields(operation);
  return FIELDS.find((field) => insn[field] !== 0 && !used.includes(field));
}

const FIELDS: readonly Field[] = ['dst', 'src', 'off', 'imm'];

const USED = {
  dstSrcOff: (withOff: boolean): readonly Field[] => (withOff ? ['dst', 'src', 'off'] : ['dst', 'src']),
  dstImmOff: (withOff: boolean): readonly Field[] => (withOff ? ['dst', 'off', 'imm'] : ['dst', 'imm']),
};

function isSigned(op: AluOp): boolean {
  return op === 'sdiv' || op === 'smod';
}

function sourceOf(insn: Insn): OperandSource {
  return (insn.code & SOURCE.reg) !== 0 ? 'reg' : 'imm';
}

function modeOf(insn: Insn): number {
  return insn.code & MODE_MASK;
}

function sizeOf(insn: Insn): AccessSize {
  switch (insn.code & SIZE_MASK) {
    case SIZE_BITS[1]:
      return 1;
    case SIZE_BITS[2]:
      return 2;
    case SIZE_BITS[4]:
      return 4;
    default:
      return 8;
  }
}

function aluKey(code: number, off: number): number {
  return (code << 16) | (off & 0xffff);
}

/** The keys of a table, with their literal type. */
function keysOf<K extends string>(table: Record<K, unknown>): K[] {
  return Object.keys(table) as K[];
}

const ALU_BY_CODE: ReadonlyMap<number, AluOp> = new Map(
  keysOf(ALU).map((op) => {
    const row: { code: number; off?: number } = ALU[op];
    return [aluKey(row.code, row.off ?? 0), op];
  }),
);
const JUMP_BY_CODE: ReadonlyMap<number, JumpOp> = new Map(keysOf(JUMP).map((op) => [JUMP[op].code, op]));
const ATOMIC_BY_IMM: ReadonlyMap<number, AtomicOp> = new Map(keysOf(ATOMIC).map((op) => [ATOMIC[op].code, op]));
const PSEUDO_BY_SRC: ReadonlyMap<number, PseudoKind> = new Map(keysOf(PSEUDO).map((kind) => [PSEUDO[kind], kind]));
const CALLEE_BY_SRC: ReadonlyMap<number, CalleeKind> = new Map(keysOf(CALLEE).map((kind) => [CALLEE[kind], kind]));
