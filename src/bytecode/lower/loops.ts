import type { For, MapRef, Range, Unroll, While } from '../../ast/nodes.ts';
import { aggregateLayout, sizeOf } from '../../lang/layout.ts';
import { isAggregation } from '../../lang/aggregations.ts';
import { bug } from '../../source/bug.ts';
import type { Slot } from '../ir/ir.ts';
import { aggregateOverCpus } from './aggregation-reads.ts';
import { constantOf } from './constants.ts';
import { type Closure, openClosure, runCallback } from './closures.ts';
import { when } from './flow.ts';
import type { Lowerer } from './lowerer.ts';
import { mapSymbol } from './map-access.ts';
import { copy, storeScalar, zero } from './memory.ts';
import type { Place } from './operand.ts';
import { reportFailure } from './events.ts';
import { fitTo } from './operators.ts';

/** Up to so many rounds of a loop with constant ends the verifier is left to walk; more go to bpf_loop. */
const MOST_WALKED_ROUNDS = 64;

export function lowerWhile(l: Lowerer, node: While): void {
  const { b } = l;
  const [head, body, done] = [b.newBlock(), b.newBlock(), b.newBlock()];
  b.jump(head);
  b.enter(head);
  l.condition(node.condition, body, done);
  b.enter(body);
  l.loops.push({ onBreak: () => b.jump(done), onContinue: () => b.jump(head) });
  l.statement(node.body);
  l.loops.pop();
  b.jump(head);
  b.enter(done);
}

export function lowerUnroll(l: Lowerer, node: Unroll): void {
  const count = constantOf(l, node.count) ?? bug('unroll() by a computed number');
  const { b } = l;
  const done = b.newBlock();
  for (let round = 0n; round < count; round++) {
    const next = b.newBlock();
    l.loops.push({ onBreak: () => b.jump(done), onContinue: () => b.jump(next) });
    l.statement(node.body);
    l.loops.pop();
    b.jump(next);
    b.enter(next);
  }
  b.jump(done);
  b.enter(done);
}

export function lowerFor(l: Lowerer, node: For): void {
  const { iterable } = node;
  if (iterable.kind === 'map') return overMap(l, node, iterable);
  const [start, end] = [constantOf(l, iterable.start), constantOf(l, iterable.end)];
  if (start !== undefined && end !== undefined && end - start <= MOST_WALKED_ROUNDS)
    return overConstants(l, node, start, end);
  return overRange(l, node, iterable);
}

function overConstants(l: Lowerer, node: For, start: bigint, end: bigint): void {
  const { b } = l;
  const symbol = l.symbol(node.variable);
  const variable = l.declare(symbol);
  const counter = b.slot('counter', 8);
  const [head, body, next, done] = [b.newBlock(), b.newBlock(), b.newBlock(), b.newBlock()];
  b.store(counter, 0, 8, start);
  b.jump(head);
  b.enter(head);
  const value = b.load(counter, 0, 8);
  b.branch('jslt', value, end, body, done);
  b.enter(body);
  storeScalar(b, variable, symbol.type, value);
  l.loops.push({ onBreak: () => b.jump(done), onContinue: () => b.jump(next) });
  l.statement(node.body);
  l.loops.pop();
  b.jump(next);
  b.enter(next);
  b.store(counter, 0, 8, b.add(b.load(counter, 0, 8), 1));
  b.jump(head);
  b.enter(done);
}

/** bpf_loop: callback(index, context). */
function overRange(l: Lowerer, node: For, range: Range): void {
  const { b } = l;
  const symbol = l.symbol(node.variable);
  const start = l.value(range.start);
  const end = l.value(range.end);
  const [run, done] = [b.newBlock(), b.newBlock()];
  b.branch('jsgt', end, start, run, done);
  b.enter(run);
  // A start that is a constant need not be carried into the callback.
  const constant = constantOf(l, range.start);
  const last = constantOf(l, range.end);
  const extras: Slot[] = [];
  if (constant === undefined) {
    const first = b.slot('range_start', 8);
    b.store(first, 0, 8, start);
    extras.push(first);
  }
  const closure = openClosure(l, node.body, extras);
  const inner = l.nested(`${b.fn.name}_loop_${b.fn.nextId}`, 2);
  runCallback(inner, closure, 1, ([from]) => {
    const ib = inner.b;
    const index = ib.add(ib.param(0), from === undefined ? constant! : ib.load(from, 0, 8));
    storeScalar(inner.b, inner.declare(symbol), symbol.type, fitTo(inner, index, symbol.type));
    inner.statement(node.body);
  });
  const rounds = b.alu('sub', end, start);
  const result = b.call('loop', rounds, b.functionAddress(inner.b.fn), closure.address, 0);
  // The kernel runs at most 2^23 rounds (BPF_MAX_LOOPS).
  if (constant === undefined || last === undefined || last - constant > 1n << 23n)
    reportFailure(l, 'loop', result, node.span);
  leaveIfReturned(l, closure);
  b.jump(done);
  b.enter(done);
}

/** bpf_for_each_map_elem: callback(map, key, value, context). The variable is the tuple of key and value. */
function overMap(l: Lowerer, node: For, ref: MapRef): void {
  const { b } = l;
  const map = mapSymbol(l, ref);
  const index = l.unit.mapIndex(ref.name);
  const symbol = l.symbol(node.variable);
  if (symbol.type.kind !== 'tuple' || map.key === undefined) return bug('a map iterates over pairs');
  const closure = openClosure(l, node.body, []);
  const inner = l.nested(`${b.fn.name}_each_${b.fn.nextId}`, 4);
  const { type } = symbol;
  runCallback(inner, closure, 3, () => {
    const ib = inner.b;
    const key: Place = { base: ib.param(1), offset: 0 };
    const value: Place = { base: ib.param(2), offset: 0 };
    const pair = inner.declare(symbol);
    const { offsets, size } = aggregateLayout(type.elements);
    const [keyType, valueType] = [type.elements[0]!, type.elements[1]!];
    const used = offsets[1]! + sizeOf(valueType);
    if (offsets[1]! > sizeOf(keyType))
      zero(ib, { base: pair.base, offset: pair.offset + sizeOf(keyType) }, offsets[1]! - sizeOf(keyType));
    if (size > used) zero(ib, { base: pair.base, offset: pair.offset + used }, size - used);
    copy(ib, pair, key, sizeOf(keyType));
    const second = { ...pair, offset: pair.offset + offsets[1]! };
    if (isAggregation(map.value.kind))
      storeScalar(ib, second, valueType, aggregateOverCpus(inner, map.value, index, key));
    else copy(ib, second, value, sizeOf(valueType));
    inner.statement(node.body);
  });
  b.call('for_each_map_elem', b.map(index), b.functionAddress(inner.b.fn), closure.address, 0);
  leaveIfReturned(l, closure);
}

/** `return` inside the body ended the callback: now it ends the program. */
function leaveIfReturned(l: Lowerer, closure: Closure): void {
  if (closure.returned === undefined) return;
  const { b } = l;
  const { returned, hasValue } = closure;
  when(b, 'jne', b.load(returned, 0, 8), 0, () => l.onReturn(hasValue ? b.load(returned, 8, 8) : undefined));
}
