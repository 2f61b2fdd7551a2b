import { findMember, resolveForward } from '../../btf/layout.ts';
import { fromCType } from '../../lang/from-ctype.ts';
import { typeName } from '../../lang/type-name.ts';
import type { Type } from '../../lang/types.ts';
import type { PassContext } from '../context.ts';

type CStruct = Extract<Type, { kind: 'c_struct' }>;

/** The definition of a struct that is only declared where it was met. */
export function complete(type: CStruct, context: PassContext): CStruct {
  if (type.struct.size !== 0 || type.struct.members.length > 0 || type.struct.name === '') return type;
  const forward = { kind: 'forward', name: type.struct.name, of: type.struct.kind } as const;
  const own = resolveForward(forward, context.definitions.types);
  const found = own.kind === 'forward' ? resolveForward(forward, context.target.types) : own;
  return found.kind === 'struct' || found.kind === 'union' ? { ...type, struct: found } : type;
}

/** Bytes from the start of a struct to a nested member, or what is wrong with the path. */
export function offsetPath(type: Type, fields: readonly string[], context: PassContext): number | string {
  let offsetBits = 0;
  let at = type;
  for (const field of fields) {
    if (at.kind !== 'c_struct') return `'${typeName(at)}' is not a C type.`;
    at = complete(at, context);
    const found = findMember(at.struct, field);
    if (found === undefined) return `'${typeName(at)}' has no field named '${field}'`;
    offsetBits += found.offsetBits;
    at = fromCType(found.member.type, 'none');
  }
  return offsetBits / 8;
}
