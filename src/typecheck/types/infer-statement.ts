import type {
  Assignment,
  Expression,
  For,
  MapAccess,
  Node,
  MapRef,
  Statement,
  Variable,
  VariableDeclaration,
} from '../../ast/nodes.ts';
import { AGGREGATIONS, isAggregation } from '../../lang/aggregations.ts';
import type { AggregationName } from '../../lang/aggregations.ts';
import { sizeOf } from '../../lang/layout.ts';
import { typeName } from '../../lang/type-name.ts';
import type { Type } from '../../lang/types.ts';
import { assertNever } from '../../source/bug.ts';
import { withHint } from '../../source/diagnostic.ts';
import { error } from '../messages.ts';
import { mapKeyTyping, mapValueTyping, variableTyping } from './assign.ts';
import { aggregationOf, inferAggregation } from './infer-aggregation.ts';
import { inferWrittenType } from './infer-cast.ts';
import { inferExpression } from './infer-expression.ts';
import type { Inference } from './infer.ts';
import { probeSpace } from './probe-space.ts';
import { isCastableMap, isInteger, isMultiValue, isPerCpu, promote, typing } from './typing.ts';
import type { Typing } from './typing.ts';

export function inferStatement(inference: Inference, statement: Statement): void {
  switch (statement.kind) {
    case 'expression_statement':
      inferExpression(inference, statement.expression);
      return;
    case 'assignment':
      inferAssignment(inference, statement);
      return;
    case 'variable_declaration':
      inferDeclaration(inference, statement);
      return;
    case 'import':
      return;
    case 'unroll':
      inferExpression(inference, statement.count);
      inferStatement(inference, statement.body);
      return;
    case 'while':
      inferExpression(inference, statement.condition);
      inferStatement(inference, statement.body);
      return;
    case 'for':
      inferFor(inference, statement);
      return;
    case 'jump':
      if (statement.value !== undefined) inferExpression(inference, statement.value);
      return;
    case 'block':
      inference.inScope(statement, () => inference.statements(statement.statements));
      return;
    default:
      assertNever(statement);
  }
}

function inferAssignment(inference: Inference, node: Assignment): void {
  const { target, value } = node;
  switch (target.kind) {
    case 'discard':
      inferExpression(inference, value);
      return;
    case 'variable':
      inferExpression(inference, value);
      inference.variable(target);
      assignVariable(inference, node, target);
      return;
    case 'map':
    case 'map_access': {
      const aggregation = aggregationOf(value);
      if (aggregation !== undefined) {
        inferAggregation(inference, node, target, aggregation);
        return;
      }
      inferExpression(inference, target);
      inferExpression(inference, value);
      assignMap(inference, node, target);
      return;
    }
    default:
      assertNever(target);
  }
}

function assignVariable(inference: Inference, node: Assignment | VariableDeclaration, variable: Variable): void {
  const value = node.value;
  const slot = inference.declare(variable);
  if (value === undefined || inference.sized.has(slot)) return;
  inference.rule(slot, [value], ([input]) => {
    const found = input!;
    if (!isAssignable(found, inference.resolver.get(slot), false)) {
      const text = `Value '${typeName(found.type)}' cannot be assigned to a scratch variable.`;
      inference.context.report(error('not-assignable', node.span, text));
      return undefined;
    }
    return variableTyping(inference, slot, found, node);
  });
}

function assignMap(inference: Inference, node: Assignment, target: MapRef | MapAccess): void {
  const map = target.kind === 'map' ? target : target.map;
  const slot = inference.map(map.name).value;
  inference.rule(slot, [node.value], ([input]) => {
    const found = input!;
    if (isAssignable(found, inference.resolver.get(slot), true)) {
      return mapValueTyping(inference, map.name, found, node);
    }
    inference.context.report(notAssignableToMap(node, map, found));
    return undefined;
  });
}

function notAssignableToMap(node: Assignment, map: MapRef, value: Typing): ReturnType<typeof error> {
  const kind = value.type.kind;
  if (!isAggregation(kind)) {
    return error('not-assignable', node.span, `Value '${typeName(value.type)}' cannot be assigned to a map.`);
  }
  const example = AGGREGATIONS[kind satisfies AggregationName].example;
  const text =
    `Map value '${typeName(value.type)}' cannot be assigned from one map to another. ` +
    `The function that returns this type must be called directly e.g. \`@${map.name} = ${example};\`.`;
  const diagnostic = error('aggregation-copied', node.span, text);
  const source = node.value.kind === 'map_access' ? node.value.map : node.value;
  if (source.kind !== 'map' || !isCastableMap(value.type)) return diagnostic;
  const hint = `Add a cast to integer if you want the value of the aggregate, e.g. \`@${map.name} = (int64)@${source.name};\`.`;
  return withHint(diagnostic, hint);
}

/** Values of aggregating maps may be read as integers where an integer is expected, but never copied as such. */
function isAssignable(value: Typing, current: Typing | undefined, toMap: boolean): boolean {
  if (value.type.kind === 'void') return false;
  if (!isPerCpu(value.type)) return true;
  if (!isCastableMap(value.type)) return false;
  if (current !== undefined && isInteger(current.type)) return true;
  return !toMap && current === undefined;
}

function inferDeclaration(inference: Inference, node: VariableDeclaration): void {
  if (node.value !== undefined) inferExpression(inference, node.value);
  if (node.type !== undefined) {
    const slot = inference.declare(node.variable);
    const type = inferWrittenType(inference, node.type);
    if (node.type.kind === 'typeof') inference.resolver.same(node.type, slot);
    else if (type !== undefined) inference.resolver.seed(slot, declaredTyping(type, inference));
    // `let $s: string` takes its size from what is assigned.
    if (node.type.kind === 'typeof' || (type !== undefined && sizeOf(type) !== 0)) inference.sized.add(slot);
  }
  inference.variable(node.variable);
  assignVariable(inference, node, node.variable);
}

/** What a declared variable points at is taken to lie where the probe's addresses do. */
function declaredTyping(type: Type, inference: Inference): Typing {
  const leads = type.kind === 'pointer' || type.kind === 'array' || type.kind === 'c_struct';
  return typing(type, leads ? probeSpace(inference.attachment?.kind) : 'none');
}

function inferFor(inference: Inference, node: For): void {
  const { iterable } = node;
  if (iterable.kind === 'map' && inference.context.maps.badIterator.has(iterable)) {
    const text = `@${iterable.name} has no explicit keys (scalar map), and cannot be used for iteration`;
    inference.context.report(error('scalar-iteration', iterable.span, text));
  }
  inference.inScope(node, () => {
    const slot = inference.variable(node.variable);
    if (iterable.kind === 'map') {
      const { key, value } = inference.mapUse(iterable);
      inference.rule(slot, [key, value], ([keyTyping, valueTyping]) => {
        const valueType = valueTyping!.type;
        if (isMultiValue(valueType) || (isPerCpu(valueType) && !isCastableMap(valueType))) {
          const text = `Loop expression does not support type: ${typeName(valueType)}`;
          inference.context.report(error('not-iterable', iterable.span, text));
        }
        return typing({ kind: 'tuple', elements: [keyTyping!.type, valueType] });
      });
    } else {
      inferExpression(inference, iterable.start);
      inferExpression(inference, iterable.end);
      inference.rule(slot, [iterable.start, iterable.end], ([start, end]) => {
        if (!isInteger(start!.type)) {
          const text = 'Loop range requires an integer for the start value';
          inference.context.report(error('range-not-integer', iterable.span, text));
        }
        if (!isInteger(end!.type)) {
          const text = 'Loop range requires an integer for the end value';
          inference.context.report(error('range-not-integer', iterable.span, text));
        }
        const differ = isInteger(start!.type) && isInteger(end!.type) && sizeOf(start!.type) !== sizeOf(end!.type);
        return differ ? (promote(start, end!) ?? start) : start;
      });
    }
    inferStatement(inference, node.body);
  });
}

/** The rule that types a map's key from an expression used as one. */
export function inferKey(inference: Inference, node: MapAccess): void {
  const map = node.map.name;
  const slot = inference.map(map).key;
  inference.rule(slot, [node.key], ([input]) => {
    if (!isAssignable(input!, inference.resolver.get(slot), false)) {
      const text = `Value '${typeName(input!.type)}' cannot be used as a map key.`;
      inference.context.report(error('bad-key', node.span, text));
      return undefined;
    }
    return mapKeyTyping(inference, map, input!, node);
  });
}

/** has_key(), delete() and find() widen the map's key type as an access would. */
export function inferKeyArgument(inference: Inference, map: MapRef, key: Expression, at: Node): void {
  const slot = inference.map(map.name).key;
  inference.rule(slot, [key], ([input]) => mapKeyTyping(inference, map.name, input!, at));
}
