import type { Width } from '../isa/operation.ts';
import type { Scalar } from './scalar.ts';

/** A power of two. */
const PLACES = 1024;

interface Entry<Op, Result> {
  readonly op: Op;
  readonly width: Width;
  readonly left: Scalar;
  readonly right: Scalar;
  readonly result: Result;
}

/**
 * What an operation gave for two numbers, by their identity: paths meet the same instruction with the same numbers again
 * and again, and the programs of a script ask the same of the few numbers that they share (an unknown one, constants).
 * A new result takes the place of an older one, so that nothing grows. Sound because numbers do not change and the
 * operations depend on nothing else.
 */
export function remembered<Op extends string, Result>(
  operation: (op: Op, left: Scalar, right: Scalar, width: Width) => Result,
): (op: Op, left: Scalar, right: Scalar, width: Width) => Result {
  const entries = new Array<Entry<Op, Result> | undefined>(PLACES).fill(undefined);
  return (op, left, right, width) => {
    const place = (left.serial * 31 + right.serial * 17 + op.charCodeAt(op.length - 1) + width) & (PLACES - 1);
    const known = entries[place];
    if (known?.left === left && known.right === right && known.op === op && known.width === width) return known.result;
    const result = operation(op, left, right, width);
    entries[place] = { op, width, left, right, result };
    return result;
  };
}
