import type { MapAccess, MapRef } from '../../ast/nodes.ts';
import { aggregateLayout, sizeOf } from '../../lang/layout.ts';
import { isAggregation } from '../../lang/aggregations.ts';
import { bucketOffset, hasBuckets } from '../../lang/map-layout.ts';
import { typeName } from '../../lang/type-name.ts';
import type { MapSymbol } from '../../lang/typed-program.ts';
import type { Type } from '../../lang/types.ts';
import { bug } from '../../source/bug.ts';
import type { Value } from '../ir/ir.ts';
import { unsupported } from './unsupported.ts';
import { aggregateOverCpus } from './aggregation-reads.ts';
import { reportMissing } from './events.ts';
import { whether } from './flow.ts';
import type { Lowerer } from './lowerer.ts';
import { addressOf, copy, loadScalar, storeOperand, storeScalar, zero } from './memory.ts';
import { type Operand, type Place, at, scalar, scalarShape } from './operand.ts';
import type { Expression } from '../../ast/nodes.ts';

export function mapSymbol(l: Lowerer, ref: MapRef): MapSymbol {
  return l.unit.typed.maps.get(ref.name) ?? bug(`map @${ref.name} has no symbol`);
}

/** What `@m` or `@m[k]` names: the map and the key expression. */
export function mapTarget(node: MapRef | MapAccess): { readonly ref: MapRef; readonly key: Expression | undefined } {
  return node.kind === 'map' ? { ref: node, key: undefined } : { ref: node.map, key: node.key };
}

/** The bytes of a key, every one of them defined; with room for a bucket number where the map's keys have one. */
export function mapKey(l: Lowerer, symbol: MapSymbol, key: Expression | undefined, bucket?: Value): Place {
  const { b } = l;
  if (!hasBuckets(symbol.value)) {
    if (key !== undefined) return wholeKey(l, symbol.key ?? bug('a scalar map has a key'), key);
    const place: Place = { base: b.slot('key', 8), offset: 0 };
    b.store(place.base, 0, 8, 0);
    return place;
  }
  const offset = bucketOffset(symbol.key);
  const place: Place = { base: b.slot('key', offset + 8), offset: 0 };
  if (key !== undefined) {
    writeKey(l, place, key);
    const used = sizeOf(l.typeOf(key));
    zero(b, at(place, used), offset - used);
  }
  b.store(place.base, offset, 8, bucket ?? bug('a histogram without a bucket'));
  return place;
}

function wholeKey(l: Lowerer, type: Type, node: Expression): Place {
  const operand = l.expression(node);
  // Bytes that are nobody else's, or that nobody writes during the call, serve as they are.
  const direct = operand.kind === 'place' && operand.place.context === undefined;
  if (direct && sizeOf(l.typeOf(node)) === sizeOf(type)) return operand.place;
  const place: Place = { base: l.b.slot('key', sizeOf(type)), offset: 0 };
  storeOperand(l.b, place, l.typeOf(node), operand, 'exact');
  return place;
}

function writeKey(l: Lowerer, place: Place, node: Expression): void {
  l.storeTo(node, place, 'exact');
}

export function lookup(l: Lowerer, map: number, key: Place): Value {
  return l.b.call('map_lookup_elem', l.b.map(map), addressOf(l.b, key));
}

/** Whether an element of a map with such values is more than one number: then no program can read it. */
export function hasParts(type: Type): boolean {
  return hasBuckets(type) || type.kind === 'stats';
}

/** Reads `@m` or `@m[k]`: zeros where there is no such element. */
export function readMap(l: Lowerer, node: MapRef | MapAccess): Operand {
  const { ref, key } = mapTarget(node);
  const symbol = mapSymbol(l, ref);
  if (hasParts(symbol.value)) return unsupported(l, node.span, `one value of ${typeName(symbol.value)}`);
  const map = l.unit.mapIndex(ref.name);
  const place = mapKey(l, symbol, key);
  if (isAggregation(symbol.value.kind)) return scalar(aggregateOverCpus(l, symbol.value, map, place, node.span));
  const element = lookup(l, map, place);
  if (l.unit.reportHelperErrors) {
    const [missing, done] = [l.b.newBlock(), l.b.newBlock()];
    l.b.branch('jeq', element, 0, missing, done);
    l.b.enter(missing);
    reportMissing(l, node.span);
    l.b.jump(done);
    l.b.enter(done);
  }
  return readElement(l, symbol.value, element);
}

/** The value behind a pointer that may be null, else zeros. */
export function readElement(l: Lowerer, type: Type, element: Value): Operand {
  const { b } = l;
  const branchOnNull = (found: () => void, missing: () => void): void =>
    whether(b, { jump: 'jne', left: element, right: 0 }, found, missing);
  if (scalarShape(type) !== undefined) {
    const result: Place = { base: b.slot('element', 8), offset: 0 };
    branchOnNull(
      () => storeScalar(b, result, type, loadScalar(b, { base: element, offset: 0 }, type)),
      () => storeScalar(b, result, type, b.const(0)),
    );
    return scalar(loadScalar(b, result, type));
  }
  const size = sizeOf(type);
  return {
    kind: 'producer',
    write: (to) =>
      branchOnNull(
        () => copy(b, to, { base: element, offset: 0 }, size),
        () => zero(b, to, size),
      ),
  };
}

/** Size of a tuple's or record's bytes and where its holes are. */
export function paddingOf(types: readonly Type[]): { readonly offset: number; readonly size: number }[] {
  const { offsets, size } = aggregateLayout(types);
  const holes: { offset: number; size: number }[] = [];
  types.forEach((type, index) => {
    const end = offsets[index]! + sizeOf(type);
    const next = offsets[index + 1] ?? size;
    if (next > end) holes.push({ offset: end, size: next - end });
  });
  return holes;
}
