import type { Call, Expression } from '../../ast/nodes.ts';
import { sizeOf } from '../../lang/layout.ts';
import { type Type, UINT32, UINT64 } from '../../lang/types.ts';
import { bug } from '../../source/bug.ts';
import type { Value } from '../ir/ir.ts';
import { optional } from './arguments.ts';
import { constantOf } from './constants.ts';
import { choose } from './flow.ts';
import type { Lowerer } from './lowerer.ts';
import { addressOf, copy, materialize, readRemote, storeOperand, storeScalar, zero } from './memory.ts';
import { type Operand, type Place, at, scalarShape } from './operand.ts';
import { AF_INET, AF_INET6 } from '../../abi/linux.ts';

/** Where the bytes that an expression stands for are: behind its pointer, or its own. */
interface Bytes {
  readonly pointer: Value;
  readonly space: 'kernel' | 'user';
}

function bytesOf(l: Lowerer, node: Expression): Bytes {
  const type = l.typeOf(node);
  if (scalarShape(type) !== undefined) {
    const space = type.kind === 'pointer' && type.space !== 'none' ? type.space : addressSpaceOf(l, node);
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
export function addressSpaceOf(l: Lowerer, node: Expression): 'kernel' | 'user' {
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

/** Up to this max_strlen one byte more is read than kept: its absence of a NUL says that the text was cut. */
const LONGEST_WITH_SPARE = 1024;

/** str(): reads text at an address, its NUL within the length if one is given. */
export function lowerStr(l: Lowerer, node: Call, from: Expression, length: Expression | undefined): Operand {
  const { b } = l;
  const size = sizeOf(l.typeOf(node));
  const limit = l.unit.typed.config.max_strlen;
  const most = limit < LONGEST_WITH_SPARE ? limit + 1 : limit;
  const source = bytesOf(l, from);
  const literal = length === undefined ? BigInt(most) : constantOf(l, length);
  const read = literal === undefined ? undefined : Math.min(Number(literal), most);
  const count = read === undefined ? atMost(l, l.value(length!), most) : b.const(read);
  const helper = `probe_read_${source.space}_str` as const;
  return {
    kind: 'producer',
    write: (to, filling) => {
      const direct = (read ?? most) <= size;
      const buffer: Place = direct ? to : { base: b.slot('text', most), offset: 0 };
      // Behind the NUL the helper leaves what was there, and nothing read is no NUL either.
      if (filling === 'exact') zero(b, buffer, direct ? size : most);
      else if (read === undefined || read === 0) b.store(buffer.base, buffer.offset, 1, 0);
      b.call(helper, addressOf(b, buffer), count, source.pointer);
      if (!direct) copy(b, to, buffer, size);
    },
  };
}

/** The value, or the limit when it is larger as an unsigned number. */
export function atMost(l: Lowerer, value: Value, limit: number): Value {
  const { b } = l;
  return choose(
    b,
    { jump: 'jgt', left: value, right: limit },
    () => b.const(limit),
    () => value,
  );
}

/** str_concat(): both texts in a row in a buffer that would hold them at their longest, then as much as fits. */
export function lowerConcatenation(l: Lowerer, node: Call, left: Expression, right: Expression): Operand {
  const { b } = l;
  const size = sizeOf(l.typeOf(node));
  const [first, second] = [sizeOf(l.typeOf(left)), sizeOf(l.typeOf(right))];
  const [from, behind] = [l.place(left), l.place(right)];
  return {
    kind: 'producer',
    write: (to, filling) => {
      const whole = Math.max(size, first + second);
      const buffer: Place = { base: b.slot('joined', whole), offset: 0 };
      zero(b, buffer, whole);
      // The helper returns the length with the NUL, which the second text overwrites.
      const length = b.call('probe_read_kernel_str', addressOf(b, buffer), first, addressOf(b, from));
      const used = choose(
        b,
        { jump: 'jsgt', left: length, right: 0 },
        () => b.add(length, -1),
        () => b.const(0),
      );
      const end = b.add(addressOf(b, buffer), used);
      b.call('probe_read_kernel_str', end, second, addressOf(b, behind));
      b.store(buffer.base, buffer.offset + size - 1, 1, 0);
      if (filling === 'text') b.call('probe_read_kernel_str', addressOf(b, to), size, addressOf(b, buffer));
      else copy(b, to, buffer, size);
    },
  };
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
    length === undefined || constantOf(l, length) !== undefined
      ? b.const(known)
      : atMost(l, l.value(length), type.size);
  return {
    kind: 'producer',
    write: (to, filling) => {
      if (filling === 'exact') zero(b, at(to, 4), type.size);
      storeScalar(b, to, UINT32, count);
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

/** ntop([family,] address): a u32 family and 16 bytes. */
export function lowerInternetAddress(l: Lowerer, node: Call): Operand {
  const { b } = l;
  const second = optional(node, 1);
  const address = second ?? optional(node, 0) ?? bug('ntop() of nothing');
  const type = l.typeOf(address);
  const family =
    second === undefined
      ? b.const(scalarShape(type) === undefined && sizeOf(type) === 16 ? AF_INET6 : AF_INET)
      : l.value(optional(node, 0)!);
  const operand = l.expression(address);
  return {
    kind: 'producer',
    write: (to: Place) => {
      storeScalar(b, to, UINT64, family);
      const data = at(to, 8);
      const size = Math.min(16, sizeOf(type));
      if (size < 16) zero(b, { ...data, align: Math.min(4, data.align ?? 4) }, 16);
      if (operand.kind === 'remote') readRemote(b, data, operand, size);
      else storeOperand(b, data, asAddress(type), operand, 'exact');
    },
  };
}

/** An integer address counts with its low four bytes. */
function asAddress(type: Type): Type {
  return scalarShape(type) === undefined ? type : UINT32;
}
