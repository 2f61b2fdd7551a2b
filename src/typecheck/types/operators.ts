import type { Binary, BinaryOperator } from '../../ast/nodes.ts';
import type { Diagnostic } from '../../source/diagnostic.ts';
import { withRelated } from '../../source/diagnostic.ts';
import { typeName } from '../../lang/type-name.ts';
import { BOOL, INT64, UINT64, intType } from '../../lang/types.ts';
import { error, warning } from '../messages.ts';
import { isCastableMap, isFlexible, isInteger, isSigned, sameType, typing } from './typing.ts';
import type { Typing } from './typing.ts';

const COMPARISONS: ReadonlySet<BinaryOperator> = new Set(['==', '!=', '<', '>', '<=', '>=', '&&', '||']);

/** Whether the result is a bool: comparisons and logical operators. */
export function isComparison(operator: BinaryOperator): boolean {
  return COMPARISONS.has(operator);
}

/** The type of a binary expression. */
export function binaryTyping(
  node: Binary,
  left: Typing,
  right: Typing,
  report: (diagnostic: Diagnostic) => void,
): Typing | undefined {
  if (left.type.kind === 'bool' && right.type.kind === 'bool') return typing(BOOL);
  if (left.type.kind === 'pointer' || right.type.kind === 'pointer') return pointerTyping(node, left, right, report);
  let space = left.space !== 'none' ? left.space : right.space;
  if (left.space !== right.space && left.space !== 'none' && right.space !== 'none') {
    report(warning('address-space-mismatch', node.span, 'Addrspace mismatch'));
    space = 'none';
  }
  if (isNumeric(left) && isNumeric(right)) return { ...integerTyping(node, left, right, report), space };
  if (isComparison(node.operator)) return typing(BOOL, space);
  const signed = isShift(node.operator) ? isSigned(left.type) : isSigned(left.type) || isSigned(right.type);
  return typing(intType(8, signed), space);
}

function isShift(operator: BinaryOperator): boolean {
  return operator === '<<' || operator === '>>';
}

/** What counts as an integer operand. */
export function isNumeric(operand: Typing): boolean {
  return isInteger(operand.type) || isCastableMap(operand.type) || operand.type.kind === 'bool';
}

function pointerTyping(
  node: Binary,
  left: Typing,
  right: Typing,
  report: (diagnostic: Diagnostic) => void,
): Typing | undefined {
  const operator = node.operator;
  const leftIsPointer = left.type.kind === 'pointer';
  const pointer = leftIsPointer ? left : right;
  const other = leftIsPointer ? right : left;
  const logical = operator === '&&' || operator === '||';
  const compares = isComparison(operator) && !logical;
  const invalid = (): undefined => {
    report(invalidOperands(node, left, right));
    return undefined;
  };
  if (other.type.kind === 'pointer' && left.type.kind === 'pointer' && right.type.kind === 'pointer') {
    if (compares && !sameType(left.type.to, right.type.to)) {
      const leftName = typeName(left.type.to);
      const rightName = typeName(right.type.to);
      const text = `comparison of distinct pointer types: ${leftName}, ${rightName}`;
      const distinct = warning('distinct-pointers', node.span, text);
      const withLeft = withRelated(distinct, `left (${leftName})`, node.left.span);
      report(withRelated(withLeft, `right (${rightName})`, node.right.span));
    }
    return compares || logical ? typing(BOOL) : invalid();
  }
  if (!isInteger(other.type) && other.type.kind !== 'bool') return invalid();
  if (operator === '-' && !leftIsPointer) return invalid();
  if (operator === '+' || operator === '-') return typing(pointer.type, pointer.space);
  return compares || logical ? typing(BOOL) : invalid();
}

function invalidOperands(node: Binary, left: Typing, right: Typing): Diagnostic {
  const types = `${typeName(left.type)}, ${typeName(right.type)}`;
  const text = `The ${node.operator} operator can not be used on expressions of types ${types}`;
  return error('invalid-operands', node.span, text);
}

function integerTyping(node: Binary, left: Typing, right: Typing, report: (diagnostic: Diagnostic) => void): Typing {
  if (isComparison(node.operator)) return typing(BOOL);
  let leftSigned = isSigned(left.type);
  let rightSigned = isSigned(right.type);
  if (isFlexible(left.type) && !isFlexible(right.type)) leftSigned = rightSigned;
  else if (isFlexible(right.type) && !isFlexible(left.type)) rightSigned = leftSigned;
  const minus = node.operator === '-';
  // Operands of one type are taken to be meant so, even when they are signed.
  const same = leftSigned === rightSigned && sameType(unsigned(left), unsigned(right));
  if (!same && (node.operator === '/' || node.operator === '%') && (leftSigned || rightSigned)) {
    const text = `signed operands for '${node.operator}' can lead to undefined behavior (cast to unsigned to silence warning)`;
    report(warning('signed-division', node.span, text));
  }
  return typing(leftSigned || rightSigned || minus ? INT64 : UINT64);
}

function unsigned(operand: Typing): Typing['type'] {
  return operand.type.kind === 'int' ? intType(operand.type.size, false) : operand.type;
}
