import type { Binary, Expression, IndexAccess, Node } from '../../ast/nodes.ts';
import { sizeOf } from '../../lang/layout.ts';
import { KIND_NAMES, typeName } from '../../lang/type-name.ts';

import { withRelated } from '../../source/diagnostic.ts';
import type { Span } from '../../source/source.ts';
import { error } from '../messages.ts';
import { isCompatible, isFlexible, isSigned, isInteger, sameType } from './typing.ts';
import { isNumeric } from './operators.ts';
import type { Checking } from './checking.ts';
import { typingOf } from './checking.ts';

/** `base[index]`: what may be indexed, by what, how far. */
export function checkIndex(node: IndexAccess, checking: Checking): void {
  const report = (message: string): void => checking.context.report(error('index', node.span, message));
  const base = typingOf(node.base, checking)?.type;
  if (base === undefined) return;
  if (base.kind === 'pointer' && sizeOf(base.to) === 0) {
    report('The array index operator [] cannot be used on a pointer to an unsized type (void *).');
  }
  if (node.index.kind === 'integer' && node.index.value >= 0n) {
    const count = base.kind === 'array' ? base.length : base.kind === 'string' ? base.size : 0;
    if (count !== 0 && node.index.value >= BigInt(count)) {
      report(`the index ${node.index.value} is out of bounds for array of size ${count}`);
    }
    return;
  }
  const index = typingOf(node.index, checking);
  if (index === undefined) return;
  if (!isInteger(index.type) || (isSigned(index.type) && !isFlexible(index.type))) {
    const got = typeName(index.type);
    report(`The array index operator [] only accepts non-negative integer indices. Got: ${got}`);
  }
}

/** `tuple.0` */
export function checkTupleAccess(node: Extract<Node, { kind: 'tuple_access' }>, checking: Checking): void {
  const base = typingOf(node.base, checking)?.type;
  const report = (message: string): void => checking.context.report(error('tuple-access', node.span, message));
  if (base?.kind !== 'tuple') {
    const name = base === undefined ? 'none' : typeName(base);
    report(`Can not access index '${node.index}' on expression of type '${name}'`);
  } else if (node.index >= base.elements.length) {
    report(`Invalid tuple index: ${node.index}. Found ${base.elements.length} elements in tuple.`);
  }
}

/** Both sides of an operator can meet. */
export function checkBinary(node: Binary, checking: Checking): void {
  const left = typingOf(node.left, checking);
  const right = typingOf(node.right, checking);
  if (left === undefined || right === undefined) return;
  if (isNumeric(left) && isNumeric(right)) return;
  if (left.type.kind === 'pointer' || right.type.kind === 'pointer') return;
  const report = (message: string): void => checking.context.report(error('operands', node.span, message));
  const equality = node.operator === '==' || node.operator === '!=';
  if (left.type.kind === 'array' && right.type.kind === 'array') {
    if (!equality) report(`The ${node.operator} operator cannot be used on arrays.`);
    if (left.type.length !== right.type.length) {
      report('Only arrays of same size support comparison operators.');
    }
    if (!isInteger(left.type.element) || !sameType(left.type, right.type)) {
      report('Only arrays of same sized integer support comparison operators.');
    }
    return;
  }
  const names = [typeName(left.type), typeName(right.type)] as const;
  if (!isCompatible(left.type, right.type)) {
    const text = `Type mismatch for '${node.operator}': comparing ${names[0]} with ${names[1]}`;
    const mismatch = withRelated(error('operands', node.span, text), `left (${names[0]})`, node.left.span);
    checking.context.report(withRelated(mismatch, `right (${names[1]})`, node.right.span));
  } else if (!equality) {
    report(`The ${node.operator} operator can not be used on expressions of types ${names[0]}, ${names[1]}`);
  }
}

/** What may stand where true or false is asked for. */
export function checkCondition(condition: Expression, span: Span, checking: Checking): void {
  const type = typingOf(condition, checking)?.type;
  if (type !== undefined && (isInteger(type) || type.kind === 'pointer' || type.kind === 'bool')) return;
  const text = `Invalid condition: ${type === undefined ? 'none' : KIND_NAMES[type.kind]}`;
  checking.context.report(error('condition', span, text));
}

/** A call or a block that yields nothing is no operand. What else has no type is reported for what it is. */
export function checkOperand(operand: Expression, checking: Checking): void {
  if (operand.kind !== 'call' && operand.kind !== 'block_expression') return;
  const type = typingOf(operand, checking)?.type;
  if (type !== undefined && type.kind !== 'void') return;
  checking.context.report(error('operands', operand.span, `Invalid operand: ${type === undefined ? 'none' : 'void'}`));
}
