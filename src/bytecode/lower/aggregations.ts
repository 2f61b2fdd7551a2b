import type { Call, Expression } from '../../ast/nodes.ts';
import type { JumpOp } from '../../isa/opcodes.ts';
import type { AggregationName } from '../../lang/aggregations.ts';
import type { MapSymbol } from '../../lang/typed-program.ts';
import type { Type } from '../../lang/types.ts';
import { bug } from '../../source/bug.ts';
import type { Slot, Value } from '../ir/ir.ts';
import type { Lowerer } from './lowerer.ts';
import { lookup, mapKey, readElement } from './map-access.ts';
import { asValue } from './memory.ts';
import { update } from './map-updates.ts';
import { scalarShape, type Place } from './operand.ts';

interface Target {
  readonly symbol: MapSymbol;
  readonly map: number;
  readonly key: Expression | undefined;
  readonly call: Call;
}
type Aggregation = (l: Lowerer, target: Target) => void;

/** `@m[k] = count()` and its like, each on this CPU's element. */
export function lowerAggregation(l: Lowerer, symbol: MapSymbol, key: Expression | undefined, call: Call): void {
  const lower = AGGREGATION_LOWERINGS[symbol.value.kind as AggregationName];
  lower(l, { symbol, map: l.unit.mapIndex(symbol.name), key, call });
}

const AGGREGATION_LOWERINGS: Record<AggregationName, Aggregation> = {
  count: (l, target) => addToElement(l, target, keyOf(l, target), [l.b.const(1)]),
  sum: (l, target) => {
    const key = keyOf(l, target);
    const value = argument(l, target);
    addToElement(l, target, key, [value]);
  },
  avg: totalAndCount,
  stats: totalAndCount,
  min: (l, target) => keepExtreme(l, target, 'min'),
  max: (l, target) => keepExtreme(l, target, 'max'),
  hist: (l, target) => {
    const bits = target.symbol.value.kind === 'hist' ? target.symbol.value.bits : 0;
    const bucket = log2Bucket(l, argument(l, target), bits);
    addToElement(l, target, keyOf(l, target, bucket), [l.b.const(1)]);
  },
  lhist: (l, target) => {
    const bucket = linearBucket(l, argument(l, target), target.symbol.value);
    addToElement(l, target, keyOf(l, target, bucket), [l.b.const(1)]);
  },
  tseries: timeSeries,
};

function argument(l: Lowerer, target: Target): Value {
  const node = target.call.args[0];
  if (node === undefined || node.kind === 'type') return bug(`${target.call.name}() without a value`);
  const value = l.value(node);
  const shape = scalarShape(l.typeOf(node));
  const { value: type } = target.symbol;
  if (!('signed' in type) || type.kind === 'tseries' || shape === undefined) return value;
  // As in bpftrace the map's sign decides how a narrow value is widened, whatever its own.
  if (type.signed === shape.signed || shape.size === 8) return value;
  return l.b.extend(value, (shape.size * 8) as 8 | 16 | 32, type.signed);
}

/** As in bpftrace the key is evaluated before the value; of a histogram it is after, as the value is part of it. */
function keyOf(l: Lowerer, target: Target, bucket?: Value): Place {
  return mapKey(l, target.symbol, target.key, bucket);
}

function totalAndCount(l: Lowerer, target: Target): void {
  const key = keyOf(l, target);
  const value = argument(l, target);
  addToElement(l, target, key, [value, l.b.const(1)]);
}

/** Runs one of two ways: on this CPU's element, or, where there is none, on a new one that is then inserted. */
function withElement(
  l: Lowerer,
  target: Target,
  key: Place,
  words: number,
  existing: (element: Value) => void,
  create: (fresh: Slot) => void,
): void {
  const { b } = l;
  const element = lookup(l, target.map, key);
  const [found, missing, done] = [b.newBlock(), b.newBlock(), b.newBlock()];
  b.branch('jeq', element, 0, missing, found);
  b.enter(found);
  existing(element);
  b.jump(done);
  b.enter(missing);
  const fresh = b.slot('fresh', words * 8);
  create(fresh);
  update(l, target.map, key, { base: fresh, offset: 0 }, target.call.span);
  b.jump(done);
  b.enter(done);
}

/** Adds to each word of the element; no other CPU touches it, and what interrupts us has no use for atomics either. */
function addToElement(l: Lowerer, target: Target, key: Place, words: readonly Value[]): void {
  const { b } = l;
  withElement(
    l,
    target,
    key,
    words.length,
    (element) =>
      words.forEach((word, index) => b.store(element, index * 8, 8, b.add(b.load(element, index * 8, 8), word))),
    (fresh) => words.forEach((word, index) => b.store(fresh, index * 8, 8, word)),
  );
}

function keepExtreme(l: Lowerer, target: Target, which: 'min' | 'max'): void {
  const { b } = l;
  const key = keyOf(l, target);
  const value = argument(l, target);
  const better = betterThan(which, target.symbol.value);
  withElement(
    l,
    target,
    key,
    2,
    (element) => storeIfBetter(l, element, value, better),
    (fresh) => {
      b.store(fresh, 0, 8, value);
      b.store(fresh, 8, 8, 1);
    },
  );
}

function betterThan(which: 'min' | 'max', type: Type): JumpOp {
  const signed = (type.kind === 'min' || type.kind === 'max' || type.kind === 'tseries') && type.signed;
  if (which === 'max') return signed ? 'jsgt' : 'jgt';
  return signed ? 'jslt' : 'jlt';
}

/** Words 0 and 1 are the value and whether there is one: zero() leaves elements without. */
function storeIfBetter(l: Lowerer, element: Value, value: Value, better: JumpOp): void {
  const { b } = l;
  const [compare, replace, after] = [b.newBlock(), b.newBlock(), b.newBlock()];
  b.branch('jeq', b.load(element, 8, 8), 0, replace, compare);
  b.enter(compare);
  b.branch(better, value, b.load(element, 0, 8), replace, after);
  b.enter(replace);
  b.store(element, 0, 8, value);
  b.store(element, 8, 8, 1);
  b.jump(after);
  b.enter(after);
}

/**
 * Bucket of a power-of-two histogram with 2^bits buckets a power: 0 below zero, 1 + n while n < 2^bits, else the position
 * of the leading one and the `bits` bits behind it (lang/map-layout.ts has the inverse).
 */
function log2Bucket(l: Lowerer, value: Value, bits: number): Value {
  const { b } = l;
  const mask = (1n << BigInt(bits)) - 1n;
  const result = b.slot('bucket', 8);
  const [negative, natural, small, large, done] = Array.from({ length: 5 }, () => b.newBlock());
  b.branch('jslt', value, 0, negative!, natural!);
  b.enter(negative!);
  b.store(result, 0, 8, 0);
  b.jump(done!);
  b.enter(natural!);
  b.branch('jle', value, mask, small!, large!);
  b.enter(small!);
  b.store(result, 0, 8, b.add(value, 1));
  b.jump(done!);
  b.enter(large!);
  // Binary search of the leading one: six steps that halve what is left.
  let rest = value;
  let position = b.const(0);
  for (const step of [32, 16, 8, 4, 2, 1]) {
    const slot = b.slot('rest', 8);
    const found = b.slot('position', 8);
    b.store(slot, 0, 8, rest);
    b.store(found, 0, 8, position);
    const [shift, next] = [b.newBlock(), b.newBlock()];
    b.branch('jge', rest, 1n << BigInt(step), shift, next);
    b.enter(shift);
    b.store(slot, 0, 8, b.alu('rsh', rest, step));
    b.store(found, 0, 8, b.alu('or', position, step));
    b.jump(next);
    b.enter(next);
    rest = b.load(slot, 0, 8);
    position = b.load(found, 0, 8);
  }
  if (bits === 0) {
    b.store(result, 0, 8, b.add(position, 2));
  } else {
    const shift = b.add(position, -bits);
    const fraction = b.alu('and', b.alu('rsh', value, shift), mask);
    const power = b.alu('lsh', b.add(shift, 1), bits);
    b.store(result, 0, 8, b.add(b.add(power, fraction), 1));
  }
  b.jump(done!);
  b.enter(done!);
  return b.load(result, 0, 8);
}

/** 0 below `min`, one bucket each `step`, the last one above `max`. */
function linearBucket(l: Lowerer, value: Value, type: Type): Value {
  if (type.kind !== 'lhist') return bug('a linear histogram without its bounds');
  const { b } = l;
  const result = b.slot('bucket', 8);
  const [low, atLeast, high, within, done] = Array.from({ length: 5 }, () => b.newBlock());
  b.branch('jslt', value, type.min, low!, atLeast!);
  b.enter(low!);
  b.store(result, 0, 8, 0);
  b.jump(done!);
  b.enter(atLeast!);
  b.branch('jsgt', value, type.max, high!, within!);
  b.enter(high!);
  b.store(result, 0, 8, 1n + (type.max - type.min) / type.step);
  b.jump(done!);
  b.enter(within!);
  b.store(result, 0, 8, b.add(b.alu('div', b.add(value, -type.min), type.step), 1));
  b.jump(done!);
  b.enter(done!);
  return b.load(result, 0, 8);
}

/** The time that a test keeps in a map. */
function scriptedTime(l: Lowerer, name: string): Value {
  const symbol = l.unit.typed.maps.get(name) ?? bug(`no map @${name} to take the time from`);
  const element = lookup(l, l.unit.mapIndex(name), mapKey(l, symbol, undefined));
  return asValue(l.b, symbol.value, readElement(l, symbol.value, element));
}

/** Words: value, meta, epoch. A bucket that a later interval takes over starts anew. */
function timeSeries(l: Lowerer, target: Target): void {
  const { b } = l;
  const type = target.symbol.value;
  if (type.kind !== 'tseries') return bug('a time series without its intervals');
  const { clockMap } = l.unit;
  const now = clockMap === undefined ? b.call('ktime_get_tai_ns') : scriptedTime(l, clockMap);
  const epoch = b.alu('div', now, type.intervalNs);
  const key = keyOf(l, target, b.alu('mod', epoch, type.intervals));
  const value = argument(l, target);
  const first = type.aggregation === 'none' ? now : b.const(1);
  withElement(
    l,
    target,
    key,
    3,
    (element) => {
      const { aggregation } = type;
      const [same, fresh, end] = [b.newBlock(), b.newBlock(), b.newBlock()];
      b.branch(aggregation === 'none' ? 'jne' : 'jeq', b.load(element, 16, 8), epoch, same, fresh);
      if (aggregation === 'none') {
        // Both ways the latest value replaces the one before.
        b.enter(same);
        b.jump(fresh);
      } else {
        b.enter(same);
        if (aggregation === 'min' || aggregation === 'max')
          storeIfBetter(l, element, value, betterThan(aggregation, type));
        else {
          b.store(element, 0, 8, b.add(b.load(element, 0, 8), value));
          if (aggregation === 'avg') b.store(element, 8, 8, b.add(b.load(element, 8, 8), 1));
        }
        b.jump(end);
      }
      b.enter(fresh);
      b.store(element, 0, 8, value);
      b.store(element, 8, 8, first);
      b.store(element, 16, 8, epoch);
      b.jump(end);
      b.enter(end);
    },
    (fresh) => {
      b.store(fresh, 0, 8, value);
      b.store(fresh, 8, 8, first);
      b.store(fresh, 16, 8, epoch);
    },
  );
}
