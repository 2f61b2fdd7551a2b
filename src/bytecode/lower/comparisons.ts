import type { Binary, BinaryOperator } from '../../ast/nodes.ts';
import type { JumpOp } from '../../isa/opcodes.ts';
import { sizeOf } from '../../lang/layout.ts';
import type { Type } from '../../lang/types.ts';
import { bug } from '../../source/bug.ts';
import type { Value } from '../ir/ir.ts';
import type { Test } from './flow.ts';
import type { Lowerer } from './lowerer.ts';
import { materialize } from './memory.ts';
import { scalarShape } from './operand.ts';
import { compareBytes, compareStrings, compareText } from './strings.ts';

const COMPARISONS: Partial<Record<BinaryOperator, { readonly signed: JumpOp; readonly unsigned: JumpOp }>> = {
  '==': { signed: 'jeq', unsigned: 'jeq' },
  '!=': { signed: 'jne', unsigned: 'jne' },
  '<': { signed: 'jslt', unsigned: 'jlt' },
  '>': { signed: 'jsgt', unsigned: 'jgt' },
  '<=': { signed: 'jsle', unsigned: 'jle' },
  '>=': { signed: 'jsge', unsigned: 'jge' },
};

/** Evaluates both sides of a comparison down to one test of two registers. */
export function lowerComparison(l: Lowerer, node: Binary): Test {
  const row = COMPARISONS[node.operator] ?? bug(`${node.operator} compares nothing`);
  const leftType = l.typeOf(node.left);
  const rightType = l.typeOf(node.right);
  if (scalarShape(leftType) !== undefined && scalarShape(rightType) !== undefined) {
    const { left, right, signed } =
      isAddress(leftType) || isAddress(rightType) ? addresses(l, node) : commonOperands(l, node);
    return { jump: signed ? row.signed : row.unsigned, left, right };
  }
  const jump = row.unsigned;
  if (leftType.kind === 'string' && rightType.kind === 'string') {
    return { jump, left: compareStrings(l, node.left, node.right), right: 0 };
  }
  const leftPlace = materialize(l.b, leftType, l.expression(node.left));
  const rightPlace = materialize(l.b, rightType, l.expression(node.right));
  if (leftType.kind === 'buffer') {
    const size = Math.min(sizeOf(leftType), sizeOf(rightType));
    return { jump, left: compareText(l, leftPlace, rightPlace, size), right: 0 };
  }
  return { jump, left: compareBytes(l, leftPlace, rightPlace, sizeOf(leftType)), right: 0 };
}

const isAddress = (type: Type): boolean => type.kind === 'pointer';

/** A pointer meets an integer as an address, which has no sign: of a negative number the bits of its own width count. */
function addresses(
  l: Lowerer,
  node: { readonly left: Binary['left']; readonly right: Binary['right'] },
): { readonly left: Value; readonly right: Value; readonly signed: boolean } {
  const [left, right] = [node.left, node.right].map((side) => {
    const { size, signed } = shapeOf(l.typeOf(side));
    const value = l.value(side);
    return signed && size < 8 ? l.b.extend(value, (size * 8) as 8 | 16 | 32, false) : value;
  });
  return { left: left!, right: right!, signed: false };
}

/**
 * Both operands in the width of the wider one. As bpftrace does, each is extended by its own sign, then the bits of that
 * width count; the operation is signed when either is.
 */
export function commonOperands(
  l: Lowerer,
  node: { readonly left: Binary['left']; readonly right: Binary['right'] },
): { readonly left: Value; readonly right: Value; readonly signed: boolean; readonly size: number } {
  const leftType = l.typeOf(node.left);
  const rightType = l.typeOf(node.right);
  const a = shapeOf(leftType);
  const b = shapeOf(rightType);
  const size = Math.max(a.size, b.size);
  const signed = a.signed || b.signed;
  const fit = (value: Value, shape: { readonly size: number; readonly signed: boolean }): Value =>
    // An unsigned value of full width in a signed operation: its bits are to be read as signed.
    size < 8 && signed && !shape.signed && shape.size === size
      ? l.b.extend(value, (size * 8) as 8 | 16 | 32, true)
      : value;
  const left = fit(l.value(node.left), a);
  const right = fit(l.value(node.right), b);
  return { left, right, signed, size };
}

function shapeOf(type: Type): { readonly size: number; readonly signed: boolean } {
  return scalarShape(type) ?? bug(`a ${type.kind} has no width`);
}
