import type { BlockExpression, Cast, Expression, RecordLiteral, TypeExpression, Variable } from '../../ast/nodes.ts';
import { sizeOf } from '../../lang/layout.ts';
import { typeName } from '../../lang/type-name.ts';
import type { Type } from '../../lang/types.ts';
import type { PassContext } from '../context.ts';
import { isLiteral } from '../literals.ts';
import { warning } from '../messages.ts';
import { asExpression, cloneTree, relocate } from '../rewrite.ts';
import { spellType } from './type-expression.ts';
import { fitsInto, isCastableMap, isInteger, literalFits, sameType, typing } from './typing.ts';
import type { Typing } from './typing.ts';

type RecordType = Extract<Type, { kind: 'record' }>;

/** The expression as a value of another type; itself when it is one; undefined when that cannot be. */
export function castTo(context: PassContext, node: Expression, from: Typing, to: Type): Expression | undefined {
  const type = from.type;
  if (sameType(type, to)) return node;
  if (type.kind === to.kind && isCastableMap(type)) return node;
  if ((isInteger(type) || isCastableMap(type)) && (isInteger(to) || isCastableMap(to))) {
    return castInteger(context, node, from, to);
  }
  if (type.kind === 'bool' && isInteger(to)) return explicitCast(context, node, to);
  if (type.kind !== to.kind) return undefined;
  switch (to.kind) {
    case 'string':
      if (sizeOf(type) === to.size) return node;
      return fitsInto(from, to) ? explicitCast(context, node, to) : undefined;
    case 'tuple':
      return castTuple(context, node, type as Extract<Type, { kind: 'tuple' }>, to);
    case 'record':
      return castRecord(context, node, type as RecordType, to);
    case 'pointer':
      return explicitCast(context, node, to);
    case 'buffer':
      return node;
    default:
      return undefined;
  }
}

/** A Cast node that we write ourselves. */
export function explicitCast(context: PassContext, operand: Expression, to: Type): Cast {
  const type: TypeExpression = spellType(to, operand.span, context);
  return { kind: 'cast', span: operand.span, type, operand: relocate(operand, operand.span) };
}

function castInteger(context: PassContext, node: Expression, from: Typing, to: Type): Expression | undefined {
  if (node.kind === 'integer') {
    if (isInteger(to) && !literalFits(node.value, to)) return undefined;
  } else if (!fitsInto(from, to) && !isCastableMap(from.type)) {
    const text =
      `Expression of type: ${typeName(from.type)} being cast to type: ${typeName(to)}. ` +
      'This may cause unexpected results. Use an explicit cast to suppress this warning.';
    context.report(warning('lossy-cast', node.span, text));
  }
  return explicitCast(context, node, to);
}

function castTuple(
  context: PassContext,
  node: Expression,
  from: Extract<Type, { kind: 'tuple' }>,
  to: Extract<Type, { kind: 'tuple' }>,
): Expression | undefined {
  if (node.kind === 'block_expression' && node.result !== undefined) {
    const result = castTuple(context, node.result, from, to);
    return result === undefined ? undefined : { ...node, result };
  }
  if (from.elements.length !== to.elements.length) return undefined;
  const elements: Expression[] = [];
  for (const [index, type] of to.elements.entries()) {
    const element: Expression =
      node.kind === 'tuple'
        ? node.elements[index]!
        : { kind: 'tuple_access', span: node.span, base: cloneTree(node), index };
    const cast = castTo(context, element, typing(from.elements[index]!), type);
    if (cast === undefined) return undefined;
    elements.push(cast);
  }
  return { kind: 'tuple', span: node.span, elements };
}

function castRecord(context: PassContext, node: Expression, from: RecordType, to: RecordType): Expression | undefined {
  if (node.kind === 'block_expression' && node.result !== undefined) {
    const result = castRecord(context, node.result, from, to);
    return result === undefined ? undefined : { ...node, result };
  }
  if (node.kind === 'record' && from.fields.some((field, i) => field.name !== to.fields[i]?.name) && mayAct(node)) {
    const ordered = inOrderOf(from, to);
    return ordered && castRecord(context, evaluatedFirst(node, ordered, context), ordered, to);
  }
  // In the target's order, so that both have one layout.
  const fields: { name: string; value: Expression; span: Expression['span'] }[] = [];
  for (const field of to.fields) {
    const own = from.fields.find((candidate) => candidate.name === field.name);
    if (own === undefined) return undefined;
    const value: Expression | undefined =
      node.kind === 'record'
        ? node.fields.find((candidate) => candidate.name === field.name)?.value
        : {
            kind: 'field',
            span: node.span,
            base: asExpression(cloneTree(node)),
            field: field.name,
            fieldSpan: node.span,
            arrow: false,
          };
    const cast = value === undefined ? undefined : castTo(context, value, typing(own.type), field.type);
    if (cast === undefined) return undefined;
    fields.push({ name: field.name, value: cast, span: cast.span });
  }
  return { kind: 'record', span: node.span, fields };
}

function mayAct(node: RecordLiteral): boolean {
  return node.fields.some(({ value }) => !isLiteral(value) && value.kind !== 'variable');
}

function inOrderOf(from: RecordType, to: RecordType): RecordType | undefined {
  const fields = to.fields.map((field) => from.fields.find((own) => own.name === field.name));
  return fields.every((field) => field !== undefined) ? { kind: 'record', fields } : undefined;
}

/** The record in another order, its values in variables: they are still evaluated in the script's order. */
function evaluatedFirst(node: RecordLiteral, order: RecordType, context: PassContext): BlockExpression {
  const variable = (name: string): Variable => {
    // Nothing that a script can spell, and not what another record has.
    context.temporaries += 1;
    return { kind: 'variable', span: node.span, name: `$${name} ${context.temporaries}` };
  };
  const parts = node.fields.map((field) => ({ ...field, variable: variable(field.name) }));
  const statements = parts.map(({ variable, value, span }) => ({
    kind: 'assignment' as const,
    span,
    operator: '=' as const,
    target: variable,
    value,
  }));
  const fields = order.fields.map(({ name }) => {
    const { span, variable } = parts.find((part) => part.name === name)!;
    return { name, span, value: { ...variable } };
  });
  return { kind: 'block_expression', span: node.span, statements, result: { kind: 'record', span: node.span, fields } };
}
