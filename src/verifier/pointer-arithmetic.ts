import { ALU, type AluOp } from '../isa/opcodes.ts';
import type { Width } from '../isa/operation.ts';
import { FULL_32, S64_MIN, add64, negate64 } from './arc.ts';
import { MAX_OFFSET } from './limits.ts';
import { type Register, isPacket, typeName, withChanges, withValue } from './register.ts';
import { type Violation, registerViolation } from './rejection.ts';
import { Scalar, constant, plainConstant, resynced } from './scalar.ts';
import { tnumAdd, tnumSub } from './tnum.ts';

const MOVABLE: ReadonlySet<Register['type']> = new Set([
  'ctx',
  'map_value',
  'map_key',
  'fp',
  'pkt_meta',
  'pkt',
  'ptr_',
  'mem',
  'rdonly_mem',
  'ringbuf_mem',
  'func',
]);

/** The kernel's table of operators knows no signed ones (bpf_alu_string). */
export const symbolOf = (op: AluOp): string => ALU[op].mnemonic.replace(/^s(?=[/%])/, '');

/** The offset that a pointer has after adding or subtracting a number; only 64 bits of it are followed. */
function movedOffset(op: 'add' | 'sub', pointer: Scalar, by: Scalar): Scalar {
  const plain = op === 'add' ? pointer.plain + by.plain : pointer.plain - by.plain;
  if (Number.isSafeInteger(plain)) return plainConstant(plain + 0);
  if (pointer.isConst && by.isConst)
    return constant(op === 'add' ? pointer.value + by.value : pointer.value - by.value);
  return op === 'add'
    ? new Scalar(tnumAdd(pointer.bits, by.bits), add64(pointer.r64, by.r64), FULL_32)
    : new Scalar(tnumSub(pointer.bits, by.bits), add64(pointer.r64, negate64(by.r64)), FULL_32);
}

const PLAIN_MAX_OFFSET = Number(MAX_OFFSET);

/** An addend must be known to be small, whatever it is. */
function addendFault(dst: number, by: Scalar, pointer: Register): Violation | undefined {
  if (Math.abs(by.plain) < PLAIN_MAX_OFFSET) return undefined;
  const value = BigInt.asIntN(64, by.value);
  const kind = typeName(pointer);
  if (by.isConst && (value >= MAX_OFFSET || value <= -MAX_OFFSET)) {
    return registerViolation(dst, 'EINVAL', `math between ${kind} pointer and ${value} is not allowed`);
  }
  if (by.smin === S64_MIN) {
    const text = `math between ${kind} pointer and register with unbounded min value is not allowed`;
    return registerViolation(dst, 'EINVAL', text);
  }
  if (by.smin >= MAX_OFFSET || by.smin <= -MAX_OFFSET) {
    return registerViolation(dst, 'EINVAL', `value ${by.smin} makes ${kind} pointer be out of bounds`);
  }
  return undefined;
}

function offsetFault(dst: number, offset: Scalar, pointer: Register): Violation | undefined {
  if (Math.abs(offset.plain) < PLAIN_MAX_OFFSET) return undefined;
  const value = BigInt.asIntN(64, offset.value);
  const kind = typeName(pointer);
  if (offset.isConst && (value >= MAX_OFFSET || value <= -MAX_OFFSET)) {
    return registerViolation(dst, 'EINVAL', `${kind} pointer offset ${value} is not allowed`);
  }
  if (offset.smin >= MAX_OFFSET || offset.smin <= -MAX_OFFSET) {
    return registerViolation(dst, 'EINVAL', `${kind} pointer offset ${offset.smin} is not allowed`);
  }
  return undefined;
}

/** Whether a pointer and a number may be combined so; `dst` is the register that receives the result. */
export function pointerArithmeticFault(
  op: AluOp,
  width: Width,
  dst: number,
  dstIsPointer: boolean,
  pointer: Register,
  by: Scalar,
): Violation | undefined {
  const fail = (text: string): Violation => registerViolation(dst, 'EACCES', text);
  const kind = typeName(pointer);
  if (width === 32) return op === 'sub' ? undefined : fail(`R${dst} 32-bit pointer arithmetic prohibited`);
  if (pointer.maybeNull) return fail(`R${dst} pointer arithmetic on ${kind} prohibited, null-check it first`);
  const standsStill = pointer.type === 'map_ptr' && by.isZero && op === 'add';
  if (!MOVABLE.has(pointer.type) && !standsStill) return fail(`R${dst} pointer arithmetic on ${kind} prohibited`);
  const before = addendFault(dst, by, pointer) ?? offsetFault(dst, pointer.value, pointer);
  if (before !== undefined) return before;
  const symbol = symbolOf(op);
  switch (op) {
    case 'add':
      break;
    case 'sub':
      if (!dstIsPointer) return fail(`R${dst} tried to subtract pointer from scalar`);
      if (pointer.type === 'fp') return fail(`R${dst} subtraction from stack pointer prohibited`);
      break;
    case 'and':
    case 'or':
    case 'xor':
      return fail(`R${dst} bitwise operator ${symbol} on pointer prohibited`);
    default:
      return fail(`R${dst} pointer arithmetic with ${symbol} operator prohibited`);
  }
  return offsetFault(dst, movedOffset(op, pointer.value, by), pointer);
}

/** The pointer after an allowed addition or subtraction; `newId` is for packet pointers moved by an unknown number. */
export function movedPointer(op: 'add' | 'sub', pointer: Register, by: Scalar, newId: () => number): Register {
  const offset = movedOffset(op, pointer.value, by);
  const value = resynced(offset);
  if (!isPacket(pointer)) return withValue(pointer, value);
  const known = by.isConst;
  // A check against the packet's end holds for this base only; moving backwards keeps what is known ahead.
  const loses = pointer.range < 0 || (op === 'add' ? !known : !known && by.smin < 0n);
  return withChanges(pointer, {
    value,
    id: known ? pointer.id : newId(),
    range: loses ? 0 : pointer.range,
  });
}
