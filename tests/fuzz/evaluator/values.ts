import { sizeOf } from '../../../src/lang/layout.ts';
import type { Type } from '../../../src/lang/types.ts';

/** A number inside its type's range, text, or the elements of a tuple. */
export type Value = bigint | string | readonly Value[];

/** How a number is stored. */
export interface Integer {
  readonly bits: number;
  readonly signed: boolean;
}

export function integer(type: Type): Integer {
  switch (type.kind) {
    case 'bool':
      return { bits: 8, signed: false };
    case 'int':
      return { bits: type.size * 8, signed: type.signed };
    case 'enum':
      return { bits: 64, signed: false };
    case 'count':
      return { bits: 64, signed: false };
    case 'sum':
    case 'min':
    case 'max':
    case 'avg':
      return { bits: 64, signed: type.signed };
    default:
      throw new Error(`a ${type.kind} is no integer`);
  }
}

export function fit(value: bigint, { bits, signed }: Integer): bigint {
  return signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

/** The value as its type can hold it: numbers wrap, text is cut. */
export function fitted(value: Value, type: Type): Value {
  if (typeof value === 'bigint') return fit(value, integer(type));
  if (typeof value === 'string') return type.kind === 'string' ? value.slice(0, sizeOf(type) - 1) : value;
  if (type.kind === 'record') return value.map((element, index) => fitted(element, type.fields[index]!.type));
  return type.kind === 'tuple' ? value.map((element, index) => fitted(element, type.elements[index]!)) : value;
}

export function zeroOf(type: Type): Value {
  if (type.kind === 'string') return '';
  if (type.kind === 'record') return type.fields.map((field) => zeroOf(field.type));
  if (type.kind === 'array') return Array.from({ length: type.length }, () => zeroOf(type.element));
  return type.kind === 'tuple' ? type.elements.map(zeroOf) : 0n;
}

export function keyText(value: Value): string {
  return typeof value === 'object'
    ? `(${value.map(keyText).join()})`
    : typeof value === 'string'
      ? JSON.stringify(value)
      : String(value);
}

interface Operands extends Integer {
  readonly left: bigint;
  readonly right: bigint;
}

/** The low bits of the result; division and shifts to the right are unsigned whatever the signs. */
export function arithmetic(operator: string, { left, right, bits }: Operands): bigint {
  const [a, b] = [BigInt.asUintN(bits, left), BigInt.asUintN(bits, right)];
  switch (operator) {
    case '+':
      return BigInt.asUintN(bits, a + b);
    case '-':
      return BigInt.asUintN(bits, a - b);
    case '*':
      return BigInt.asUintN(bits, a * b);
    // A divisor of zero makes 1.
    case '/':
      return b === 0n ? 1n : a / b;
    case '%':
      return b === 0n ? 1n : a % b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '<<':
      return BigInt.asUintN(bits, a << b);
    case '>>':
      return a >> b;
    default:
      throw new Error(`no operator ${operator}`);
  }
}

export const COMPARE: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
};
