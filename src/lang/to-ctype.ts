import type { CType, IntType, Member } from '../btf/types.ts';
import { assertNever } from '../source/bug.ts';
import { isAggregation, isAggregationType } from './aggregations.ts';
import { aggregateLayout, sizeOf } from './layout.ts';
import { aggregationFields, bucketOffset, hasBuckets, mapKeySize, mapValueSize } from './map-layout.ts';
import type { Type } from './types.ts';

/*
 * The values of scripts as C types, for the BTF of object files: tools show a map's elements by them. Layout is that of
 * layout.ts and map-layout.ts, byte by byte.
 */
const int = (name: string, size: number, signed: boolean): IntType => ({
  kind: 'int',
  name,
  size,
  signed,
  bool: false,
  char: false,
});
const U8 = int('unsigned char', 1, false);
const U32 = int('unsigned int', 4, false);
const U64 = int('unsigned long long', 8, false);
const S64 = int('long long', 8, true);
const CHAR = int('char', 1, true);
const BOOL: IntType = { ...int('_Bool', 1, false), bool: true };
const SIGNED = { 1: int('signed char', 1, true), 2: int('short', 2, true), 4: int('int', 4, true), 8: S64 } as const;
const UNSIGNED = { 1: U8, 2: int('unsigned short', 2, false), 4: U32, 8: U64 } as const;

const array = (element: CType, length: number): CType => ({ kind: 'array', element, length });
const bytes = (length: number): CType => array(U8, length);

/** A struct of fields one behind the other, each with its size. */
function packed(...fields: readonly (readonly [name: string, type: CType, size: number])[]): CType {
  let offset = 0;
  const members = fields.map(([name, type, size]): Member => {
    const member = { name, type, offsetBits: offset * 8 };
    offset += size;
    return member;
  });
  return { kind: 'struct', name: '', size: offset, members };
}

function aggregate(fields: readonly { readonly name: string; readonly type: Type }[]): CType {
  const { offsets, size } = aggregateLayout(fields.map(({ type }) => type));
  const members = fields.map(({ name, type }, index) => ({
    name,
    type: toCType(type),
    offsetBits: offsets[index]! * 8,
  }));
  return { kind: 'struct', name: '', size, members };
}

/** Frames of a stack: addresses, or build ids with offsets. */
const frames = (type: Extract<Type, { kind: 'kstack' | 'ustack' }>, header: number): CType =>
  type.mode === 'build_id' ? bytes(sizeOf(type) - header) : array(U64, type.limit);

/** The C type of a value. What lies in it of kernel structs is bytes: their types would drag in most of the kernel's. */
export function toCType(type: Type): CType {
  if (isAggregationType(type)) return U64;
  switch (type.kind) {
    case 'void':
    case 'timestamp_mode':
    case 'stack_mode':
      return bytes(0);
    case 'bool':
      return BOOL;
    case 'int':
      return (type.signed ? SIGNED : UNSIGNED)[type.size];
    case 'enum':
      return type.enum;
    case 'string':
      return array(CHAR, type.size);
    case 'buffer':
      return packed(['length', U32, 4], ['bytes', bytes(type.size), type.size]);
    case 'pointer':
    case 'ksym':
    case 'username':
    case 'strerror':
      return U64;
    case 'array':
      return array(toCType(type.element), type.length);
    case 'c_struct':
    case 'mac':
      return bytes(sizeOf(type));
    case 'tuple':
      return aggregate(type.elements.map((element, index) => ({ name: `_${index}`, type: element })));
    case 'record':
      return aggregate(type.fields);
    case 'kstack':
      return packed(['count', U64, 8], ['frames', frames(type, 8), sizeOf(type) - 8]);
    case 'ustack':
      return packed(
        ['tgid', U32, 4],
        ['probe', U32, 4],
        ['count', U64, 8],
        ['frames', frames(type, 16), sizeOf(type) - 16],
      );
    case 'usym':
      return packed(['address', U64, 8], ['tgid', U32, 4], ['probe', U32, 4]);
    case 'timestamp':
      return packed(['format', U32, 4], ['mode', U32, 4], ['nanoseconds', U64, 8]);
    case 'inet':
      return packed(['family', U64, 8], ['address', bytes(16), 16]);
    case 'cgroup_path':
      return packed(['reserved', U64, 8], ['id', U64, 8]);
    default:
      return assertNever(type);
  }
}

/** The C type of a map's keys in the kernel. */
export function mapKeyCType(key: Type | undefined, value: Type): CType {
  const own = key === undefined ? U64 : toCType(key);
  if (!hasBuckets(value)) return own;
  const bucket: Member = { name: 'bucket', type: U64, offsetBits: bucketOffset(key) * 8 };
  const members = key === undefined ? [bucket] : [{ name: 'key', type: own, offsetBits: 0 }, bucket];
  return { kind: 'struct', name: '', size: mapKeySize(key, value), members };
}

/** The C type of one element of a map in the kernel, of one CPU's copy. */
export function mapValueCType(value: Type): CType {
  const { kind } = value;
  if (!isAggregation(kind)) return toCType(value);
  const isSigned = 'signed' in value && value.signed;
  // The first field is the number itself, the others count and note.
  const fields = aggregationFields(kind).map((name, index): Member => ({
    name,
    type: index === 0 && isSigned ? S64 : U64,
    offsetBits: index * 64,
  }));
  return { kind: 'struct', name: '', size: mapValueSize(value), members: fields };
}
