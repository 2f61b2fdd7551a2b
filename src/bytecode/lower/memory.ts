import { contextField } from '../../abi/contexts.ts';
import type { AccessSize } from '../../isa/opcodes.ts';
import { sizeOf } from '../../lang/layout.ts';
import type { Type } from '../../lang/types.ts';
import { bug } from '../../source/bug.ts';
import type { Builder } from '../ir/builder.ts';
import type { Value } from '../ir/ir.ts';
import { type Filling, type Operand, type Place, at, scalarShape } from './operand.ts';

/** Above this many loads and stores a helper call is shorter. */
const MOST_CHUNKS = 8;

/** The offsets and sizes in which `size` bytes are accessed, given how both ends are aligned. */
function chunks(size: number, ...places: readonly Place[]): { readonly offset: number; readonly size: AccessSize }[] {
  const result: { offset: number; size: AccessSize }[] = [];
  for (let offset = 0; offset < size;) {
    const fits = (chunk: number): boolean =>
      offset + chunk <= size &&
      places.every((place) => (place.align ?? 8) >= chunk && (place.offset + offset) % chunk === 0);
    const chunk = ([8, 4, 2] as const).find(fits) ?? 1;
    result.push({ offset, size: chunk });
    offset += chunk;
  }
  return result;
}

export function addressOf(b: Builder, place: Place): Value {
  return b.addressOf(place.base, place.offset);
}

/** Fills with zeros. */
export function zero(b: Builder, place: Place, size: number): void {
  const parts = chunks(size, place);
  // A read from address 0 faults, and the helper then clears its destination.
  if (parts.length > MOST_CHUNKS) b.clear(addressOf(b, place), size);
  else for (const part of parts) b.store(place.base, place.offset + part.offset, part.size, 0);
}

export function copy(b: Builder, to: Place, from: Place, size: number): void {
  const parts = chunks(size, to, from);
  const { context } = from;
  const readable =
    context === undefined ||
    parts.every((part) => contextField(context, from.offset + part.offset, part.size, false) !== undefined);
  // What loads may not touch of the context is kernel memory all the same.
  if (parts.length > MOST_CHUNKS || !readable) {
    b.call('probe_read_kernel', addressOf(b, to), size, addressOf(b, from));
    return;
  }
  for (const part of parts) {
    const value = b.load(from.base, from.offset + part.offset, part.size);
    b.store(to.base, to.offset + part.offset, part.size, value);
  }
}

/** Stores constant bytes, zero-padded to `size`. */
export function storeBytes(b: Builder, to: Place, bytes: Uint8Array, size: number, filling: Filling): void {
  const wanted = filling === 'text' ? Math.min(size, bytes.length + 1) : size;
  const significant = Math.min(wanted, Math.ceil((bytes.length + 1) / 8) * 8);
  for (const part of chunks(significant, to)) {
    let value = 0n;
    for (let i = part.size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[part.offset + i] ?? 0);
    b.store(to.base, to.offset + part.offset, part.size, BigInt.asIntN(part.size * 8, value));
  }
  if (significant < wanted) zero(b, at(to, significant), wanted - significant);
}

/** Reads a value of a register type from its bytes. */
export function loadScalar(b: Builder, place: Place, type: Type, invariant = false): Value {
  const shape = scalarShape(type) ?? bug(`a ${type.kind} is not a scalar`);
  const align = place.align ?? 8;
  if (align >= shape.size && place.offset % shape.size === 0)
    return b.load(place.base, place.offset, shape.size, shape.signed, invariant);
  const copied = b.slot('unaligned', 8);
  copy(b, { base: copied, offset: 0 }, place, shape.size);
  return b.load(copied, 0, shape.size, shape.signed);
}

export function storeScalar(b: Builder, place: Place, type: Type, value: Value): void {
  const shape = scalarShape(type) ?? bug(`a ${type.kind} is not a scalar`);
  if ((place.align ?? 8) >= shape.size && place.offset % shape.size === 0) {
    b.store(place.base, place.offset, shape.size, value);
    return;
  }
  const aligned = b.slot('unaligned', 8);
  b.store(aligned, 0, shape.size, value);
  copy(b, place, { base: aligned, offset: 0 }, shape.size);
}

/** Brings `size` bytes from kernel or user memory. What cannot be read becomes zeros. */
export function readRemote(b: Builder, to: Place, operand: Extract<Operand, { kind: 'remote' }>, size: number): void {
  const helper = operand.space === 'user' ? 'probe_read_user' : 'probe_read_kernel';
  const from = operand.offset === 0 ? operand.pointer : b.add(operand.pointer, operand.offset);
  b.call(helper, addressOf(b, to), size, from);
}

/** Writes an operand's bytes: all sizeOf(type) of them when exact. */
export function storeOperand(b: Builder, to: Place, type: Type, operand: Operand, filling: Filling): void {
  switch (operand.kind) {
    case 'scalar':
      return storeScalar(b, to, type, operand.value);
    case 'place':
      return copy(b, to, operand.place, sizeOf(type));
    case 'remote':
      return readRemote(b, to, operand, sizeOf(type));
    case 'producer':
      return operand.write(to, filling);
    case 'none':
      return bug('an expression without a value is stored');
  }
}

/** The operand's bytes at a place that the program may access; made there when they were nowhere. */
export function materialize(b: Builder, type: Type, operand: Operand, filling: Filling = 'exact'): Place {
  if (operand.kind === 'place' && operand.place.context === undefined) return operand.place;
  const place: Place = { base: b.slot(type.kind, Math.max(1, sizeOf(type))), offset: 0 };
  storeOperand(b, place, type, operand, filling);
  return place;
}

/** The operand as a register value. */
export function asValue(b: Builder, type: Type, operand: Operand): Value {
  if (operand.kind === 'scalar') return operand.value;
  if (operand.kind === 'place') return loadScalar(b, operand.place, type);
  return loadScalar(b, materialize(b, type, operand), type);
}

/** Stores words in a row. */
export function storeWords(
  b: Builder,
  to: Place,
  words: readonly { readonly size: 4 | 8; readonly value: Value }[],
): void {
  let offset = 0;
  for (const { size, value } of words) {
    storeScalar(b, at(to, offset), { kind: 'int', size, signed: false }, value);
    offset += size;
  }
}
