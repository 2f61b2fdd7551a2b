import { type Value, isConst } from './ir.ts';

const DEPTH = 6;

function bitLength(value: bigint): number {
  return value < 0n ? 64 : value.toString(2).length - (value === 0n ? 1 : 0);
}

/** A number of bits such that, as an unsigned number, the value is surely below 2^bits. */
export function unsignedBits(value: Value, depth = DEPTH): number {
  if (depth <= 0) return 64;
  const of = (operand: Value): number => unsignedBits(operand, depth - 1);
  switch (value.op) {
    case 'const':
      return bitLength(value.value);
    case 'load':
      return value.signed ? 64 : value.size * 8;
    case 'compare':
      return 1;
    case 'extend':
      return value.signed
        ? of(value.value) < value.bits
          ? of(value.value)
          : 64
        : Math.min(value.bits, of(value.value));
    case 'phi':
      return Math.max(
        0,
        ...[...value.inputs.values()].map((input) => (input === value ? 0 : unsignedBits(input, depth >> 1))),
      );
    case 'alu': {
      const most = value.width;
      const right = isConst(value.right) ? value.right.value : undefined;
      switch (value.alu) {
        case 'and':
          return Math.min(most, of(value.left), of(value.right));
        case 'or':
        case 'xor':
          return Math.min(most, Math.max(of(value.left), of(value.right)));
        case 'rsh':
          return right === undefined ? most : Math.max(0, Math.min(most, of(value.left)) - Number(right));
        case 'lsh':
          return right === undefined ? most : Math.min(most, of(value.left) + Number(right));
        case 'add':
          return Math.min(most, Math.max(of(value.left), of(value.right)) + 1);
        case 'mul':
          return Math.min(most, of(value.left) + of(value.right));
        case 'div':
          return Math.min(most, of(value.left));
        case 'mod':
          return right !== undefined && right > 0n ? bitLength(right - 1n) : Math.min(most, of(value.left));
        default:
          return most;
      }
    }
    default:
      return 64;
  }
}

/** A number of bits from which, sign-extended, the value surely results. */
export function signedBits(value: Value, depth = DEPTH): number {
  if (value.op === 'const') return value.value < 0n ? bitLength(-value.value - 1n) + 1 : bitLength(value.value) + 1;
  if (value.op === 'load' && value.signed) return value.size * 8;
  if (depth <= 0) return 64;
  if (value.op === 'extend' && value.signed) return Math.min(value.bits, signedBits(value.value, depth - 1));
  if (value.op === 'phi' && depth > 0)
    return Math.max(
      ...[...value.inputs.values()].map((input) => (input === value ? 1 : signedBits(input, depth >> 1))),
    );
  return Math.min(64, unsignedBits(value, depth) + 1);
}
