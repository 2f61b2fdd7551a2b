import type { Cast } from '../../ast/nodes.ts';
import { sizeOf } from '../../lang/layout.ts';
import { typeName } from '../../lang/type-name.ts';
import type { Type } from '../../lang/types.ts';
import { error, warning } from '../messages.ts';
import type { Checking } from './checking.ts';
import { typingOf } from './checking.ts';
import { isCastableMap, isInteger, isMultiValue, sameType } from './typing.ts';

/** Which casts make sense. */
export function checkCast(node: Cast, checking: Checking): void {
  const { context } = checking;
  const fail = (message: string): void => context.report(error('cast', node.span, message));
  const to = typingOf(node, checking)?.type;
  const operand = typingOf(node.operand, checking);
  if (to === undefined) return fail('Incomplete cast, unknown type');
  if (operand === undefined) return fail('Cannot cast from "none" type');
  const from = operand.type;
  if (from.kind === 'c_struct') return fail(`Cannot cast from C type "${typeName(from)}"`);
  if (sameType(to, from)) {
    const text = `Unnecessary cast: expression is already of type ${typeName(from)}`;
    context.report(warning('unnecessary-cast', node.span, text));
    return;
  }
  const cannot = (): void => fail(`Cannot cast from "${typeName(from)}" to "${typeName(to)}"`);
  if (to.kind === 'string' && from.kind === 'string') {
    if (to.size < from.size) cannot();
    return;
  }
  if (to.kind === 'username' && isInteger(from)) return;
  if (!isCastTarget(to) || (to.kind === 'pointer' && isMultiValue(from))) cannot();
  if (to.kind === 'array') checkArrayCast(to, from, fail, cannot);
  if (to.kind === 'enum') checkEnumCast(node, to, fail);
  if (from.kind !== 'pointer' && !isCastableMap(from) && !isInteger(from)) {
    if (to.kind === 'bool' && from.kind !== 'string') cannot();
    if (isInteger(to) && from.kind !== 'bool' && operand.context !== true && from.kind !== 'array') cannot();
  }
  if (from.kind === 'array' && (!isInteger(to) || sizeOf(to) !== sizeOf(from))) cannot();
}

function isCastTarget(to: Type): boolean {
  if (isInteger(to) || to.kind === 'pointer' || to.kind === 'bool') return true;
  return to.kind === 'array' && (to.element.kind === 'bool' || isInteger(to.element));
}

function checkArrayCast(
  to: Extract<Type, { kind: 'array' }>,
  from: Type,
  fail: (message: string) => void,
  cannot: () => void,
): void {
  if (to.length === 0) {
    const elementSize = sizeOf(to.element);
    if (elementSize === 0) fail('Could not determine size of the array');
    else if (sizeOf(from) % elementSize !== 0) {
      fail('Cannot determine array size: the element size is incompatible with the cast integer size');
    }
  }
  if (isInteger(from)) {
    if (!isInteger(to.element) && to.element.kind !== 'bool') return;
    // A narrow integer is widened; a wide one is not cut.
    const widened = sizeOf(to) <= 8 && sizeOf(to) > sizeOf(from);
    if (!widened && sizeOf(to) !== sizeOf(from)) cannot();
  } else if ((from.kind !== 'bool' && from.kind !== 'string') || sizeOf(to) !== sizeOf(from)) cannot();
}

function checkEnumCast(node: Cast, to: Extract<Type, { kind: 'enum' }>, fail: (message: string) => void): void {
  const { operand } = node;
  if (to.enum.values.length === 0) {
    fail(`Unknown enum: ${to.name}`);
    return;
  }
  if (operand.kind !== 'integer' || operand.value < 0n) return;
  if (to.enum.values.some((value) => value.value === operand.value)) return;
  fail(`Enum: ${to.name} doesn't contain a variant value of ${operand.value}`);
}
