import type { Assignment, Call, Expression, MapAccess, MapRef } from '../../ast/nodes.ts';
import { UPDATE_FLAGS } from '../../abi/map-types.ts';
import type { Type } from '../../lang/types.ts';
import type { Value } from '../ir/ir.ts';
import { reportFailure } from './events.ts';
import type { Span } from '../../source/source.ts';
import { lowerAggregation } from './aggregations.ts';
import { whether } from './flow.ts';
import type { Lowerer } from './lowerer.ts';
import { lookup, mapKey, mapSymbol, mapTarget, readElement } from './map-access.ts';
import { addressOf, asValue, materialize, storeScalar } from './memory.ts';
import { arithmetic, compoundOperator, fitTo } from './operators.ts';
import { type Operand, type Place, scalar, scalarShape } from './operand.ts';
import { isAggregation } from '../../lang/aggregations.ts';
import { sizeOf } from '../../lang/layout.ts';
import { bug } from '../../source/bug.ts';

/** Inserts or replaces an element; a full map is reported at `span`. */
export function update(l: Lowerer, map: number, key: Place, value: Place, span: Span): void {
  const { b } = l;
  const flags = UPDATE_FLAGS.any;
  const result = b.call('map_update_elem', b.map(map), addressOf(b, key), addressOf(b, value), flags);
  reportFailure(l, 'map_update_elem', result, span);
}

/** `@m = v`, `@m[k] = v`, `@m[k] += v` and `@m = count()`. */
export function assignMap(l: Lowerer, node: Assignment, target: MapRef | MapAccess): void {
  const { ref, key } = mapTarget(target);
  const symbol = mapSymbol(l, ref);
  const aggregation = isAggregation(symbol.value.kind) ? aggregatingCall(l, node.value) : undefined;
  if (aggregation !== undefined) {
    lowerAggregation(l, symbol, key, aggregation);
    return;
  }
  const map = l.unit.mapIndex(ref.name);
  const operator = compoundOperator(node.operator);
  const type = l.typeOf(node.value);
  if (operator === undefined) {
    // The value first: evaluating the key last keeps its bytes short-lived.
    const operand = pinned(l, type, l.expression(node.value));
    const place = mapKey(l, symbol, key);
    update(l, map, place, materialize(l.b, symbol.value, operand), node.span);
    return;
  }
  const right = l.value(node.value);
  const place = mapKey(l, symbol, key);
  changeElement(l, map, place, symbol.value, node.span, (left) =>
    arithmetic(
      l,
      operator,
      { left, right: scaleFor(l, symbol.value, right), size: sizeOf(symbol.value) },
      symbol.value,
      node.span,
    ),
  );
}

/** The call that an assignment aggregates by; what a block does in front of it is lowered. */
function aggregatingCall(l: Lowerer, node: Expression): Call | undefined {
  if (node.kind === 'call') return node;
  if (node.kind !== 'block_expression' || node.result === undefined) return undefined;
  l.statements(node.statements);
  return aggregatingCall(l, node.result);
}

/** Producers run later than the key is made: what they read must not have changed until then. */
function pinned(l: Lowerer, type: Type, operand: Operand): Operand {
  if (operand.kind !== 'producer') return operand;
  return { kind: 'place', place: materialize(l.b, type, operand) };
}

function scaleFor(l: Lowerer, type: Type, value: Value): Value {
  return type.kind === 'pointer' ? l.b.alu('mul', value, Math.max(1, sizeOf(type.to))) : value;
}

/** `@m[k]++` and its like: in place where the element exists, a new element otherwise. */
export function incrementMap(
  l: Lowerer,
  node: MapRef | MapAccess,
  type: Type,
  step: number,
  span: Span,
): { readonly before: Value; readonly after: Value } {
  const { ref, key } = mapTarget(node);
  const place = mapKey(l, mapSymbol(l, ref), key);
  return changeElement(l, l.unit.mapIndex(ref.name), place, type, span, (before) =>
    fitTo(l, l.b.add(before, step), type),
  );
}

function changeElement(
  l: Lowerer,
  map: number,
  key: Place,
  type: Type,
  span: Span,
  change: (before: Value) => Value,
): { readonly before: Value; readonly after: Value } {
  if (scalarShape(type) === undefined) bug(`arithmetic on a map of ${type.kind}`);
  const { b } = l;
  const element = lookup(l, map, key);
  const before = asValue(b, type, readElement(l, type, element));
  const after = change(before);
  whether(
    b,
    { jump: 'jne', left: element, right: 0 },
    () => storeScalar(b, { base: element, offset: 0 }, type, after),
    () => update(l, map, key, materialize(b, type, scalar(after)), span),
  );
  return { before, after };
}
