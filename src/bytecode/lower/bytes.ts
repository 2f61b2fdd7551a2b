import type { Call, Expression } from '../../ast/nodes.ts';
import { sizeOf } from '../../lang/layout.ts';
import type { Type } from '../../lang/types.ts';
import { bug } from '../../source/bug.ts';
import type { Value } from '../ir/ir.ts';
import type { Lowerer } from './lowerer.ts';
import { addressOf, materialize, readRemote, storeOperand, zero } from './memory.ts';
import { type Operand, type Place, at, scalarShape } from './operand.ts';

/** Where the bytes that an expression stands for are: behind its pointer, or its own. */
interface Bytes {
  readonly pointer: Value;
  readonly space: 'kernel' | 'user';
}

function bytesOf(l: Lowerer, node: Expression): Bytes {
  const type = l.typeOf(node);
  if (scalarShape(type) !== undefined) {
    const space = type.kind === 'pointer' && type.space !== 'none' ? type.space : spaceOf(l, node);
    return { pointer: l.value(node), space };
  }
  const operand = l.expression(node);
  if (operand.kind === 'remote') {
    const pointer = operand.offset === 0 ? operand.pointer : l.b.add(operand.pointer, operand.offset);
    return { pointer, space: operand.space };
  }
  return { pointer: addressOf(l.b, materialize(l.b, type, operand)), space: 'kernel' };
}

/** Integers used as addresses belong to the side that the probe traces. */
function spaceOf(l: Lowerer, node: Expression): 'kernel' | 'user' {
  let inner = node;
  while (inner.kind === 'cast') inner = inner.operand;
  const casted = node.kind === 'cast' ? l.typeOf(inner) : undefined;
  if (casted?.kind === 'pointer' && casted.space !== 'none') return casted.space;
  const call = inner.kind === 'call' ? inner.name : undefined;
  if (call === 'uptr') return 'user';
  if (call === 'kptr' || call === 'kaddr' || call === 'percpu_kaddr') return 'kernel';
  const attach = l.origin.probe?.attach;
  switch (attach?.kind) {
    case 'uprobe':
    case 'uretprobe':
    case 'usdt':
      return 'user';
    default:
      return 'kernel';
  }
}

/** str(): reads text at an address, at most its type's size or, when given, the length. */
export function lowerStr(l: Lowerer, node: Call, from: Expression, length: Expression | undefined): Operand {
  const { b } = l;
  const type = l.typeOf(node);
  const size = sizeOf(type);
  const source = bytesOf(l, from);
  const most: Value =
    length === undefined || length.kind === 'integer' ? b.const(size) : atMost(l, b.add(l.value(length), 1), size);
  return {
    kind: 'producer',
    write: (to, filling) => {
      // Behind the NUL the helper leaves what was there.
      if (filling === 'exact') zero(b, to, size);
      b.call(`probe_read_${source.space}_str`, addressOf(b, to), most, source.pointer);
    },
  };
}

function atMost(l: Lowerer, value: Value, limit: number): Value {
  const { b } = l;
  const result = b.slot('size', 8);
  const [cut, done] = [b.newBlock(), b.newBlock()];
  b.store(result, 0, 8, value);
  b.branch('jgt', value, limit, cut, done);
  b.enter(cut);
  b.store(result, 0, 8, limit);
  b.jump(done);
  b.enter(done);
  return b.load(result, 0, 8);
}

/** buf(): a u32 length, then so many bytes. */
export function lowerBuffer(l: Lowerer, node: Call, from: Expression, length: Expression | undefined): Operand {
  const { b } = l;
  const type = l.typeOf(node);
  if (type.kind !== 'buffer') return bug('buf() makes a buffer');
  const source = bytesOf(l, from);
  const own = l.typeOf(from);
  const known = length === undefined && own.kind === 'array' ? Math.min(sizeOf(own), type.size) : type.size;
  const count =
    length === undefined || length.kind === 'integer' ? b.const(known) : atMost(l, l.value(length), type.size);
  return {
    kind: 'producer',
    write: (to, filling) => {
      if (filling === 'exact') zero(b, at(to, 4), type.size);
      b.store(to.base, to.offset, 4, count);
      b.call(`probe_read_${source.space}`, addressOf(b, at(to, 4)), count, source.pointer);
    },
  };
}

export function lowerMacAddress(l: Lowerer, from: Expression): Operand {
  const source = bytesOf(l, from);
  return {
    kind: 'producer',
    write: (to) => void l.b.call(`probe_read_${source.space}`, addressOf(l.b, to), 6, source.pointer),
  };
}

const AF_INET = 2;
const AF_INET6 = 10;

/** ntop([family,] address): a u32 family and 16 bytes. */
export function lowerInternetAddress(
  l: Lowerer,
  node: Call,
  argument: (node: Call, index: number) => Expression | undefined,
): Operand {
  const { b } = l;
  const second = argument(node, 1);
  const address = second ?? argument(node, 0) ?? bug('ntop() of nothing');
  const type = l.typeOf(address);
  const family =
    second === undefined
      ? b.const(scalarShape(type) === undefined && sizeOf(type) === 16 ? AF_INET6 : AF_INET)
      : l.value(argument(node, 0)!);
  const operand = l.expression(address);
  return {
    kind: 'producer',
    write: (to: Place) => {
      b.store(to.base, to.offset, 4, family);
      const data = at(to, 4);
      const size = Math.min(16, sizeOf(type));
      if (size < 16) zero(b, { ...data, align: 4 }, 16);
      if (operand.kind === 'remote') readRemote(b, data, operand, size);
      else storeOperand(b, data, asAddress(type), operand, 'exact');
    },
  };
}

/** An integer address counts with its low four bytes. */
function asAddress(type: Type): Type {
  return scalarShape(type) === undefined ? type : { kind: 'int', size: 4, signed: false };
}
