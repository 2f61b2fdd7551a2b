import type { Binary, Expression } from '../../ast/nodes.ts';
import type { Block } from '../ir/ir.ts';
import type { Lowerer } from './lowerer.ts';
import { lowerComparison } from './comparisons.ts';

/** Branches on an expression without making a 0 or 1 of it: short circuits and negations become edges. */
export function lowerCondition(l: Lowerer, node: Expression, then: Block, otherwise: Block): void {
  const { b } = l;
  if (node.kind === 'unary' && node.operator === '!') {
    l.condition(node.operand, otherwise, then);
    return;
  }
  if (node.kind === 'binary' && (node.operator === '&&' || node.operator === '||')) {
    const second = b.newBlock();
    if (node.operator === '&&') l.condition(node.left, second, otherwise);
    else l.condition(node.left, then, second);
    b.enter(second);
    l.condition(node.right, then, otherwise);
    return;
  }
  if (node.kind === 'binary' && isComparison(node)) {
    const test = lowerComparison(l, node);
    b.branch(test.jump, test.left, test.right, then, otherwise);
    return;
  }
  b.branch('jne', l.value(node), 0, then, otherwise);
}

export function isComparison(node: Binary): boolean {
  return ['==', '!=', '<', '>', '<=', '>='].includes(node.operator);
}
