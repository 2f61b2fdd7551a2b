import type { Insn } from '../isa/instruction.ts';
import type { Operation } from '../isa/operation.ts';
import { byteSwapped, compute, negated } from './arithmetic.ts';
import { S32_MIN } from './arc.ts';
import { withLinkId } from './memory.ts';
import { movedPointer } from './pointer-arithmetic.ts';
import { markPrecise } from './precision.ts';
import {
  type Register,
  UNKNOWN_SCALAR,
  immediateRegister,
  isPointer,
  scalarRegister,
  withLink,
  withValue,
  withoutLink,
} from './register.ts';
import {
  Scalar,
  constant,
  plainConstant,
  sane,
  signExtended,
  signExtended32,
  widthOf,
  zeroExtended32,
} from './scalar.ts';
import { tnumConst, tnumLow32IsConst, tnumWithLow32 } from './tnum.ts';
import { type Walk, fork, newId, registersOf } from './walk.ts';
import { currentFrame } from './state.ts';

type Alu = Extract<Operation, { kind: 'alu' }>;

function moveRegister(w: Walk, insn: Insn, width: 32 | 64): Register {
  const registers = registersOf(w);
  const source = registers[insn.src]!;
  if (width === 64) return (registers[insn.src] = withLinkId(w, source));
  if (source.type !== 'scalar') return scalarRegister(zeroExtended32(UNKNOWN_SCALAR.value));
  const fits = widthOf(source.value) <= 32;
  const from = fits ? (registers[insn.src] = withLinkId(w, source)) : withoutLink(source);
  return fits && from.value.isConst ? from : withValue(from, zeroExtended32(from.value));
}

function moveSigned(w: Walk, insn: Insn, op: Extract<Operation, { kind: 'movsx' }>): Register {
  const registers = registersOf(w);
  const source = registers[insn.src]!;
  if (source.type !== 'scalar') {
    return op.width === 64 ? UNKNOWN_SCALAR : scalarRegister(zeroExtended32(UNKNOWN_SCALAR.value));
  }
  const keepsValue = source.value.umax < 1n << BigInt(op.bits - 1);
  const from = keepsValue ? (registers[insn.src] = withLinkId(w, source)) : withoutLink(source);
  const bytes = op.bits / 8;
  const value = op.width === 64 ? signExtended(from.value, bytes) : zeroExtended32(signExtended32(from.value, bytes));
  return withValue(from, value);
}

/**
 * `&` and `|` with a constant on a number that is -1 or 0: following both cases apart is worth it, since compilers turn
 * conditions into such masks.
 */
function splitMask(w: Walk, insn: Insn, dst: Register): Register {
  const { value } = dst;
  const whole = value.smin === -1n && value.smax === 0n;
  if (!whole && !(value.s32min === -1 && value.s32max === 0)) return dst;
  const as = (known: bigint): Scalar =>
    whole
      ? constant(known)
      : new Scalar(tnumWithLow32(value.bits, tnumConst(BigInt.asUintN(32, known))), value.r64, {
          base: Number(BigInt.asUintN(32, known)),
          size: 0,
        });
  const other = fork(w, w.slot);
  const make = (v: Scalar): Register => (whole ? scalarRegister(v) : withValue(dst, v));
  currentFrame(other).registers[insn.dst] = make(as(0n));
  return make(as(-1n));
}

/** A number plus a constant stays tied to the numbers that it equalled. */
function linked(before: Register, after: Scalar, op: Alu, src: Scalar, sameRegister: boolean): Register {
  const plain = withValue(withoutLink(before), after);
  if ((op.op !== 'add' && op.op !== 'sub') || before.id === 0 || sameRegister || before.link !== 0) return plain;
  const known = src.isConst || (op.width === 32 && tnumLow32IsConst(src.bits));
  if (!known) return plain;
  if (op.width === 32 && before.value.umax > 0xffff_ffffn) return plain;
  const signed = op.width === 64 ? BigInt.asIntN(64, src.value) : BigInt.asIntN(32, src.value);
  if (signed !== BigInt.asIntN(32, signed)) return plain;
  const by = Number(signed);
  if (op.op === 'sub' && by === S32_MIN) return plain;
  return withLink(plain, before.id, op.width, op.op === 'add' ? by : -by);
}

function combine(w: Walk, insn: Insn, op: Alu): Register {
  if (op.op === 'mov') {
    if (op.source === 'reg') return moveRegister(w, insn, op.width);
    return op.width === 64 ? immediateRegister(insn.imm) : scalarRegister(plainConstant(insn.imm >>> 0));
  }
  const registers = registersOf(w);
  let dst = registers[insn.dst]!;
  const src = op.source === 'reg' ? registers[insn.src]! : immediateRegister(insn.imm);
  if (isPointer(dst) || isPointer(src)) return combinePointer(w, insn, op, dst, src);
  if ((op.op === 'and' || op.op === 'or') && src.value.isConst) dst = splitMask(w, insn, dst);
  if (dst.precise && op.source === 'reg') markPrecise(w, insn.src);
  const value =
    dst.value.isConst && src.value.isConst
      ? compute(op.op, dst.value, src.value, op.width)
      : sane(compute(op.op, dst.value, src.value, op.width));
  return linked(dst, value, op, src.value, op.source === 'reg' && insn.src === insn.dst);
}

function combinePointer(w: Walk, insn: Insn, op: Alu, dst: Register, src: Register): Register {
  // Differences of addresses, and what is left of them in 32 bits, are numbers of no meaning.
  if (isPointer(dst) && isPointer(src)) return UNKNOWN_SCALAR;
  const pointer = isPointer(dst) ? dst : src;
  const by = pointer === dst ? src : dst;
  if (pointer === src) markPrecise(w, insn.dst);
  else if (op.source === 'reg') markPrecise(w, insn.src);
  if (op.width === 32 || (op.op !== 'add' && op.op !== 'sub')) return UNKNOWN_SCALAR;
  return movedPointer(op.op, pointer, by.value, () => newId(w));
}

/** Arithmetic and moves. */
export function stepAlu(w: Walk, insn: Insn, op: Operation): void {
  const registers = registersOf(w);
  const dst = registers[insn.dst]!;
  switch (op.kind) {
    case 'alu':
      registers[insn.dst] = combine(w, insn, op);
      return;
    case 'movsx':
      registers[insn.dst] = moveSigned(w, insn, op);
      return;
    case 'neg':
      registers[insn.dst] = isPointer(dst)
        ? UNKNOWN_SCALAR
        : withoutLink(withValue(dst, sane(negated(dst.value, op.width))));
      return;
    case 'end': {
      if (isPointer(dst)) {
        registers[insn.dst] = UNKNOWN_SCALAR;
        return;
      }
      const value = sane(byteSwapped(dst.value, op.order, op.bits));
      const changed = withValue(dst, value);
      registers[insn.dst] = op.order === 'le' && op.bits === 64 ? changed : withoutLink(changed);
      return;
    }
    default:
      return;
  }
}
