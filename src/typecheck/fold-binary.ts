import type { Binary, BinaryOperator, Expression, StringLiteral } from '../ast/nodes.ts';
import { literalBytes, literalOfBytes } from '../lang/literal-bytes.ts';
import type { PassContext } from './context.ts';
import { booleanNode, integerNode, isLiteral, stringNode } from './literals.ts';
import { error, warning } from './messages.ts';
import { INT64_MAX, INT64_MIN, UINT64_MAX } from './integer-limits.ts';

const OVERFLOW = 'unable to fold literals due to overflow or underflow';

/** Evaluates a binary expression of literals; the node itself when it cannot be. */
export function foldBinary(node: Binary, context: PassContext): Expression {
  const { left, right } = node;
  if (left.kind === 'string') return foldString(node, left, right, context);
  if (right.kind === 'string') return foldString(node, right, left, context);
  if (left.kind === 'boolean' || right.kind === 'boolean') return foldBoolean(node, context);
  if ((left.kind === 'tuple' && right.kind === 'tuple') || (left.kind === 'record' && right.kind === 'record')) {
    if (node.operator !== '==' && node.operator !== '!=') return node;
    const equal = literalsEqual(left, right);
    return equal === undefined ? node : booleanNode(equal === (node.operator === '=='), node.span);
  }
  if (left.kind !== 'integer' || right.kind !== 'integer') return node;
  const compared = compare(node.operator, left.value, right.value);
  if (compared !== undefined) {
    // int64 and uint64 literals have no common type: they are not compared here.
    if (!representable(left.value, right.value)) return overflow(node, context);
    return booleanNode(compared, node.span);
  }
  const value = evaluate(node.operator, left.value, right.value);
  return value === undefined ? overflow(node, context) : integerNode(value, node.span);
}

function overflow(node: Binary, context: PassContext): Binary {
  context.report(error('fold-overflow', node.span, OVERFLOW));
  return node;
}

/** Whether both fit into one of int64 and uint64. */
function representable(left: bigint, right: bigint): boolean {
  const limit = 1n << 63n;
  return !((left < 0n && right >= limit) || (right < 0n && left >= limit));
}

function compare(operator: BinaryOperator, left: bigint | boolean | string, right: bigint | boolean | string) {
  switch (operator) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '>':
      return left > right;
    case '<=':
      return left <= right;
    case '>=':
      return left >= right;
    case '&&':
      return Boolean(left) && Boolean(right);
    case '||':
      return Boolean(left) || Boolean(right);
    default:
      return undefined;
  }
}

/** In uint64 when both are non-negative, else in int64; undefined where the result is in neither. */
function evaluate(operator: BinaryOperator, left: bigint, right: bigint): bigint | undefined {
  const signed = left < 0n || right < 0n;
  if (!representable(left, right)) return undefined;
  switch (operator) {
    case '+':
      return within(left + right, INT64_MIN, UINT64_MAX);
    case '-':
      return within(left - right, INT64_MIN, signed ? INT64_MAX : UINT64_MAX);
    case '*':
      return within(left * right, INT64_MIN, UINT64_MAX);
    case '/':
      return right === 0n ? undefined : left / right;
    case '%':
      return right === 0n ? undefined : left % right;
    case '&':
      return left & right;
    case '|':
      return left | right;
    case '^':
      return left ^ right;
    case '<<':
    case '>>': {
      if (right < 0n || right >= 64n) return undefined;
      const shifted = operator === '<<' ? left << right : left >> right;
      return signed ? BigInt.asIntN(64, shifted) : BigInt.asUintN(64, shifted);
    }
    default:
      return undefined;
  }
}

function within(value: bigint, low: bigint, high: bigint): bigint | undefined {
  return value < low || value > high ? undefined : value;
}

function foldString(node: Binary, text: StringLiteral, other: Expression, context: PassContext): Expression {
  const { operator, span } = node;
  if (other.kind === 'integer' && operator === '+' && other.value >= 0n) {
    // "text" + 2 skips characters, as on a C pointer.
    const bytes = literalBytes(text.value);
    if (other.value >= BigInt(bytes.length)) {
      context.report(warning('empty-string', span, 'literal string will always be empty'));
      return stringNode('', span);
    }
    return stringNode(literalOfBytes(bytes.slice(Number(other.value))), span);
  }
  if (other.kind === 'boolean' && (operator === '&&' || operator === '||')) {
    const truth = text.value !== '';
    return booleanNode(operator === '&&' ? truth && other.value : truth || other.value, span);
  }
  if (node.left.kind !== 'string' || node.right.kind !== 'string') return node;
  const left = node.left.value;
  const right = node.right.value;
  // bpftrace takes the right side's emptiness for its truth; the same here.
  if (operator === '&&') return booleanNode(left !== '' && right === '', span);
  if (operator === '||') return booleanNode(left !== '' || right === '', span);
  const compared = compare(operator, left, right);
  if (compared !== undefined) return booleanNode(compared, span);
  if (operator === '+') return stringNode(left + right, span);
  context.report(error('string-operation', span, 'illegal literal operation with strings'));
  return node;
}

function foldBoolean(node: Binary, context: PassContext): Expression {
  const { left, right, operator, span } = node;
  if (left.kind === 'boolean' && right.kind === 'boolean') {
    return foldBooleans(node, left.value, right.value, context);
  }
  if (operator !== '&&' && operator !== '||') return node;
  const other = left.kind === 'boolean' ? right : left;
  const known = left.kind === 'boolean' ? left.value : right.kind === 'boolean' && right.value;
  if (other.kind !== 'integer') return node;
  const truth = other.value !== 0n;
  return booleanNode(operator === '&&' ? known && truth : known || truth, span);
}

function foldBooleans(node: Binary, left: boolean, right: boolean, context: PassContext): Expression {
  const { operator, span } = node;
  const compared = compare(operator, left, right);
  if (compared !== undefined) return booleanNode(compared, span);
  switch (operator) {
    case '+':
    case '|':
      return booleanNode(left || right, span);
    case '-':
    case '^':
      return booleanNode(left !== right, span);
    case '*':
    case '&':
      return booleanNode(left && right, span);
    case '/':
    case '%':
      if (!right) context.report(error('fold-overflow', span, OVERFLOW));
      return booleanNode(operator === '/' && left && right, span);
    case '<<':
      return booleanNode(left < right, span);
    default:
      return booleanNode(left > right, span);
  }
}

/** Undefined when something in them is not a literal. Kinds must agree: 1 is not true. */
function literalsEqual(left: Expression, right: Expression): boolean | undefined {
  if (left.kind === 'tuple' && right.kind === 'tuple') {
    if (left.elements.length !== right.elements.length) return false;
    return allEqual(left.elements.map((element, i) => [element, right.elements[i]!]));
  }
  if (left.kind === 'record' && right.kind === 'record') {
    if (left.fields.length !== right.fields.length) return false;
    const pairs: [Expression, Expression][] = [];
    for (const field of left.fields) {
      const other = right.fields.find((candidate) => candidate.name === field.name);
      if (other === undefined) return undefined;
      pairs.push([field.value, other.value]);
    }
    return allEqual(pairs);
  }
  if (!isLiteral(left) || !isLiteral(right)) return undefined;
  return left.kind === right.kind && scalarValue(left) === scalarValue(right);
}

function allEqual(pairs: readonly (readonly [Expression, Expression])[]): boolean | undefined {
  for (const [left, right] of pairs) {
    const equal = literalsEqual(left, right);
    if (equal !== true) return equal;
  }
  return true;
}

function scalarValue(node: Expression): bigint | boolean | string | undefined {
  return node.kind === 'integer' || node.kind === 'boolean' || node.kind === 'string' ? node.value : undefined;
}
