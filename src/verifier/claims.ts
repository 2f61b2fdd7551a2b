import type { Insn } from '../isa/instruction.ts';
import type { AluOp, OperandSource } from '../isa/opcodes.ts';
import type { Operation, Width } from '../isa/operation.ts';

/** What must hold before an instruction may be carried out; `holds` decides, `step` then relies on it. */
export type Claim =
  | { readonly kind: 'readable'; readonly register: number }
  /** Anything but the frame pointer. */
  | { readonly kind: 'writable'; readonly register: number }
  | { readonly kind: 'nonzero_divisor'; readonly value: number }
  | { readonly kind: 'shift_amount'; readonly value: number; readonly width: Width }
  /** The operation is allowed on what the registers hold. */
  | {
      readonly kind: 'arithmetic';
      readonly op: AluOp;
      readonly width: Width;
      readonly dst: number;
      readonly source: OperandSource;
      readonly src: number;
      readonly imm: number;
    }
  | {
      readonly kind: 'memory';
      readonly register: number;
      readonly offset: number;
      readonly size: number;
      readonly write: boolean;
      readonly signed: boolean;
      /** Register whose content is stored. */
      readonly stored: number | undefined;
      readonly atomic: boolean;
    }
  /** Memory on which atomic operations work. */
  | { readonly kind: 'atomic_target'; readonly register: number; readonly verb: 'stores into' | 'loads from' }
  /** An atomic operation must not overwrite its own address before it is used. */
  | {
      readonly kind: 'address_survives';
      readonly address: number;
      readonly overwritten: number | undefined;
      readonly offset: number;
      readonly size: number;
    }
  /** The atomic operation exists, for operands of this size. */
  | { readonly kind: 'known_atomic'; readonly insn: Insn }
  /** This instruction is translated according to the kind of pointer, so that must not change from path to path. */
  | { readonly kind: 'one_pointer_kind'; readonly register: number; readonly merges: boolean }
  | { readonly kind: 'helper'; readonly id: number }
  | { readonly kind: 'helper_arguments'; readonly id: number }
  | { readonly kind: 'kernel_function'; readonly id: number }
  | { readonly kind: 'call_depth' }
  /** The legacy packet loads are allowed here. */
  | { readonly kind: 'loads_packet' }
  | { readonly kind: 'packet_context' }
  | { readonly kind: 'packet_context_unmoved' }
  | { readonly kind: 'nothing_held'; readonly what: string; readonly inMain: boolean }
  | { readonly kind: 'returns' }
  | { readonly kind: 'function_records' };

const readable = (register: number): Claim => ({ kind: 'readable', register });
const writable = (register: number): Claim => ({ kind: 'writable', register });

function aluClaims(insn: Insn, op: Extract<Operation, { kind: 'alu' }>): Claim[] {
  const { dst, src, imm } = insn;
  const operand = op.source === 'reg' ? [readable(src)] : [];
  if (op.op === 'mov') return [...operand, writable(dst)];
  const claims = [...operand, readable(dst)];
  if (op.source === 'imm') {
    if (op.op === 'div' || op.op === 'mod' || op.op === 'sdiv' || op.op === 'smod') {
      claims.push({ kind: 'nonzero_divisor', value: imm });
    }
    if (op.op === 'lsh' || op.op === 'rsh' || op.op === 'arsh') {
      claims.push({ kind: 'shift_amount', value: imm, width: op.width });
    }
  }
  claims.push(writable(dst));
  claims.push({ kind: 'arithmetic', op: op.op, width: op.width, dst, source: op.source, src, imm });
  return claims;
}

function atomicClaims(insn: Insn, op: Extract<Operation, { kind: 'atomic' }>): Claim[] {
  const { dst, src, off: offset } = insn;
  const loaded = !op.fetch ? undefined : op.op === 'cmpxchg' ? 0 : src;
  const memory = { kind: 'memory', register: dst, offset, size: op.size, signed: false, stored: undefined } as const;
  return [
    { kind: 'known_atomic', insn },
    readable(src),
    readable(dst),
    ...(op.op === 'cmpxchg' ? [readable(0)] : []),
    { kind: 'atomic_target', register: dst, verb: 'stores into' },
    ...(loaded === undefined ? [] : [writable(loaded)]),
    { kind: 'address_survives', address: dst, overwritten: loaded, offset, size: op.size },
    { ...memory, write: false, atomic: true },
    { kind: 'one_pointer_kind', register: dst, merges: false },
    { ...memory, write: true, atomic: true },
  ];
}

/** The claims of one instruction, in the order in which the kernel tests them. */
export function claims(insn: Insn, op: Operation): readonly Claim[] {
  const { dst, src, off: offset } = insn;
  switch (op.kind) {
    case 'alu':
      return aluClaims(insn, op);
    case 'neg':
    case 'end':
      return [readable(dst), writable(dst)];
    case 'movsx':
      return [readable(src), writable(dst)];
    case 'jump':
      return op.source === 'reg' ? [readable(dst), readable(src)] : [readable(dst)];
    case 'load':
      return [
        readable(src),
        writable(dst),
        {
          kind: 'memory',
          register: src,
          offset,
          size: op.size,
          write: false,
          signed: op.signed,
          stored: undefined,
          atomic: false,
        },
        { kind: 'one_pointer_kind', register: src, merges: true },
      ];
    case 'load_acquire':
      return [
        readable(src),
        { kind: 'atomic_target', register: src, verb: 'loads from' },
        writable(dst),
        {
          kind: 'memory',
          register: src,
          offset,
          size: op.size,
          write: false,
          signed: false,
          stored: undefined,
          atomic: true,
        },
        { kind: 'one_pointer_kind', register: src, merges: false },
      ];
    case 'store':
    case 'store_release': {
      const stored = op.kind === 'store_release' || op.source === 'reg' ? src : undefined;
      const atomic = op.kind === 'store_release';
      return [
        ...(stored === undefined ? [] : [readable(stored)]),
        readable(dst),
        { kind: 'memory', register: dst, offset, size: op.size, write: true, signed: false, stored, atomic },
        { kind: 'one_pointer_kind', register: dst, merges: false },
        ...(atomic ? [{ kind: 'atomic_target', register: dst, verb: 'stores into' } as const] : []),
      ];
    }
    case 'atomic':
      return atomicClaims(insn, op);
    case 'call':
      if (op.callee === 'subprogram') return [{ kind: 'call_depth' }];
      return [
        { kind: op.callee === 'kfunc' ? 'kernel_function' : 'helper', id: insn.imm },
        { kind: 'helper_arguments', id: insn.imm },
      ];
    case 'exit':
      return [{ kind: 'nothing_held', what: 'BPF_EXIT instruction in main prog', inMain: true }, { kind: 'returns' }];
    case 'ld_imm64':
      return op.pseudo === 'func' ? [writable(dst), { kind: 'function_records' }] : [writable(dst)];
    case 'ld_packet':
      return [
        { kind: 'loads_packet' },
        readable(6),
        { kind: 'nothing_held', what: 'BPF_LD_[ABS|IND]', inMain: true },
        { kind: 'packet_context' },
        ...(op.mode === 'ind' ? [readable(src)] : []),
        { kind: 'packet_context_unmoved' },
      ];
    case 'ja':
    case 'may_goto':
    case 'callx':
      return [];
  }
}
