import type {
  Assignment,
  Binary,
  BlockExpression,
  Call,
  Cast,
  Expression,
  For,
  Identifier,
  If,
  Jump,
  MapAccess,
  Node,
  Program,
  Ternary,
  TypeExpression,
  Unary,
  VariableDeclaration,
} from '../../ast/nodes.ts';
import { isBuiltin } from '../../lang/builtins.ts';
import { sizeOf } from '../../lang/layout.ts';
import { typeName } from '../../lang/type-name.ts';
import { INT64, UINT64, VOID, intType } from '../../lang/types.ts';
import type { IntSize, Type } from '../../lang/types.ts';
import type { PassContext } from '../context.ts';
import { integerNode } from '../literals.ts';
import { error, warning } from '../messages.ts';
import { asExpression, cloneTree, relocate, rewriteChildren } from '../rewrite.ts';
import { aggregationOf } from './infer-aggregation.ts';
import type { Inference } from './infer.ts';
import { isComparison } from './operators.ts';
import { spellType } from './type-expression.ts';
import { fitsInto, isCastableMap, isInteger, literalFits, promote, sameType, typing } from './typing.ts';
import type { Typing } from './typing.ts';

interface Casting {
  readonly inference: Inference;
  readonly context: PassContext;
  /** What `return` must yield here. */
  returns: { readonly kind: 'probe' } | { readonly kind: 'subprogram'; readonly name: string; readonly type: Type };
}

/** Makes every implicit conversion an explicit Cast node. */
export function insertCasts(program: Program, inference: Inference, context: PassContext): Program {
  const casting: Casting = { inference, context, returns: { kind: 'probe' } };
  const subprograms = program.subprograms.map((subprogram) => {
    const type = inference.resolver.get(subprogram.returns)?.type ?? VOID;
    casting.returns = { kind: 'subprogram', name: subprogram.name, type };
    return rewriteChildren(subprogram, (child) => rewrite(casting, child));
  });
  casting.returns = { kind: 'probe' };
  const probes = program.probes.map((probe) => rewriteChildren(probe, (child) => rewrite(casting, child)));
  return { ...program, subprograms, probes };
}

function rewrite(casting: Casting, node: Node): Node {
  const rewritten = rewriteChildren(node, (child) => rewrite(casting, child));
  switch (node.kind) {
    case 'assignment':
      return castAssignment(casting, node, rewritten as Assignment);
    case 'variable_declaration':
      return castDeclaration(casting, node, rewritten as VariableDeclaration);
    case 'binary':
      return castBinary(casting, node, rewritten as Binary);
    case 'unary':
      return castUnary(casting, node, rewritten as Unary);
    case 'identifier':
      return castEnumerator(casting, node);
    case 'if':
    case 'ternary':
      return castBranches(casting, node, rewritten as If | Ternary);
    case 'map_access':
      return castKey(casting, node, rewritten as MapAccess);
    case 'call':
      return castArguments(casting, node, rewritten as Call);
    case 'for':
      return castRange(casting, node, rewritten as For);
    case 'jump':
      return castReturn(casting, node, rewritten as Jump);
    default:
      return rewritten;
  }
}

function typeOf(casting: Casting, node: Node): Typing | undefined {
  return casting.inference.resolver.get(node);
}

/** `node` with its child of that name cast to a type if it is of another. Failure is silent: a later pass reports it. */
function castChild<N extends Node>(casting: Casting, node: N, key: string, original: Node, to: Type | undefined): N {
  const from = typeOf(casting, original);
  if (from === undefined || to === undefined) return node;
  const child = (node as unknown as Readonly<Record<string, Expression>>)[key];
  if (child === undefined) return node;
  const cast = castTo(casting, child, from, to);
  return cast === undefined || cast === child ? node : { ...node, [key]: cast };
}

function castAssignment(casting: Casting, original: Assignment, node: Assignment): Assignment {
  const { target } = original;
  if (target.kind === 'discard' || aggregationOf(original.value) !== undefined) return node;
  const from = typeOf(casting, original.value);
  const isVariable = target.kind === 'variable';
  const to = isVariable ? typeOf(casting, target) : mapValue(casting, target);
  if (from === undefined || to === undefined || sameType(from.type, to.type)) return node;
  const value = castTo(casting, node.value, from, to.type);
  if (value !== undefined) return { ...node, value };
  const name = target.kind === 'map_access' ? target.map.name : target.name;
  const where = isVariable ? `variable already has a type` : `map already has a value type`;
  const text =
    `Type mismatch for ${isVariable ? '$' : '@'}${name}: trying to assign value of type ` +
    `'${typeName(from.type)}' when ${where} '${typeName(to.type)}'`;
  casting.context.report(error('type-mismatch', original.span, text));
  return node;
}

function mapValue(casting: Casting, target: Assignment['target']): Typing | undefined {
  if (target.kind !== 'map' && target.kind !== 'map_access') return undefined;
  const name = target.kind === 'map' ? target.name : target.map.name;
  return casting.inference.resolver.get(casting.inference.map(name).value);
}

function castDeclaration(
  casting: Casting,
  original: VariableDeclaration,
  node: VariableDeclaration,
): VariableDeclaration {
  if (original.value === undefined || node.value === undefined) return node;
  const from = typeOf(casting, original.value);
  const to = typeOf(casting, original.variable);
  if (from === undefined || to === undefined || sameType(from.type, to.type)) return node;
  const value = castTo(casting, node.value, from, to.type);
  if (value !== undefined) return { ...node, value };
  const text =
    `Type mismatch for $${original.variable.name}: trying to assign value of type ` +
    `'${typeName(from.type)}' when variable already has a type '${typeName(to.type)}'`;
  casting.context.report(error('type-mismatch', original.span, text));
  return node;
}

function castBinary(casting: Casting, original: Binary, node: Binary): Binary {
  const left = typeOf(casting, original.left);
  const right = typeOf(casting, original.right);
  if (left === undefined || right === undefined) return node;
  // A string's size may be the largest there is; comparing needs no copy of that size.
  if (left.type.kind === 'string' || right.type.kind === 'string') return node;
  const to = isComparison(node.operator) ? comparedAs(left, right) : typeOf(casting, original)?.type;
  if (to === undefined) return node;
  const withLeft = castChild(casting, node, 'left', original.left, to);
  return castChild(casting, withLeft, 'right', original.right, to);
}

function comparedAs(left: Typing, right: Typing): Type | undefined {
  if (left.type.kind === 'bool' && isInteger(right.type)) return right.type;
  if (right.type.kind === 'bool' && isInteger(left.type)) return left.type;
  return promote(left, right)?.type;
}

/**
 * `-` and `~` work in the operand's width, and what they yield is extended with zeros, whatever the sign: bpftrace prints
 * 212 for `-(int8)44`.
 */
function castUnary(casting: Casting, original: Unary, node: Unary): Expression {
  if (node.operator !== '-' && node.operator !== '~') return node;
  const operand = typeOf(casting, original.operand)?.type;
  const result = typeOf(casting, original)?.type;
  if (operand === undefined || result === undefined) return node;
  const wide = castChild(casting, node, 'operand', original.operand, result);
  const size = sizeOf(operand);
  if (!isInteger(operand) || size === 8) return wide;
  return explicitCast(casting, explicitCast(casting, wide, intType(size as IntSize, false)), result);
}

/** Members of enums become their values. */
function castEnumerator(casting: Casting, node: Identifier): Expression {
  const type = typeOf(casting, node)?.type;
  if (type === undefined || isBuiltin(node.name)) return node;
  const { definitions, target } = casting.context;
  const enumerator = definitions.enumerators.get(node.name) ?? target.types.enumerator(node.name);
  return enumerator === undefined ? node : explicitCast(casting, integerNode(enumerator.value, node.span), type);
}

function castBranches(casting: Casting, original: If | Ternary, node: If | Ternary): If | Ternary {
  const to = typeOf(casting, original)?.type;
  if (to === undefined) return node;
  if (node.kind === 'ternary') {
    const withThen = original.then === undefined ? node : castChild(casting, node, 'then', original.then, to);
    return castChild(casting, withThen, 'otherwise', original.otherwise!, to);
  }
  const then = castBlock(casting, node.then, original.then!, to) as BlockExpression;
  const { otherwise } = node;
  if (otherwise === undefined || original.otherwise === undefined) return { ...node, then };
  return { ...node, then, otherwise: castBlock(casting, otherwise, original.otherwise, to) };
}

/** The branches of an `if` are blocks: the cast goes to the value at their end. */
function castBlock(casting: Casting, node: BlockExpression | If, original: Expression, to: Type): BlockExpression | If {
  const from = typeOf(casting, original);
  if (from === undefined || sameType(from.type, to)) return node;
  if (node.kind === 'if') {
    const result = castTo(casting, node, from, to);
    return result === undefined || result === node
      ? node
      : { kind: 'block_expression', span: node.span, statements: [], result };
  }
  const result = node.result === undefined ? undefined : castTo(casting, node.result, from, to);
  return result === undefined ? node : { ...node, result };
}

function castKey(casting: Casting, original: MapAccess, node: MapAccess): MapAccess {
  const from = typeOf(casting, original.key);
  const to = casting.inference.resolver.get(casting.inference.map(original.map.name).key);
  if (from === undefined || to === undefined) return node;
  const key = castTo(casting, node.key, from, to.type);
  if (key !== undefined) return key === node.key ? node : { ...node, key };
  const text =
    `Type mismatch for @${original.map.name}: trying to assign key of type '${typeName(from.type)}' ` +
    `when map already has a key type '${typeName(to.type)}'`;
  casting.context.report(error('key-mismatch', original.span, text));
  return node;
}

/** Arguments with a type that code generation relies on. */
function castArguments(casting: Casting, original: Call, node: Call): Call {
  const targets: (Type | undefined)[] = original.args.map(() => undefined);
  const subprogram = casting.inference.subprograms.get(original.name);
  const [first] = original.args;
  if (subprogram !== undefined) {
    subprogram.parameters.forEach((parameter, i) => {
      const type = casting.inference.resolver.get(parameter.variable)?.type;
      if (type !== undefined && isInteger(type)) targets[i] = type;
    });
  } else if (original.name === 'has_key' || original.name === 'delete' || original.name === 'find') {
    if (first?.kind === 'map') targets[1] = casting.inference.resolver.get(casting.inference.map(first.name).key)?.type;
  } else if (original.name === 'usym' && first !== undefined) {
    const type = typeOf(casting, first)?.type;
    if (type !== undefined && isInteger(type) && sizeOf(type) !== 8) targets[0] = UINT64;
  } else if (original.name === 'percpu_kaddr') {
    targets[1] = intType(4, false);
  }
  const args = node.args.map((argument, i) => {
    const from = typeOf(casting, original.args[i]!);
    const to = targets[i];
    if (argument.kind === 'type' || from === undefined || to === undefined) return argument;
    return castTo(casting, argument, from, to) ?? argument;
  });
  return args.some((argument, i) => argument !== node.args[i]) ? { ...node, args } : node;
}

function castRange(casting: Casting, original: For, node: For): For {
  if (original.iterable.kind !== 'range' || node.iterable.kind !== 'range') return node;
  const start = typeOf(casting, original.iterable.start);
  const end = typeOf(casting, original.iterable.end);
  if (start === undefined || end === undefined || sameType(start.type, end.type)) return node;
  const larger = sizeOf(start.type) > sizeOf(end.type) ? start.type : end.type;
  const withStart = castChild(casting, node.iterable, 'start', original.iterable.start, larger);
  return { ...node, iterable: castChild(casting, withStart, 'end', original.iterable.end, larger) };
}

function castReturn(casting: Casting, original: Jump, node: Jump): Jump {
  if (original.jump !== 'return') return node;
  const from = original.value === undefined ? typing(VOID) : typeOf(casting, original.value);
  if (from === undefined) return node;
  if (casting.returns.kind === 'probe') {
    if (node.value === undefined || !isInteger(from.type) || sizeOf(from.type) === 8) return node;
    const value = castTo(casting, node.value, from, INT64);
    return value === undefined ? node : { ...node, value };
  }
  const { name, type } = casting.returns;
  if (node.value === undefined ? type.kind === 'void' : false) return node;
  const value = node.value === undefined ? undefined : castTo(casting, node.value, from, type);
  if (value !== undefined) return { ...node, value };
  const text = `Function ${name} is of type ${typeName(type)}, cannot return ${typeName(from.type)}`;
  casting.context.report(error('return-type', original.span, text));
  return node;
}

/** The expression as a value of another type; itself when it is one; undefined when that cannot be. */
function castTo(casting: Casting, node: Expression, from: Typing, to: Type): Expression | undefined {
  const type = from.type;
  if (sameType(type, to)) return node;
  if (type.kind === to.kind && isCastableMap(type)) return node;
  if ((isInteger(type) || isCastableMap(type)) && (isInteger(to) || isCastableMap(to))) {
    return castInteger(casting, node, from, to);
  }
  if (type.kind === 'bool' && isInteger(to)) return explicitCast(casting, node, to);
  if (type.kind !== to.kind) return undefined;
  switch (to.kind) {
    case 'string':
      if (sizeOf(type) === to.size) return node;
      return fitsInto(from, to) ? explicitCast(casting, node, to) : undefined;
    case 'tuple':
      return castTuple(casting, node, type as Extract<Type, { kind: 'tuple' }>, to);
    case 'record':
      return castRecord(casting, node, type as Extract<Type, { kind: 'record' }>, to);
    case 'pointer':
      return explicitCast(casting, node, to);
    case 'buffer':
      return node;
    default:
      return undefined;
  }
}

function explicitCast(casting: Casting, operand: Expression, to: Type): Cast {
  const type: TypeExpression = spellType(to, operand.span, casting.context);
  return { kind: 'cast', span: operand.span, type, operand: relocate(operand, operand.span) };
}

function castInteger(casting: Casting, node: Expression, from: Typing, to: Type): Expression | undefined {
  if (node.kind === 'integer') {
    if (isInteger(to) && !literalFits(node.value, to)) return undefined;
  } else if (!fitsInto(from, to) && !isCastableMap(from.type)) {
    const text =
      `Expression of type: ${typeName(from.type)} being cast to type: ${typeName(to)}. ` +
      'This may cause unexpected results. Use an explicit cast to suppress this warning.';
    casting.context.report(warning('lossy-cast', node.span, text));
  }
  return explicitCast(casting, node, to);
}

function castTuple(
  casting: Casting,
  node: Expression,
  from: Extract<Type, { kind: 'tuple' }>,
  to: Extract<Type, { kind: 'tuple' }>,
): Expression | undefined {
  if (node.kind === 'block_expression' && node.result !== undefined) {
    const result = castTuple(casting, node.result, from, to);
    return result === undefined ? undefined : { ...node, result };
  }
  const elements: Expression[] = [];
  for (const [index, type] of to.elements.entries()) {
    const element: Expression =
      node.kind === 'tuple'
        ? node.elements[index]!
        : { kind: 'tuple_access', span: node.span, base: cloneTree(node), index };
    const cast = castTo(casting, element, elementTyping(element, from.elements[index]!), type);
    if (cast === undefined) return undefined;
    elements.push(cast);
  }
  return { kind: 'tuple', span: node.span, elements };
}

/** Literals inside a tuple keep their flexible sign. */
function elementTyping(element: Expression, type: Type): Typing {
  return element.kind === 'integer' && element.value >= 0n ? { ...typing(type), flexible: true } : typing(type);
}

function castRecord(
  casting: Casting,
  node: Expression,
  from: Extract<Type, { kind: 'record' }>,
  to: Extract<Type, { kind: 'record' }>,
): Expression | undefined {
  if (node.kind === 'block_expression' && node.result !== undefined) {
    const result = castRecord(casting, node.result, from, to);
    return result === undefined ? undefined : { ...node, result };
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
    const cast = value === undefined ? undefined : castTo(casting, value, elementTyping(value, own.type), field.type);
    if (cast === undefined) return undefined;
    fields.push({ name: field.name, value: cast, span: cast.span });
  }
  return { kind: 'record', span: node.span, fields };
}
