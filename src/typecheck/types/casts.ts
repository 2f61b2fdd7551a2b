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
  Unary,
  VariableDeclaration,
} from '../../ast/nodes.ts';
import { isAggregation } from '../../lang/aggregations.ts';
import { isBuiltin } from '../../lang/builtins.ts';
import { functionRow } from '../../lang/functions.ts';
import { sizeOf } from '../../lang/layout.ts';
import { typeName } from '../../lang/type-name.ts';
import { INT64, VOID, intType } from '../../lang/types.ts';
import type { IntSize, Type } from '../../lang/types.ts';
import type { PassContext } from '../context.ts';
import { integerNode } from '../literals.ts';
import { error } from '../messages.ts';
import { rewriteChildren } from '../rewrite.ts';
import { aggregationOf } from './infer-aggregation.ts';
import type { Inference } from './infer.ts';
import { isComparison } from './operators.ts';
import { isInteger, isSigned, promote, sameType, typing } from './typing.ts';
import type { Typing } from './typing.ts';
import { castTo, explicitCast } from './convert.ts';

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
    case 'cast':
      return { ...(rewritten as Cast), operand: signedOperand(casting, node.operand, (rewritten as Cast).operand) };
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
  const cast = castTo(casting.context, child, from, to);
  return cast === undefined || cast === child ? node : { ...node, [key]: cast };
}

function castAssignment(casting: Casting, original: Assignment, node: Assignment): Assignment {
  const { target } = original;
  if (target.kind === 'discard' || aggregationOf(original.value) !== undefined) return node;
  const from = typeOf(casting, original.value);
  const isVariable = target.kind === 'variable';
  const to = isVariable ? typeOf(casting, target) : mapValue(casting, target);
  // What else has no type is reported for what it is; a block may have none.
  const nothing = from === undefined && original.value.kind === 'block_expression';
  if ((from === undefined && !nothing) || to === undefined || (from && sameType(from.type, to.type))) return node;
  const value = from === undefined ? undefined : castTo(casting.context, node.value, from, to.type);
  if (value !== undefined) return { ...node, value };
  const name = target.kind === 'map_access' ? target.map.name : target.name;
  const where = isVariable ? `variable already has a type` : `map already has a value type`;
  const text =
    `Type mismatch for ${isVariable ? '$' : '@'}${name}: trying to assign value of type ` +
    `'${from === undefined ? 'none' : typeName(from.type)}' when ${where} '${typeName(to.type)}'`;
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
  const value = castTo(casting.context, node.value, from, to.type);
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
  const signed = {
    ...node,
    left: signedOperand(casting, original.left, node.left),
    right: signedOperand(casting, original.right, node.right),
  };
  const withLeft = castChild(casting, signed, 'left', original.left, to);
  return castChild(casting, withLeft, 'right', original.right, to);
}

function comparedAs(left: Typing, right: Typing): Type | undefined {
  if (left.type.kind === 'bool' && isInteger(right.type)) return right.type;
  if (right.type.kind === 'bool' && isInteger(left.type)) return left.type;
  return promote(left, right)?.type;
}

/** What `-` and `~` work on, where that is narrower than what they yield. */
function narrowOperand(casting: Casting, node: Expression): Extract<Type, { kind: 'int' }> | undefined {
  if (node.kind !== 'unary' || (node.operator !== '-' && node.operator !== '~')) return undefined;
  const inner = narrowOperand(casting, node.operand);
  if (inner !== undefined) return inner;
  const type = typeOf(casting, node.operand)?.type;
  if (type === undefined || !isInteger(type) || sizeOf(type) === 8) return undefined;
  return { kind: 'int', size: sizeOf(type) as IntSize, signed: isSigned(type) };
}

/** The operand of another operator, of a cast or of an aggregation: there the narrow result of `-` and `~` keeps its sign. */
function signedOperand(casting: Casting, original: Expression, node: Expression): Expression {
  const narrow = narrowOperand(casting, original);
  const result = typeOf(casting, original)?.type;
  if (narrow?.signed !== true || result === undefined || node.kind !== 'cast' || node.operand.kind !== 'cast')
    return node;
  const { context } = casting;
  return explicitCast(context, explicitCast(context, node.operand.operand, narrow), result);
}

/**
 * `-` and `~` work in the operand's width, and what they yield is extended with zeros where it is stored, whatever the
 * sign: bpftrace prints 212 for `-(int8)44`.
 */
function castUnary(casting: Casting, original: Unary, written: Unary): Expression {
  const operand = typeOf(casting, original.operand)?.type;
  const node = { ...written, operand: signedOperand(casting, original.operand, written.operand) };
  // `*args` means `args`.
  if (node.operator === '*' && operand?.kind === 'c_struct') return node.operand;
  if (node.operator !== '-' && node.operator !== '~') return node;
  const result = typeOf(casting, original)?.type;
  if (operand === undefined || result === undefined) return node;
  const wide = castChild(casting, node, 'operand', original.operand, result);
  const narrow = narrowOperand(casting, original);
  if (narrow === undefined) return wide;
  return explicitCast(casting.context, explicitCast(casting.context, wide, intType(narrow.size, false)), result);
}

/** Members of enums become their values. */
function castEnumerator(casting: Casting, node: Identifier): Expression {
  const type = typeOf(casting, node)?.type;
  if (type === undefined || isBuiltin(node.name)) return node;
  const { definitions, target } = casting.context;
  const enumerator = definitions.enumerators.get(node.name) ?? target.types.enumerator(node.name);
  return enumerator === undefined
    ? node
    : explicitCast(casting.context, integerNode(enumerator.value, node.span), type);
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
    const result = castTo(casting.context, node, from, to);
    return result === undefined || result === node
      ? node
      : { kind: 'block_expression', span: node.span, statements: [], result };
  }
  const result = node.result === undefined ? undefined : castTo(casting.context, node.result, from, to);
  return result === undefined ? node : { ...node, result };
}

function castKey(casting: Casting, original: MapAccess, node: MapAccess): MapAccess {
  const from = typeOf(casting, original.key);
  const to = casting.inference.resolver.get(casting.inference.map(original.map.name).key);
  if (from === undefined || to === undefined) return node;
  const key = castTo(casting.context, node.key, from, to.type);
  if (key !== undefined) return key === node.key ? node : { ...node, key };
  const text =
    `Type mismatch for @${original.map.name}: trying to assign key of type '${typeName(from.type)}' ` +
    `when map already has a key type '${typeName(to.type)}'`;
  casting.context.report(error('key-mismatch', original.span, text));
  return node;
}

/** Arguments with a type that code generation relies on. */
function castArguments(casting: Casting, original: Call, node: Call): Call {
  const args = node.args.map((argument, i) => {
    const from = typeOf(casting, original.args[i]!);
    const to = argumentType(casting, original, i);
    if (argument.kind === 'type' || from === undefined) return argument;
    const passed = isAggregation(original.name)
      ? signedOperand(casting, original.args[i] as Expression, argument)
      : argument;
    return to === undefined ? passed : (castTo(casting.context, passed, from, to) ?? passed);
  });
  return args.some((argument, i) => argument !== node.args[i]) ? { ...node, args } : node;
}

/** What an argument is cast to; undefined: it stays what it is. */
function argumentType(casting: Casting, call: Call, index: number): Type | undefined {
  const { inference } = casting;
  const subprogram = inference.subprograms.get(call.name);
  if (subprogram !== undefined) {
    const parameter = subprogram.parameters[index];
    const type = parameter === undefined ? undefined : inference.resolver.get(parameter.variable)?.type;
    return type !== undefined && isInteger(type) ? type : undefined;
  }
  const row = functionRow(call.name)?.params[index];
  const [map] = call.args;
  if (row?.kind === 'key' && map?.kind === 'map') return inference.resolver.get(inference.map(map.name).key)?.type;
  const type = typeOf(casting, call.args[index]!)?.type;
  if (row?.size === undefined || type === undefined || !isInteger(type)) return undefined;
  return sizeOf(type) === row.size ? undefined : intType(row.size, false);
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
    const value = castTo(casting.context, node.value, from, INT64);
    return value === undefined ? node : { ...node, value };
  }
  const { name, type } = casting.returns;
  if (node.value === undefined ? type.kind === 'void' : false) return node;
  const value = node.value === undefined ? undefined : castTo(casting.context, node.value, from, type);
  if (value !== undefined) return { ...node, value };
  const text = `Function ${name} is of type ${typeName(type)}, cannot return ${typeName(from.type)}`;
  casting.context.report(error('return-type', original.span, text));
  return node;
}
