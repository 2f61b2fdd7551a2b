import type { StructType, UnionType } from '../btf/types.ts';
import { fromCType } from './from-ctype.ts';
import { sizeOf } from './layout.ts';
import type { Type, TypeKind } from './types.ts';

/** What messages call a kind of type, and what `typeinfo().base_type` is. */
export const KIND_NAMES: Readonly<Record<TypeKind, string>> = {
  void: 'void',
  bool: 'bool',
  int: 'int',
  enum: 'int',
  string: 'string',
  buffer: 'buffer',
  pointer: 'pointer',
  array: 'array',
  c_struct: 'c_type',
  tuple: 'tuple',
  record: 'record',
  count: 'count_t',
  sum: 'sum_t',
  avg: 'avg_t',
  min: 'min_t',
  max: 'max_t',
  stats: 'stats_t',
  hist: 'hist_t',
  lhist: 'lhist_t',
  tseries: 'tseries_t',
  kstack: 'kstack',
  ustack: 'ustack',
  ksym: 'ksym_t',
  usym: 'usym_t',
  inet: 'inet',
  mac: 'mac_address',
  timestamp: 'timestamp',
  username: 'username_t',
  cgroup_path: 'cgroup_path_t',
  strerror: 'strerror_t',
  timestamp_mode: 'timestamp_mode',
  stack_mode: 'stack_mode',
};

/** A type as messages and `typeinfo().full_type` print it: `int8`, `string[5]`, `(int8,string[2])`, `struct foo *`. */
export function typeName(type: Type): string {
  switch (type.kind) {
    case 'int':
      return `${type.signed ? 'int' : 'uint'}${8 * type.size}`;
    case 'enum':
      return `enum ${type.name}`;
    case 'string':
      return type.size === 0 ? 'string' : `string[${type.size}]`;
    case 'buffer':
    case 'inet':
      return `${KIND_NAMES[type.kind]}[${sizeOf(type)}]`;
    case 'pointer':
      return `${typeName(type.to)} *`;
    case 'array':
      return `${typeName(type.element)}[${type.length}]`;
    case 'c_struct':
      return structName(type.struct);
    case 'tuple':
      return `(${type.elements.map(typeName).join(',')})`;
    case 'record':
      return `record { ${type.fields.map((field) => `.${field.name} = ${typeName(field.type)}`).join(', ')} }`;
    case 'kstack':
    case 'ustack':
      return `${type.kind}_${type.mode}_${type.limit}`;
    case 'sum':
    case 'avg':
    case 'min':
    case 'max':
    case 'stats':
      return `${type.signed ? '' : 'u'}${KIND_NAMES[type.kind]}`;
    default:
      return KIND_NAMES[type.kind];
  }
}

/** `struct foo`, `union bar`; an anonymous one lists its members' types. */
export function structName(struct: StructType | UnionType): string {
  if (struct.name !== '') return `${struct.kind} ${struct.name}`;
  return `${struct.kind} {${struct.members.map((member) => typeName(fromCType(member.type))).join(',')}}`;
}
