import type {
  BlockExpression,
  Cast,
  Expression,
  FieldAccess,
  Identifier,
  If,
  IndexAccess,
  Node,
  Offsetof,
  Ternary,
  TypeExpression,
  Typeof,
  Unary,
} from '../../ast/nodes.ts';
import type { EnumType } from '../../btf/types.ts';
import { isBuiltin } from '../../lang/builtins.ts';
import { sizeOf } from '../../lang/layout.ts';
import { KIND_NAMES, typeName } from '../../lang/type-name.ts';
import { BOOL, INT64, UINT64, VOID, intType } from '../../lang/types.ts';
import type { Type } from '../../lang/types.ts';
import { assertNever } from '../../source/bug.ts';
import { integerNode } from '../literals.ts';
import { error } from '../messages.ts';
import { mapValueTyping, variableTyping } from './assign.ts';
import { inferBuiltin } from './infer-builtin.ts';
import { inferCall } from './infer-call.ts';
import { inferKey, inferKeyArgument } from './infer-statement.ts';
import type { Inference } from './infer.ts';
import { fieldTyping } from './fields.ts';
import { offsetPath } from './offsets.ts';
import { binaryTyping } from './operators.ts';
import { probeSpace } from './probe-space.ts';
import { lookUpCType, resolveTypeExpression } from './type-expression.ts';
import { isInteger, isSigned, literalTyping, promote, typing } from './typing.ts';
import type { Typing } from './typing.ts';

const encoder = new TextEncoder();

/** Collects the rules of an expression and everything in it. */
export function inferExpression(inference: Inference, node: Expression): void {
  switch (node.kind) {
    case 'integer':
      inference.resolver.seed(node, literalTyping(node.value));
      return;
    case 'boolean':
      inference.seed(node, BOOL);
      return;
    case 'string':
      inference.seed(node, { kind: 'string', size: byteLength(node.value) + 1 }, 'kernel');
      return;
    case 'positional':
      inference.seed(node, INT64);
      return;
    case 'positional_count':
      inference.seed(node, UINT64);
      return;
    case 'identifier':
      inferIdentifier(inference, node);
      return;
    case 'variable':
      inference.variable(node);
      return;
    case 'map': {
      if (inference.context.maps.badScalar.has(node)) {
        const text =
          `@${node.name} used as a map without an explicit key (scalar map), ` +
          'previously used with an explicit key (non-scalar map)';
        inference.context.report(error('scalar-use', node.span, text));
        // A scalar map's key is an integer, which the keys used elsewhere may not agree with either.
        const key = integerNode(0n, node.span);
        inferExpression(inference, key);
        inferKeyArgument(inference, node, key, node);
        return;
      }
      inference.resolver.same(inference.mapUse(node).value, node);
      return;
    }
    case 'map_access': {
      const slots = inference.mapUse(node.map);
      inferExpression(inference, node.key);
      if (inference.context.maps.badKeyed.has(node.map)) {
        const text =
          `@${node.map.name} used as a map with an explicit key (non-scalar map), ` +
          'previously used without an explicit key (scalar map)';
        inference.context.report(error('keyed-use', node.span, text));
        return;
      }
      inferKey(inference, node);
      inference.resolver.same(slots.value, node);
      return;
    }
    case 'call':
      inferCall(inference, node);
      return;
    case 'unary':
      inferUnary(inference, node);
      return;
    case 'binary':
      inferExpression(inference, node.left);
      inferExpression(inference, node.right);
      inference.rule(node, [node.left, node.right], ([left, right]) =>
        binaryTyping(node, left!, right!, inference.context.report),
      );
      return;
    case 'ternary':
    case 'if':
      inferConditional(inference, node);
      return;
    case 'field':
      inferField(inference, node);
      return;
    case 'index':
      inferIndex(inference, node);
      return;
    case 'tuple_access':
      inferExpression(inference, node.base);
      inference.rule(node, [node.base], ([base]) => {
        const element = base!.type.kind === 'tuple' ? base!.type.elements[node.index] : undefined;
        return element === undefined ? undefined : typing(element);
      });
      return;
    case 'cast':
      inferCast(inference, node);
      return;
    case 'tuple':
      for (const element of node.elements) inferExpression(inference, element);
      // As in bpftrace, `()` is no value: none of its uses type-checks.
      if (node.elements.length === 0) inference.resolver.seed(node, typing(VOID));
      inference.rule(node, node.elements, (elements) =>
        typing({ kind: 'tuple', elements: elements.map((element) => element.type) }),
      );
      return;
    case 'record': {
      const values = node.fields.map((field) => field.value);
      for (const value of values) inferExpression(inference, value);
      inference.rule(node, values, (typings) => {
        const fields = node.fields.map((field, i) => ({ name: field.name, type: typings[i]!.type }));
        return typing({ kind: 'record', fields });
      });
      return;
    }
    case 'address_of':
      inferExpression(inference, node.operand);
      inference.rule(node, [node.operand], ([operand]) =>
        // The kernel's space, so that what it leads to can be read like any other kernel memory.
        typing({ kind: 'pointer', to: operand!.type, space: 'kernel' }, 'kernel'),
      );
      return;
    case 'sizeof':
    case 'offsetof':
      inferIntrospection(inference, node.operand);
      // The literal that replaces it has the type that counts; until then any integer will do.
      inference.rule(node, [node.operand], ([operand]) =>
        node.kind === 'offsetof' && !hasFields(inference, node, operand!.type) ? undefined : typing(intType(1, false)),
      );
      return;
    case 'typeof':
      inferIntrospection(inference, node.operand);
      inference.resolver.same(node.operand, node);
      return;
    case 'typeinfo':
      inferIntrospection(inference, node.operand);
      inference.rule(node, [node.operand], ([operand]) => typing(typeinfoType(operand!.type)));
      return;
    case 'comptime':
      inferExpression(inference, node.operand);
      inference.unresolvedComptimes.push(node);
      return;
    case 'block_expression':
      inferBlock(inference, node);
      return;
    default:
      assertNever(node);
  }
}

function byteLength(text: string): number {
  // Lone surrogates U+DC80.. stand for single bytes, but UTF-8 would write three for them.
  let escaped = 0;
  for (const unit of text) if (unit >= '\udc80' && unit <= '\udcff') escaped += 1;
  return encoder.encode(text).length - 2 * escaped;
}

function inferBlock(inference: Inference, node: BlockExpression): void {
  inference.inScope(node, () => {
    inference.statements(node.statements);
    if (node.result === undefined) return;
    inferExpression(inference, node.result);
    inference.resolver.same(node.result, node);
  });
}

/** What clang, which parses the kernel's types for bpftrace, calls them. */
const UNNAMED_ENUM = 'enum (unnamed at /bpftrace/include/__btf_generated_header.h:1:1)';

/** include/linux/stddef.h: `true` and `false` are members of an enum without a name. */
const KERNEL_BOOLEANS: EnumType = {
  kind: 'enum',
  name: '',
  size: 4,
  signed: false,
  values: [
    { name: 'false', value: 0n },
    { name: 'true', value: 1n },
  ],
};

function inferIdentifier(inference: Inference, node: Identifier): void {
  const { context } = inference;
  if (isBuiltin(node.name)) {
    inferBuiltin(inference, node, node.name);
    return;
  }
  const enumerator =
    context.definitions.enumerators.get(node.name) ??
    context.target.types.enumerator(node.name) ??
    // Where a type may stand, the parser takes every bare word for a name.
    (KERNEL_BOOLEANS.values.some((value) => value.name === node.name) ? { type: KERNEL_BOOLEANS } : undefined);
  if (enumerator !== undefined) {
    // As wide as a register, whatever the enum's size.
    const type = { ...enumerator.type, size: 8, signed: false };
    inference.seed(node, { kind: 'enum', enum: type, name: type.name === '' ? UNNAMED_ENUM : type.name });
    return;
  }
  if (inference.introspection === 0) return;
  const type = lookUpCType(node.name, context);
  if (type !== undefined) inference.seed(node, type);
}

/** The operand of sizeof and its kin: a type, or an expression that is only looked at. */
export function inferIntrospection(inference: Inference, operand: Expression | TypeExpression): void {
  if (operand.kind === 'type') {
    const type = resolveTypeExpression(operand, inference.context);
    if (type !== undefined) inference.seed(operand, type);
    return;
  }
  inference.introspection += 1;
  if (operand.kind === 'map' && inference.context.maps.scalar.get(operand.name) === false) {
    // The type of a map with keys is the type of its keys.
    inference.resolver.same(inference.mapUse(operand).key, operand);
  } else {
    inferExpression(inference, operand);
  }
  inference.introspection -= 1;
}

function hasFields(inference: Inference, node: Offsetof, type: Type): boolean {
  const found = offsetPath(type, node.fields, inference.context);
  if (typeof found !== 'string') return true;
  inference.context.report(error('offsetof', node.span, found));
  return false;
}

function typeinfoType(type: Type): Type {
  const text = (value: string): Type => ({ kind: 'string', size: value.length + 1 });
  return {
    kind: 'record',
    fields: [
      { name: 'btf_id', type: UINT64 },
      { name: 'base_type', type: text(KIND_NAMES[type.kind]) },
      { name: 'full_type', type: text(typeName(type)) },
    ],
  };
}

function inferConditional(inference: Inference, node: If | Ternary): void {
  if (node.condition.kind === 'comptime') {
    // Neither branch is looked at before the condition is known: one of them may not even type.
    inferExpression(inference, node.condition);
    return;
  }
  inferExpression(inference, node.condition);
  const branches: Expression[] = [];
  if (node.then !== undefined) branches.push(node.then);
  else if (node.kind === 'ternary') branches.push(node.condition);
  if (node.otherwise !== undefined) branches.push(node.otherwise);
  for (const branch of branches) if (branch !== node.condition) inferExpression(inference, branch);
  branches.forEach((branch, index) => {
    inference.rule(node, [branch], ([found]) => {
      const current = inference.resolver.get(node);
      const promoted = promote(current, found!);
      if (promoted !== undefined) return promoted;
      const [left, right] = index === 0 ? [found!, current!] : [current!, found!];
      const text =
        'Branches must return the same type or compatible types: ' +
        `have '${typeName(left.type)}' and '${typeName(right.type)}'`;
      inference.context.report(error('branch-mismatch', node.span, text));
      return undefined;
    });
  });
}

function inferField(inference: Inference, node: FieldAccess): void {
  inferExpression(inference, node.base);
  const attachment = inference.attachment;
  inference.rule(node, [node.base], ([base]) => fieldTyping(node, base!, attachment, inference.context));
}

function inferIndex(inference: Inference, node: IndexAccess): void {
  inferExpression(inference, node.base);
  inferExpression(inference, node.index);
  inference.rule(node, [node.base], ([found]) => {
    const base = found!;
    const element = elementType(inference, node, base);
    if (element === undefined) return undefined;
    const internal = element.kind !== 'pointer' && base.type.kind !== 'pointer' && base.internal === true;
    return { type: element, space: base.space, ...(internal ? { internal } : {}) };
  });
}

function elementType(inference: Inference, node: IndexAccess, base: Typing): Type | undefined {
  switch (base.type.kind) {
    case 'array':
      return base.type.element;
    case 'pointer':
      return base.type.to;
    case 'string':
      return intType(1, true);
    case 'tuple': {
      if (node.index.kind !== 'integer') return undefined;
      const element = base.type.elements[Number(node.index.value)];
      if (element !== undefined) return element;
      const text = `Invalid tuple index: ${node.index.value}. Found ${base.type.elements.length} elements in tuple.`;
      inference.context.report(error('tuple-index', node.span, text));
      return undefined;
    }
    default: {
      const text = `The array index operator [] can only be used on arrays, pointers, and tuples, found ${typeName(base.type)}.`;
      inference.context.report(error('not-indexable', node.span, text));
      return undefined;
    }
  }
}

function inferCast(inference: Inference, node: Cast): void {
  inferExpression(inference, node.operand);
  const written: Node = node.type;
  const attachment = inference.attachment;
  const insideProbe = inference.insideProbe;
  inferWrittenType(inference, node.type);
  inference.rule(node, [written, node.operand], ([type, operand]) => {
    const fallback = insideProbe ? probeSpace(attachment?.kind) : 'kernel';
    return castTyping(type!.type, operand!, fallback);
  });
}

/** A type where one is written, also as `typeof(...)`: its node gets the type. */
export function inferWrittenType(inference: Inference, node: TypeExpression | Typeof): Type | undefined {
  if (node.kind === 'typeof') {
    inferExpression(inference, node);
    return undefined;
  }
  const type = resolveTypeExpression(node, inference.context);
  if (type !== undefined) inference.seed(node, type);
  return type;
}

function castTyping(type: Type, operand: Typing, fallback: Typing['space']): Typing {
  let cast = type;
  let internal = false;
  if (cast.kind === 'array') {
    const elementSize = sizeOf(cast.element);
    const size = sizeOf(operand.type);
    // `(int8[])x` takes its length from what is cast.
    if (cast.length === 0 && elementSize !== 0 && size % elementSize === 0) {
      cast = { ...cast, length: size / elementSize };
    }
    internal = isInteger(operand.type) || operand.type.kind === 'bool';
  }
  const context = operand.context === true && !isInteger(cast);
  const space = operand.space === 'none' ? fallback : operand.space;
  return { type: cast, space, ...(context ? { context } : {}), ...(internal ? { internal } : {}) };
}

const VALUE_OF_STEP = (typing_: Typing, decrement: boolean): Typing =>
  typing(isSigned(typing_.type) || decrement ? INT64 : UINT64);

function inferUnary(inference: Inference, node: Unary): void {
  const { operand, operator } = node;
  const steps = operator === '++' || operator === '--';
  if (steps && (operand.kind === 'variable' || operand.kind === 'map_access' || operand.kind === 'map')) {
    inferExpression(inference, operand);
    inferStep(inference, node);
    return;
  }
  inferExpression(inference, operand);
  if (steps) {
    const text = `The ${operator} operator must be applied to a map or variable`;
    inference.context.report(error('step-operand', node.span, text));
  }
  inference.rule(node, [operand], ([found]) => unaryTyping(inference, node, found!));
}

/** `@a++`, `$x--`: an expression that is also an assignment. */
function inferStep(inference: Inference, node: Unary): void {
  const { operand } = node;
  const decrement = node.operator === '--';
  if (operand.kind === 'variable') {
    const slot = inference.declare(operand);
    inference.rule(slot, [node], ([value]) => {
      if (inference.sized.has(slot)) return undefined;
      const current = inference.resolver.get(slot);
      if (current?.type.kind === 'pointer') return current;
      return variableTyping(inference, slot, value!, node);
    });
    inference.rule(node, [operand], ([value]) => {
      const current = inference.resolver.get(slot);
      if (inference.sized.has(slot) || current?.type.kind === 'pointer') return current;
      return VALUE_OF_STEP(value!, decrement);
    });
    return;
  }
  if (operand.kind !== 'map' && operand.kind !== 'map_access') return;
  const map = operand.kind === 'map' ? operand.name : operand.map.name;
  const slot = inference.map(map).value;
  inference.rule(slot, [node], ([value]) => {
    const current = inference.resolver.get(slot);
    return current?.type.kind === 'pointer' ? current : mapValueTyping(inference, map, value!, node);
  });
  inference.rule(node, [operand], ([value]) => VALUE_OF_STEP(value!, decrement));
}

function unaryTyping(inference: Inference, node: Unary, operand: Typing): Typing | undefined {
  const { type } = operand;
  const dereference = node.operator === '*';
  const readable = type.kind === 'pointer' || operand.context === true;
  const valid = type.kind === 'bool' ? node.operator === '!' : isInteger(type) || (readable && dereference);
  if (!valid) {
    const text = `The ${node.operator} operator can not be used on expressions of type '${typeName(type)}'`;
    inference.context.report(error('invalid-operand', node.span, text));
    return undefined;
  }
  if (node.operator === '!') return typing(BOOL);
  if (!dereference) return typing(isSigned(type) ? INT64 : UINT64);
  if (type.kind === 'pointer') {
    const context = operand.context === true ? { context: true } : {};
    const internal = operand.internal === true ? { internal: true } : {};
    return { type: type.to, space: operand.space, ...context, ...internal };
  }
  // `*args` means `args`, for old scripts.
  return type.kind === 'c_struct' ? operand : typing(UINT64);
}
