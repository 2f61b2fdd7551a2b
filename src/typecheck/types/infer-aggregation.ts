import type { Assignment, Call, Expression, IntegerLiteral, MapAccess, MapRef } from '../../ast/nodes.ts';
import { AGGREGATIONS, isAggregation } from '../../lang/aggregations.ts';
import type { AggregationName } from '../../lang/aggregations.ts';
import { typeName } from '../../lang/type-name.ts';
import { VOID } from '../../lang/types.ts';
import type { Type } from '../../lang/types.ts';
import { error } from '../messages.ts';
import { aggregationTyping, mapKeyTyping } from './assign.ts';
import { inferExpression } from './infer-expression.ts';
import type { Inference } from './infer.ts';
import { isInteger, isSigned, promote, typing } from './typing.ts';
import type { Typing } from './typing.ts';

/** The aggregating call that an assignment's value is, also at the end of a block: `@a = { ...; count() }`. */
export function aggregationOf(value: Expression): Call | undefined {
  if (value.kind === 'call') return isAggregation(value.name) ? value : undefined;
  return value.kind === 'block_expression' && value.result !== undefined ? aggregationOf(value.result) : undefined;
}

/** `@a[k] = sum(x)`: gives the map its value type. */
export function inferAggregation(inference: Inference, node: Assignment, target: MapRef | MapAccess, call: Call): void {
  const map = target.kind === 'map' ? target : target.map;
  const name = call.name as AggregationName;
  inference.mapUse(map);
  if (target.kind === 'map_access') inferExpression(inference, target.key);
  if (node.value === call) for (const argument of call.args) inferArgument(inference, argument);
  else inferExpression(inference, node.value);
  const slot = inference.map(map.name).value;
  const value = call.args[0];
  const { signed } = AGGREGATIONS[name];
  if (signed === 'first' && value !== undefined) {
    inference.rule(slot, [value], ([input]) =>
      aggregationTyping(inference, map.name, typing(valueType(call, isSigned(input!.type))), call),
    );
  } else if (signed === true && value !== undefined && value.kind !== 'type') {
    inference.rule(slot, [value], ([input]) => {
      const found = aggregated(inference, call, map, input!);
      return found === undefined ? undefined : aggregationTyping(inference, map.name, typing(found), call);
    });
  } else {
    inference.rule(slot, [call], () => aggregationTyping(inference, map.name, typing(valueType(call, false)), call));
  }
  if (target.kind === 'map_access') {
    const key = inference.map(map.name).key;
    inference.rule(key, [target.key], ([input]) => mapKeyTyping(inference, map.name, input!, call));
  }
  inference.seed(call, VOID);
}

function inferArgument(inference: Inference, argument: Call['args'][number]): void {
  if (argument.kind !== 'type') inferExpression(inference, argument);
}

/** All calls for one map must take integers that can be brought together. */
function aggregated(inference: Inference, call: Call, map: MapRef, value: Typing): Type | undefined {
  if (!isInteger(value.type)) {
    const text = `${call.name}() only supports integer arguments (${typeName(value.type)} provided)`;
    inference.context.report(error('aggregation-argument', call.span, text));
    return undefined;
  }
  const before = inference.aggregated.get(map.name);
  const promoted = promote(before, value);
  if (promoted === undefined) {
    const text =
      `Type mismatch for ${call.name}: trying to call function with type '${typeName(value.type)}' ` +
      `when it already has a type '${typeName(before!.type)}'`;
    inference.context.report(error('aggregation-argument', call.span, text));
    return undefined;
  }
  inference.aggregated.set(map.name, promoted);
  return valueType(call, isSigned(value.type));
}

type TseriesAggregation = Extract<Type, { kind: 'tseries' }>['aggregation'];

const VALUE_TYPES: Readonly<Record<AggregationName, (call: Call, signed: boolean) => Type>> = {
  count: () => ({ kind: 'count' }),
  sum: (_call, signed) => ({ kind: 'sum', signed }),
  avg: (_call, signed) => ({ kind: 'avg', signed }),
  min: (_call, signed) => ({ kind: 'min', signed }),
  max: (_call, signed) => ({ kind: 'max', signed }),
  stats: (_call, signed) => ({ kind: 'stats', signed }),
  hist: (call) => ({ kind: 'hist', bits: Number(integer(call, 1)) }),
  lhist: (call) => ({ kind: 'lhist', min: integer(call, 1), max: integer(call, 2), step: integer(call, 3) }),
  tseries: (call, signed) => ({
    kind: 'tseries',
    intervalNs: integer(call, 1),
    intervals: Number(integer(call, 2)),
    aggregation: (call.args[3]?.kind === 'string' ? call.args[3].value : 'none') as TseriesAggregation,
    signed,
  }),
};

/** The map value type that a call stands for, from its literal arguments. */
export function valueType(call: Call, signed: boolean): Type {
  return VALUE_TYPES[call.name as AggregationName](call, signed);
}

function integer(call: Call, index: number): bigint {
  const argument = call.args[index];
  return argument?.kind === 'integer' ? (argument satisfies IntegerLiteral).value : 0n;
}
