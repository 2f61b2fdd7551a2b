import type { Call } from '../../ast/nodes.ts';
import { sizeOf } from '../../lang/layout.ts';
import { hasBuckets } from '../../lang/map-layout.ts';
import { typeName } from '../../lang/type-name.ts';
import { bug } from '../../source/bug.ts';
import { template } from '../../source/diagnostic.ts';
import type { Value } from '../ir/ir.ts';
import { expressionAt, optional } from './arguments.ts';
import type { Lowering } from './calls.ts';
import { when } from './flow.ts';
import type { Lowerer } from './lowerer.ts';
import { lookup, mapKey, mapSymbol, readElement } from './map-access.ts';
import { addressOf, asValue, storeOperand, storeScalar, zero } from './memory.ts';
import { type Place, scalar, scalarShape } from './operand.ts';

/**
 * A key in the kernel holds a bucket's number, too. bpftrace passes the address of a key without one: the kernel's verifier
 * refuses to read that far or, where the frame goes on behind it, the number is whatever stands there.
 */
const bucketKey = template(
  'bucket-key',
  'error',
  (name: string, type: string) =>
    `${name}() cannot name one element of a map of type ${type}: each bucket is an element of its own`,
);

const aggregation: Lowering = (_, node) => bug(`${node.name}() outside an assignment`);

/** Functions of maps. */
export const MAP_CALLS = {
  delete: (l, node) => {
    const { map, key } = mapArguments(l, node);
    const { b } = l;
    return scalar(b.compare('jeq', b.call('map_delete_elem', b.map(map), addressOf(b, key)), 0));
  },
  has_key: (l, node) => {
    const { map, key } = mapArguments(l, node);
    return scalar(l.b.compare('jne', lookup(l, map, key), 0));
  },
  find: (l, node) => {
    const { b } = l;
    const { map, key, symbol } = mapArguments(l, node);
    const variable = expressionAt(node, 2);
    if (variable.kind !== 'variable') return bug('find() into no variable');
    const element = lookup(l, map, key);
    const to = l.variable(l.symbol(variable));
    const { type } = l.symbol(variable);
    when(b, 'jne', element, 0, () => {
      const found = readElement(l, symbol.value, element);
      if (scalarShape(type) !== undefined) return storeScalar(b, to, type, asValue(b, symbol.value, found));
      // The variable may be larger than what the map holds.
      if (sizeOf(type) > sizeOf(symbol.value)) zero(b, to, sizeOf(type));
      storeOperand(b, to, symbol.value, found, 'exact');
    });
    return scalar(b.compare('jne', element, 0));
  },
  len: (l, node) => {
    const of = expressionAt(node, 0);
    if (of.kind === 'map') return scalar(countElements(l, l.unit.mapIndex(of.name)));
    const type = l.typeOf(of);
    const place = l.place(of);
    const offset = type.kind === 'ustack' ? 8 : 0;
    return scalar(l.b.load(place.base, place.offset + offset, 8));
  },
  count: aggregation,
  sum: aggregation,
  avg: aggregation,
  min: aggregation,
  max: aggregation,
  stats: aggregation,
  hist: aggregation,
  lhist: aggregation,
  tseries: aggregation,
} satisfies Record<string, Lowering>;

function mapArguments(
  l: Lowerer,
  node: Call,
): { readonly map: number; readonly key: Place; readonly symbol: ReturnType<typeof mapSymbol> } {
  const ref = expressionAt(node, 0);
  if (ref.kind !== 'map') return bug(`${node.name}() of no map`);
  const symbol = mapSymbol(l, ref);
  const buckets = hasBuckets(symbol.value);
  if (buckets) l.unit.diagnostics.push(bucketKey(node.span, node.name, typeName(symbol.value)));
  return {
    map: l.unit.mapIndex(ref.name),
    key: mapKey(l, symbol, optional(node, 1), buckets ? l.b.const(0) : undefined),
    symbol,
  };
}

/** The helper that visits all elements says how many there were. */
function countElements(l: Lowerer, map: number): Value {
  const { b } = l;
  const visitor = l.nested(`${b.fn.name}_count_${b.fn.nextId}`, 4);
  visitor.b.return(0);
  return b.call('for_each_map_elem', b.map(map), b.functionAddress(visitor.b.fn), 0, 0);
}
