import type { ArrayType, CType, EnumType, StructType } from '../btf/types.ts';
import { stripType } from '../btf/layout.ts';
import { assertNever } from '../source/bug.ts';
import type { AddressSpace, IntSize, Type } from './types.ts';
import { BOOL, VOID, intType } from './types.ts';

/** Tracepoint fields whose u32 says where in the record the text lies: low half offset, high half length. */
export function isDataLocation(type: CType): boolean {
  return (type.kind === 'typedef' || type.kind === 'int') && type.name.startsWith('__data_loc');
}

/**
 * The script's view of a C type: typedefs vanish, arrays of char are strings, functions are void (only pointers to them
 * exist), `space` is where pointers and aggregates that are reached through it live.
 */
export function fromCType(type: CType, space: AddressSpace = 'kernel'): Type {
  const resolved = stripType(type);
  switch (resolved.kind) {
    case 'void':
    case 'function':
      return VOID;
    case 'int':
      return resolved.bool ? BOOL : intType(intSize(resolved.size), resolved.signed);
    // bpftrace has no type for them.
    case 'float':
      return VOID;
    case 'pointer': {
      const target = resolved.tag === 'user' ? 'user' : space;
      return { kind: 'pointer', to: fromCType(resolved.to, target), space: target };
    }
    case 'array':
      return arrayType(resolved, space);
    case 'struct':
    case 'union':
      return { kind: 'c_struct', struct: resolved, space };
    case 'enum':
      return enumType(resolved);
    case 'forward':
      return { kind: 'c_struct', struct: incomplete(resolved.name, resolved.of), space };
    default:
      return assertNever(resolved);
  }
}

/**
 * As bpftrace does: text is what BTF says to be an array of bytes, and what C and tracepoint formats say to be one of char.
 * The size of the former and the last is taken to include the NUL, C's is not.
 */
function arrayType(array: ArrayType, space: AddressSpace): Type {
  const element = fromCType(array.element, space);
  const { length, declaredIn } = array;
  const isByte = element.kind === 'int' && element.size === 1;
  if (!isByte || (declaredIn !== undefined && !isChar(array.element))) return { kind: 'array', element, length };
  return { kind: 'string', size: declaredIn === 'c' ? length + 1 : length };
}

function isChar(type: CType): boolean {
  const resolved = stripType(type);
  return resolved.kind === 'int' && resolved.name === 'char';
}

function enumType(type: EnumType): Type {
  if (type.name === '') return intType(intSize(type.size), false);
  return { kind: 'enum', enum: type, name: type.name };
}

function incomplete(name: string, kind: 'struct' | 'union'): StructType {
  // Only pointers to it can exist, so that the kind matters for its name alone.
  return { kind: kind as 'struct', name, size: 0, members: [] };
}

function intSize(size: number): IntSize {
  if (size <= 1) return 1;
  if (size <= 2) return 2;
  return size <= 4 ? 4 : 8;
}
