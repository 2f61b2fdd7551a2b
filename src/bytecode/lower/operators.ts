import type { Assignment, Binary, BinaryOperator, Expression, Ternary, Unary } from '../../ast/nodes.ts';
import type { AluOp } from '../../isa/opcodes.ts';
import { sizeOf } from '../../lang/layout.ts';
import type { Type } from '../../lang/types.ts';
import { bug } from '../../source/bug.ts';
import type { Span } from '../../source/source.ts';
import type { Value } from '../ir/ir.ts';
import { commonOperands, lowerComparison } from './comparisons.ts';
import { isComparison } from './conditions.ts';
import { addressSpaceOf } from './bytes.ts';
import { runtimeError } from './events.ts';
import type { Lowerer } from './lowerer.ts';
import { incrementMap } from './map-updates.ts';
import { loadScalar, storeOperand, storeScalar } from './memory.ts';
import { type Operand, type Place, scalar, scalarShape } from './operand.ts';

/** Division is unsigned and `>>` shifts zeros in whatever the signs, as bpftrace documents. */
const ALU_OPERATORS: Partial<Record<BinaryOperator, Exclude<AluOp, 'mov'>>> = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
  '%': 'mod',
  '&': 'and',
  '|': 'or',
  '^': 'xor',
  '<<': 'lsh',
  '>>': 'rsh',
};

export function lowerBinary(l: Lowerer, node: Binary): Operand {
  const { b } = l;
  if (node.operator === '&&' || node.operator === '||') return truth(l, node);
  if (isComparison(node)) {
    const test = lowerComparison(l, node);
    return scalar(b.compare(test.jump, test.left, test.right));
  }
  const left = l.typeOf(node.left);
  const right = l.typeOf(node.right);
  if (left.kind === 'pointer' || right.kind === 'pointer') return scalar(pointerArithmetic(l, node, left, right));
  const operands = commonOperands(l, node);
  return scalar(arithmetic(l, node.operator, operands, l.typeOf(node), node.span));
}

/** One operation on two integers of `size` bytes, its result as a value of `type`. */
export function arithmetic(
  l: Lowerer,
  operator: BinaryOperator,
  operands: { readonly left: Value; readonly right: Value; readonly size: number },
  type: Type,
  span: Span,
): Value {
  const { b } = l;
  const alu = ALU_OPERATORS[operator] ?? bug(`${operator} is not arithmetic`);
  const { size } = operands;
  let { left, right } = operands;
  const bits = size * 8;
  // The low bits of sums and products do not depend on what is above them; quotients and shifts to the right do.
  if (size < 8 && (alu === 'div' || alu === 'mod' || alu === 'rsh')) {
    left = b.extend(left, bits as 8 | 16 | 32, false);
    right = b.extend(right, bits as 8 | 16 | 32, false);
  }
  const value = alu === 'div' || alu === 'mod' ? divide(l, alu, left, right, span) : b.alu(alu, left, right);
  return fitTo(l, value, type, size);
}

/** Makes the register value that type `type` asks for of a result of which `size` bytes count. */
export function fitTo(l: Lowerer, value: Value, type: Type, size = 8): Value {
  const shape = scalarShape(type) ?? bug(`a ${type.kind} is not a scalar`);
  const counted = Math.min(size, shape.size);
  return counted === 8 ? value : l.b.extend(value, (counted * 8) as 8 | 16 | 32, shape.signed);
}

const DIVISION_BY_ZERO =
  'Divide or modulo by 0 detected. This can lead to unexpected results. 1 is being used as the result.';

/** A divisor of zero reports an error and yields 1. */
function divide(l: Lowerer, alu: 'div' | 'mod', left: Value, right: Value, span: Span): Value {
  const { b } = l;
  if (right.op === 'const' && right.value !== 0n) return b.alu(alu, left, right);
  const result = b.slot('quotient', 8);
  const [isZero, notZero, done] = [b.newBlock(), b.newBlock(), b.newBlock()];
  b.branch('jeq', right, 0, isZero, notZero);
  b.enter(isZero);
  b.store(result, 0, 8, 1);
  runtimeError(l, DIVISION_BY_ZERO, span);
  b.jump(done);
  b.enter(notZero);
  b.store(result, 0, 8, b.alu(alu, left, right));
  b.jump(done);
  b.enter(done);
  return b.load(result, 0, 8);
}

/** Pointer ± integer counts in elements. */
function pointerArithmetic(l: Lowerer, node: Binary, left: Type, right: Type): Value {
  const { b } = l;
  const leftValue = l.value(node.left);
  const rightValue = l.value(node.right);
  const alu = node.operator === '+' ? 'add' : node.operator === '-' ? 'sub' : ALU_OPERATORS[node.operator];
  if (alu === undefined) bug(`${node.operator} on a pointer`);
  if (left.kind === 'pointer' && right.kind === 'pointer') return b.alu(alu, leftValue, rightValue);
  const pointer = left.kind === 'pointer' ? left : right;
  const [base, count] = left.kind === 'pointer' ? [leftValue, rightValue] : [rightValue, leftValue];
  const steps = signedIndex(
    l,
    alu === 'sub' ? b.alu('sub', b.const(0), count) : count,
    pointer === left ? right : left,
  );
  return b.add(base, scaled(l, steps, pointer));
}

/** An index is signed whatever its type: bpftrace's code generator leaves its width and LLVM extends it by its sign. */
function signedIndex(l: Lowerer, index: Value, type: Type): Value {
  const shape = scalarShape(type);
  if (shape === undefined || shape.size === 8 || shape.signed) return index;
  return l.b.extend(index, (shape.size * 8) as 8 | 16 | 32, true);
}

function scaled(l: Lowerer, count: Value, pointer: Type): Value {
  const size = pointer.kind === 'pointer' ? Math.max(1, sizeOf(pointer.to)) : 1;
  return size === 1 ? count : l.b.alu('mul', count, size);
}

/** The 0 or 1 of a condition. */
function truth(l: Lowerer, node: Expression): Operand {
  const { b } = l;
  const result = b.slot('truth', 8);
  const [yes, no, done] = [b.newBlock(), b.newBlock(), b.newBlock()];
  l.condition(node, yes, no);
  b.enter(yes);
  b.store(result, 0, 8, 1);
  b.jump(done);
  b.enter(no);
  b.store(result, 0, 8, 0);
  b.jump(done);
  b.enter(done);
  return scalar(b.load(result, 0, 8));
}

export function lowerUnary(l: Lowerer, node: Unary): Operand {
  const { b } = l;
  const type = l.typeOf(node);
  switch (node.operator) {
    case '!':
      return scalar(b.compare('jeq', l.value(node.operand), 0));
    case '-':
      return scalar(fitTo(l, b.alu('sub', b.const(0), l.value(node.operand)), type));
    case '~':
      return scalar(fitTo(l, b.alu('xor', l.value(node.operand), -1), type));
    case '*':
      // An integer is an address of a value of the expression's own type.
      if (l.typeOf(node.operand).kind !== 'pointer')
        return { kind: 'remote', pointer: l.value(node.operand), offset: 0, space: addressSpaceOf(l, node.operand) };
      return dereference(l, l.value(node.operand), l.typeOf(node.operand));
    case '++':
    case '--':
      return scalar(increment(l, node));
  }
}

/** What a pointer points at: directly readable, or still in kernel or user memory. */
export function dereference(l: Lowerer, pointer: Value, type: Type): Operand {
  if (type.kind !== 'pointer') return bug(`a ${type.kind} points at nothing`);
  if (type.space === 'none') {
    const place: Place = { base: pointer, offset: 0 };
    return scalarShape(type.to) === undefined ? { kind: 'place', place } : scalar(loadScalar(l.b, place, type.to));
  }
  return { kind: 'remote', pointer, offset: 0, space: type.space };
}

function increment(l: Lowerer, node: Unary): Value {
  const type = l.typeOf(node.operand);
  const step = node.operator === '++' ? 1 : -1;
  const size = type.kind === 'pointer' ? Math.max(1, sizeOf(type.to)) : 1;
  if (node.operand.kind === 'variable') {
    const place = l.variable(l.symbol(node.operand));
    const before = loadScalar(l.b, place, type);
    const after = fitTo(l, l.b.add(before, step * size), type);
    storeScalar(l.b, place, type, after);
    return node.postfix ? before : after;
  }
  if (node.operand.kind === 'map' || node.operand.kind === 'map_access') {
    const { before, after } = incrementMap(l, node.operand, type, step * size, node.span);
    return node.postfix ? before : after;
  }
  return bug(`${node.operator} on ${node.operand.kind}`);
}

/** `a ? b : c`, and `a ?: c`, which evaluates `a` once. */
export function lowerTernary(l: Lowerer, node: Ternary): Operand {
  const { b } = l;
  const type = l.typeOf(node);
  const [yes, no, done] = [b.newBlock(), b.newBlock(), b.newBlock()];
  const { then } = node;
  if (type.kind === 'void') {
    l.condition(node.condition, yes, no);
    b.enter(yes);
    if (then !== undefined) l.expression(then);
    b.jump(done);
    b.enter(no);
    l.expression(node.otherwise);
    b.jump(done);
    b.enter(done);
    return { kind: 'none' };
  }
  const result: Place = { base: b.slot('ternary', Math.max(1, sizeOf(type))), offset: 0 };
  if (then === undefined) {
    const value = l.value(node.condition);
    b.branch('jne', value, 0, yes, no);
    b.enter(yes);
    storeScalar(b, result, type, value);
  } else {
    l.condition(node.condition, yes, no);
    b.enter(yes);
    storeOperand(b, result, type, l.expression(then), 'exact');
  }
  b.jump(done);
  b.enter(no);
  storeOperand(b, result, type, l.expression(node.otherwise), 'exact');
  b.jump(done);
  b.enter(done);
  return scalarShape(type) === undefined ? { kind: 'place', place: result } : scalar(loadScalar(b, result, type));
}

/** The operator inside a compound assignment. */
export function compoundOperator(operator: Assignment['operator']): BinaryOperator | undefined {
  return operator === '=' ? undefined : (operator.slice(0, -1) as BinaryOperator);
}
