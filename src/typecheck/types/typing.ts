import type { AddressSpace, IntSize, Type } from '../../lang/types.ts';
import type { TimestampMode } from '../../lang/map-layout.ts';
import { isAggregation, isCastableAggregation } from '../../lang/aggregations.ts';
import { sizeOf } from '../../lang/layout.ts';
import { intType } from '../../lang/types.ts';

/** What inference knows of an expression beside its type. */
export interface Typing {
  readonly type: Type;
  /** Where a pointer that comes out of it leads. */
  readonly space: AddressSpace;
  /** Lies in the probe's context. */
  readonly context?: boolean;
  /** Lies in the program's own memory: a map value, a variable. */
  readonly internal?: boolean;
  /** Parameters of the probed function: fields are looked up by name, and it may be printed. */
  readonly parameters?: boolean;
  /** Of nsecs(mode) and what is computed from it for strftime(). */
  readonly clock?: TimestampMode;
}

export function typing(type: Type, space: AddressSpace = 'none'): Typing {
  return { type, space };
}

export function isInteger(type: Type): boolean {
  return type.kind === 'int' || type.kind === 'enum';
}

export function isSigned(type: Type): boolean {
  return 'signed' in type && type.signed;
}

/** Whether the type is that of a non-negative literal, whose sign is that of what it meets. */
export function isFlexible(type: Type): boolean {
  return type.kind === 'int' && type.flexible === true;
}

export function isCastableMap(type: Type): boolean {
  return isCastableAggregation(type.kind);
}

/** Map values that exist only per CPU. */
export function isPerCpu(type: Type): boolean {
  return isAggregation(type.kind);
}

/** Map values of several buckets or numbers, which have no value of their own per key. */
export function isMultiValue(type: Type): boolean {
  return type.kind === 'hist' || type.kind === 'lhist' || type.kind === 'tseries' || type.kind === 'stats';
}

export function isStack(type: Type): type is Extract<Type, { kind: 'kstack' | 'ustack' }> {
  return type.kind === 'kstack' || type.kind === 'ustack';
}

/** The kind as far as compatibility goes: an enum is an integer. */
function family(type: Type): string {
  return type.kind === 'enum' ? 'int' : type.kind;
}

/** Whether two types are the same type. */
export function sameType(a: Type, b: Type): boolean {
  if (a === b) return true;
  if (a.kind === 'enum' || b.kind === 'enum') {
    return a.kind === 'enum' && b.kind === 'enum' && a.name === b.name && a.enum.size === b.enum.size;
  }
  if (a.kind !== b.kind) return false;
  if (a.kind === 'c_struct' && b.kind === 'c_struct') {
    return a.struct === b.struct || (a.struct.name !== '' && sameName(a, b) && a.struct.size === b.struct.size);
  }
  if (a.kind === 'pointer' && b.kind === 'pointer') return sameType(a.to, b.to);
  if (a.kind === 'array' && b.kind === 'array') return a.length === b.length && sameType(a.element, b.element);
  if (a.kind === 'tuple' && b.kind === 'tuple') {
    return a.elements.length === b.elements.length && a.elements.every((e, i) => sameType(e, b.elements[i]!));
  }
  if (a.kind === 'record' && b.kind === 'record') {
    return (
      a.fields.length === b.fields.length &&
      a.fields.every((field, i) => field.name === b.fields[i]!.name && sameType(field.type, b.fields[i]!.type))
    );
  }
  if (isStack(a) && isStack(b)) return a.mode === b.mode && a.limit === b.limit;
  return sizeOf(a) === sizeOf(b) && isSigned(a) === isSigned(b);
}

function sameName(a: Extract<Type, { kind: 'c_struct' }>, b: Extract<Type, { kind: 'c_struct' }>): boolean {
  return a.struct.kind === b.struct.kind && a.struct.name === b.struct.name;
}

/** Whether values of the two types can meet at all: same kind, same shape, sizes aside. */
export function isCompatible(a: Type, b: Type): boolean {
  if (family(a) !== family(b)) return false;
  if (a.kind === 'c_struct' && b.kind === 'c_struct') return a.struct === b.struct || sameName(a, b);
  if (a.kind === 'pointer' && b.kind === 'pointer') return isCompatible(a.to, b.to);
  if (a.kind === 'tuple' && b.kind === 'tuple') {
    return a.elements.length === b.elements.length && a.elements.every((e, i) => isCompatible(e, b.elements[i]!));
  }
  if (isStack(a) && isStack(b)) return a.mode === b.mode && a.limit === b.limit;
  if (a.kind === 'record' && b.kind === 'record') {
    return (
      a.fields.length === b.fields.length &&
      a.fields.every((field) => {
        const other = fieldType(b, field.name);
        return other !== undefined && isCompatible(field.type, other);
      })
    );
  }
  if (a.kind === 'array' && b.kind === 'array') {
    if (!sameType(a.element, b.element)) return false;
    return a.length === 0 || b.length === 0 || a.length === b.length;
  }
  return true;
}

export function fieldType(record: Extract<Type, { kind: 'record' }>, name: string): Type | undefined {
  return record.fields.find((field) => field.name === name)?.type;
}

/** Whether every value of the first type is a value of the second. */
export function fitsInto(from: Typing, to: Type): boolean {
  const type = from.type;
  if (!isCompatible(type, to)) return false;
  if (type.kind === 'string' && to.kind === 'string') return type.size <= to.size;
  if (isInteger(type)) {
    if (isSigned(type) === isSigned(to) || isFlexible(type)) return sizeOf(type) <= sizeOf(to);
    return !isSigned(type) && sizeOf(type) < sizeOf(to);
  }
  if (type.kind === 'tuple' && to.kind === 'tuple') {
    return type.elements.every((element, i) => fitsInto(typing(element), to.elements[i]!));
  }
  if (type.kind === 'record' && to.kind === 'record') {
    return type.fields.every((field) => {
      const other = fieldType(to, field.name);
      return other !== undefined && fitsInto(typing(field.type), other);
    });
  }
  return sameType(type, to);
}

/** The type that holds values of both: undefined when there is none. `current` undefined: nothing is known yet. */
export function promote(current: Typing | undefined, next: Typing): Typing | undefined {
  if (current === undefined) {
    return isCastableMap(next.type) ? typing(intType(8, isSigned(next.type)), next.space) : next;
  }
  if (sameType(current.type, next.type)) return next;
  if (!isCompatible(current.type, next.type)) {
    const mixed =
      (isInteger(current.type) && isCastableMap(next.type)) || (isInteger(next.type) && isCastableMap(current.type));
    return mixed ? promoteIntegers(current, next) : undefined;
  }
  return promoteElement(current, next);
}

function promoteElement(current: Typing, next: Typing): Typing | undefined {
  const a = current.type;
  const b = next.type;
  if (isInteger(a)) return promoteIntegers(current, next);
  if (isCastableMap(a)) return isSigned(a) !== isSigned(b) && isSigned(b) ? next : current;
  if (a.kind === 'tuple' && b.kind === 'tuple') {
    const elements = a.elements.map((element, i) => promoteElement(typing(element), typing(b.elements[i]!))?.type);
    return elements.every(isDefined) ? { ...current, type: { kind: 'tuple', elements } } : undefined;
  }
  if (a.kind === 'record' && b.kind === 'record') {
    const fields: { name: string; type: Type }[] = [];
    for (const field of a.fields) {
      const promoted = promoteElement(typing(field.type), typing(fieldType(b, field.name)!));
      if (promoted === undefined) return undefined;
      fields.push({ name: field.name, type: promoted.type });
    }
    return { ...current, type: { kind: 'record', fields } };
  }
  if (a.kind === 'string' && b.kind === 'string') {
    return { ...current, type: { kind: 'string', size: Math.max(a.size, b.size) } };
  }
  if (a.kind === 'pointer' && b.kind === 'pointer') {
    const to = promoteElement(typing(a.to), typing(b.to));
    return to === undefined ? undefined : typing({ kind: 'pointer', to: to.type, space: next.space }, next.space);
  }
  return current;
}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined;
}

/** Same sign: the larger. Unsigned inside a larger signed one: that. Else the next signed size, at most int64. */
function promoteIntegers(current: Typing, next: Typing): Typing {
  const a = current.type;
  const b = next.type;
  const signedA = isSigned(a);
  const signedB = isSigned(b);
  const sizeA = sizeOf(a);
  const sizeB = sizeOf(b);
  const larger = Math.max(sizeA, sizeB) as IntSize;
  const flexible = isFlexible(a) && isFlexible(b);
  if (signedA === signedB) return typing(flexible ? flexibleInt(larger) : intType(larger, signedA));
  if (isFlexible(a) || isFlexible(b)) {
    return typing(intType(larger, (!isFlexible(a) && signedA) || (!isFlexible(b) && signedB)));
  }
  if (signedA && sizeA > sizeB) return typing(intType(sizeA as IntSize, true));
  if (signedB && sizeB > sizeA) return typing(intType(sizeB as IntSize, true));
  return typing(intType(Math.min(8, larger * 2) as IntSize, true));
}

function flexibleInt(size: IntSize): Type {
  return { kind: 'int', size, signed: true, flexible: true };
}

/** The type of an integer literal: the smallest signed one, or uint64 beyond int64. */
export function literalTyping(value: bigint): Typing {
  const magnitude = value < 0n ? -value - 1n : value;
  if (magnitude > 0x7fff_ffff_ffff_ffffn) return typing(intType(8, false));
  const size: IntSize = magnitude <= 0x7fn ? 1 : magnitude <= 0x7fffn ? 2 : magnitude <= 0x7fff_ffffn ? 4 : 8;
  return typing(value < 0n ? intType(size, true) : flexibleInt(size));
}

/** Whether a literal has a value of an integer type. */
export function literalFits(value: bigint, type: Type): boolean {
  const bits = BigInt(sizeOf(type) * 8);
  if (isSigned(type)) return value >= -(1n << (bits - 1n)) && value < 1n << (bits - 1n);
  return value >= 0n && value < 1n << bits;
}
