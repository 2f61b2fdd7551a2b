import type { JumpOp } from '../../isa/opcodes.ts';
import type { Width } from '../../isa/operation.ts';
import type { Alu } from './ir.ts';

/** What the instruction computes on known operands, as a signed 64-bit number. */
export function evaluateAlu(alu: Alu['alu'], width: Width, left: bigint, right: bigint): bigint {
  const bits = width;
  const a = BigInt.asUintN(bits, left);
  const b = BigInt.asUintN(bits, right);
  const sa = BigInt.asIntN(bits, left);
  const sb = BigInt.asIntN(bits, right);
  const shift = b & BigInt(width - 1);
  const result = ((): bigint => {
    switch (alu) {
      case 'add':
        return a + b;
      case 'sub':
        return a - b;
      case 'mul':
        return a * b;
      case 'div':
        return b === 0n ? 0n : a / b;
      case 'mod':
        return b === 0n ? a : a % b;
      case 'sdiv':
        return sb === 0n ? 0n : sa / sb;
      case 'smod':
        return sb === 0n ? sa : sa % sb;
      case 'or':
        return a | b;
      case 'and':
        return a & b;
      case 'xor':
        return a ^ b;
      case 'lsh':
        return a << shift;
      case 'rsh':
        return a >> shift;
      case 'arsh':
        return sa >> shift;
    }
  })();
  // A 32-bit result is zero-extended.
  return BigInt.asIntN(64, BigInt.asUintN(bits, result));
}

export function evaluateCompare(jump: JumpOp, width: Width, left: bigint, right: bigint): boolean {
  const a = BigInt.asUintN(width, left);
  const b = BigInt.asUintN(width, right);
  const sa = BigInt.asIntN(width, left);
  const sb = BigInt.asIntN(width, right);
  switch (jump) {
    case 'jeq':
      return a === b;
    case 'jne':
      return a !== b;
    case 'jgt':
      return a > b;
    case 'jge':
      return a >= b;
    case 'jlt':
      return a < b;
    case 'jle':
      return a <= b;
    case 'jsgt':
      return sa > sb;
    case 'jsge':
      return sa >= sb;
    case 'jslt':
      return sa < sb;
    case 'jsle':
      return sa <= sb;
    case 'jset':
      return (a & b) !== 0n;
  }
}

export function evaluateExtend(bits: 8 | 16 | 32, signed: boolean, value: bigint): bigint {
  return signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}
