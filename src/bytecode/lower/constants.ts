import type { Expression } from '../../ast/nodes.ts';
import type { Lowerer } from './lowerer.ts';
import { scalarShape } from './operand.ts';

/** The value of a literal, also behind the conversions that type checking put around it. */
export function constantOf(l: Lowerer, node: Expression): bigint | undefined {
  if (node.kind === 'integer') return node.value;
  if (node.kind !== 'cast') return undefined;
  const inner = constantOf(l, node.operand);
  const shape = scalarShape(l.typeOf(node));
  if (inner === undefined || shape === undefined) return undefined;
  const bits = shape.size * 8;
  return shape.signed ? BigInt.asIntN(bits, inner) : BigInt.asUintN(bits, inner);
}
