import { CONTEXTS } from '../../abi/contexts.ts';
import type { Expression, FieldAccess, IndexAccess, TupleAccess } from '../../ast/nodes.ts';
import { findMember, resolveForward } from '../../btf/layout.ts';
import type { Member, StructType, UnionType } from '../../btf/types.ts';
import { isDataLocation } from '../../lang/from-ctype.ts';
import { aggregateLayout, sizeOf } from '../../lang/layout.ts';
import type { Type } from '../../lang/types.ts';
import { bug } from '../../source/bug.ts';
import type { Value } from '../ir/ir.ts';
import { constantOf } from './constants.ts';
import { runtimeError } from './events.ts';
import { when } from './flow.ts';
import type { Lowerer } from './lowerer.ts';
import { addressOf, loadScalar, materialize, readRemote } from './memory.ts';
import { type Operand, type Place, at, scalar, scalarShape } from './operand.ts';
import { dereference } from './operators.ts';

/** Operand as bytes somewhere: pointers to structs are followed until there is one. */
function aggregate(l: Lowerer, node: FieldAccess['base']): { readonly operand: Operand; readonly type: Type } {
  let operand = l.expression(node);
  let type = l.typeOf(node);
  while (type.kind === 'pointer') {
    const pointer = valueOf(l, operand, type);
    operand = isElementOf(l, pointer) ? iteratorContext(pointer) : dereference(l, pointer, type);
    type = type.to;
  }
  if (operand.kind === 'producer') operand = { kind: 'place', place: materialize(l.b, type, operand) };
  return { operand, type };
}

function valueOf(l: Lowerer, operand: Operand, type: Type): Value {
  const read = part(l, operand, 0, type);
  return read.kind === 'scalar' ? read.value : bug('a pointer is a register value');
}

/** The bytes of `type` at an offset inside an operand, read when they are a register value. */
function part(l: Lowerer, operand: Operand, offset: number, type: Type): Operand {
  switch (operand.kind) {
    case 'scalar':
      return operand;
    case 'place': {
      const place = at(operand.place, offset);
      if (scalarShape(type) === undefined) return { kind: 'place', place };
      return scalar(loadScalar(l.b, place, type, place.base === l.context));
    }
    case 'remote': {
      const remote = { ...operand, offset: operand.offset + offset };
      if (scalarShape(type) === undefined) return remote;
      const copied: Place = { base: l.b.slot('read', 8), offset: 0 };
      readRemote(l.b, copied, remote, sizeOf(type));
      return scalar(loadScalar(l.b, copied, type));
    }
    default:
      return bug(`a part of ${operand.kind}`);
  }
}

export function lowerField(l: Lowerer, node: FieldAccess): Operand {
  const { operand, type } = aggregate(l, node.base);
  if (type.kind === 'record') {
    const index = type.fields.findIndex((field) => field.name === node.field);
    const { offsets } = aggregateLayout(type.fields.map((field) => field.type));
    return part(l, operand, offsets[index]!, type.fields[index]!.type);
  }
  if (type.kind !== 'c_struct') return bug(`a ${type.kind} has no fields`);
  const found = findMember(complete(l, type.struct), node.field) ?? bug(`no field ${node.field}`);
  const { member, offsetBits } = found;
  if (isDataLocation(member.type)) return scalar(dataLocation(l, operand, offsetBits / 8));
  if (member.bitfieldSize !== undefined) return scalar(bitField(l, operand, member, offsetBits, l.typeOf(node)));
  const field = part(l, operand, Math.floor(offsetBits / 8), l.typeOf(node));
  const isElement = operand.kind === 'place' && isElementOf(l, operand.place.base);
  if (isElement && field.kind === 'scalar') leaveAtEnd(l, field.value);
  return field;
}

/** Whether a pointer is an iterator's context, whose members are loaded and not copied. */
function isElementOf(l: Lowerer, pointer: Place['base']): boolean {
  return pointer === l.context && l.origin.probe?.attach.kind === 'iter';
}
function iteratorContext(pointer: Value): Operand {
  return { kind: 'place', place: { base: pointer, offset: 0, context: CONTEXTS.x86_64.tracing } };
}

/** An iterator's program runs once more behind the last element, with nothing in its context: as in bpftrace it returns there. */
function leaveAtEnd(l: Lowerer, value: Value): void {
  const { b } = l;
  const [end, on] = [b.newBlock(), b.newBlock()];
  b.branch('jeq', value, 0, end, on);
  b.enter(end);
  l.onReturn(undefined);
  b.enter(on);
}

/** A struct that was only declared where the script met it, with its members. */
function complete(l: Lowerer, struct: StructType | UnionType): StructType | UnionType {
  if (struct.size !== 0 || struct.members.length > 0 || struct.name === '') return struct;
  const forward = { kind: 'forward', name: struct.name, of: struct.kind } as const;
  const found = resolveForward(forward, l.unit.typed.target.types);
  return found.kind === 'struct' || found.kind === 'union' ? found : struct;
}

/** The low half of a __data_loc word is where in the record its data starts. */
function dataLocation(l: Lowerer, record: Operand, offset: number): Value {
  const { b } = l;
  if (record.kind !== 'place') return bug('__data_loc outside a record');
  const location = b.load(record.place.base, record.place.offset + offset, 4, false, true);
  return b.add(addressOf(b, record.place), b.alu('and', location, 0xffff));
}

/** Reads the bytes around the field and shifts it out. */
function bitField(l: Lowerer, operand: Operand, member: Member, offsetBits: number, type: Type): Value {
  const { b } = l;
  const width = member.bitfieldSize!;
  const shape = scalarShape(type) ?? bug('a bit field that is no integer');
  // The smallest aligned word that holds it all.
  const size = ([1, 2, 4, 8] as const).find((bytes) => {
    const start = Math.floor(offsetBits / (bytes * 8)) * bytes * 8;
    return offsetBits + width <= start + bytes * 8;
  });
  if (size === undefined) return bug('a bit field over two words');
  const start = Math.floor(offsetBits / (size * 8)) * size * 8;
  const read = part(l, operand, start / 8, { kind: 'int', size, signed: false });
  const word = read.kind === 'scalar' ? read.value : bug('a word is a register value');
  const top = b.alu('lsh', word, 64 - width - (offsetBits - start));
  // bpftrace masks the bits whatever their sign: only a field as wide as its type can be negative.
  const isWhole = width === shape.size * 8;
  return b.alu(shape.signed && isWhole ? 'arsh' : 'rsh', top, 64 - width);
}

export function lowerTupleAccess(l: Lowerer, node: TupleAccess): Operand {
  return tupleElement(l, node.base, node.index);
}

function tupleElement(l: Lowerer, base: TupleAccess['base'], index: number): Operand {
  const { operand, type } = aggregate(l, base);
  if (type.kind !== 'tuple') return bug(`element of a ${type.kind}`);
  const { offsets } = aggregateLayout(type.elements);
  return part(l, operand, offsets[index]!, type.elements[index]!);
}

/** `a[i]` on arrays, strings, pointers and tuples. */
export function lowerIndex(l: Lowerer, node: IndexAccess): Operand {
  const { b } = l;
  const type = l.typeOf(node.base);
  const element = l.typeOf(node);
  const { index } = node;
  const constant = constantOf(l, index);
  if (type.kind === 'tuple') {
    return tupleElement(l, node.base, Number(constant ?? bug('a computed tuple index')));
  }
  const size = sizeOf(element);
  if (type.kind === 'pointer') {
    const pointer = l.value(node.base);
    const target = b.add(pointer, b.alu('mul', unsignedIndex(l, index), Math.max(1, size)));
    return part(l, dereference(l, target, type), 0, element);
  }
  let operand = l.expression(node.base);
  if (operand.kind === 'producer' || operand.kind === 'scalar')
    operand = { kind: 'place', place: materialize(b, type, operand) };
  const length = type.kind === 'array' ? type.length : sizeOf(type);
  if (constant !== undefined && ((constant >= 0n && constant < BigInt(length)) || operand.kind === 'remote'))
    return part(l, operand, Number(constant) * size, element);
  const chosen = unsignedIndex(l, index);
  if (operand.kind === 'remote') {
    // Behind the end is told, and read all the same; what was declared without a length has no end.
    if (type.kind === 'array' && length > 0)
      when(b, 'jge', chosen, length, () => runtimeError(l, OUT_OF_BOUNDS, node.span));
    const pointer = b.add(operand.pointer, b.alu('mul', chosen, size));
    return part(l, { ...operand, pointer }, 0, element);
  }
  return boundedElement(l, operand, element, chosen, length, node);
}

/** An index in brackets has no sign: of a negative one the bits of its own width count. */
function unsignedIndex(l: Lowerer, index: Expression): Value {
  const value = l.value(index);
  const shape = scalarShape(l.typeOf(index));
  if (shape === undefined || !shape.signed || shape.size === 8) return value;
  return l.b.extend(value, (shape.size * 8) as 8 | 16 | 32, false);
}

/** An element of bytes that the program holds: outside the array the result is zero and an error is reported. */
function boundedElement(
  l: Lowerer,
  operand: Operand,
  element: Type,
  index: Value,
  length: number,
  node: IndexAccess,
): Operand {
  const { b } = l;
  if (operand.kind !== 'place') return bug(`an element of ${operand.kind}`);
  const size = sizeOf(element);
  const result: Place = { base: b.slot('element', Math.max(8, size)), offset: 0 };
  const [inside, outside, done] = [b.newBlock(), b.newBlock(), b.newBlock()];
  b.branch('jlt', index, length, inside, outside);
  b.enter(inside);
  const pointer = b.add(addressOf(b, operand.place), b.alu('mul', index, size));
  b.call('probe_read_kernel', addressOf(b, result), size, pointer);
  b.jump(done);
  b.enter(outside);
  b.clear(addressOf(b, result), size);
  // Text is not an array: nobody looks whether an index is within it.
  if (l.typeOf(node.base).kind === 'array') runtimeError(l, OUT_OF_BOUNDS, node.span);
  b.jump(done);
  b.enter(done);
  return part(l, { kind: 'place', place: result }, 0, element);
}
const OUT_OF_BOUNDS = 'Array access out of bounds. This can lead to unexpected results.';
