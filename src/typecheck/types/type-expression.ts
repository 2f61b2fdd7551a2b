import type { TypeExpression } from '../../ast/nodes.ts';
import type { TypeSet } from '../../btf/types.ts';
import { fromCType } from '../../lang/from-ctype.ts';
import { typeName } from '../../lang/type-name.ts';
import { BOOL, VOID, intType } from '../../lang/types.ts';
import type { Type } from '../../lang/types.ts';
import type { PassContext } from '../context.ts';
import { error } from '../messages.ts';

/** Types that the language itself names. */
const NAMED_TYPES: ReadonlyMap<string, Type> = new Map<string, Type>([
  ['bool', BOOL],
  ['void', VOID],
  ['int8', intType(1, true)],
  ['int16', intType(2, true)],
  ['int32', intType(4, true)],
  ['int64', intType(8, true)],
  ['uint8', intType(1, false)],
  ['uint16', intType(2, false)],
  ['uint32', intType(4, false)],
  ['uint64', intType(8, false)],
  ['count_t', { kind: 'count' }],
  ['min_t', { kind: 'min', signed: true }],
  ['max_t', { kind: 'max', signed: true }],
  ['sum_t', { kind: 'sum', signed: true }],
  ['avg_t', { kind: 'avg', signed: true }],
  ['stats_t', { kind: 'stats', signed: true }],
  ['umin_t', { kind: 'min', signed: false }],
  ['umax_t', { kind: 'max', signed: false }],
  ['usum_t', { kind: 'sum', signed: false }],
  ['uavg_t', { kind: 'avg', signed: false }],
  ['ustats_t', { kind: 'stats', signed: false }],
  ['timestamp', { kind: 'timestamp' }],
  ['macaddr_t', { kind: 'mac' }],
  ['cgroup_path_t', { kind: 'cgroup_path' }],
  ['string', { kind: 'string', size: 0 }],
  ['buffer', { kind: 'buffer', size: 0 }],
  ['inet', { kind: 'inet' }],
  ['username_t', { kind: 'username' }],
]);

/** The type that is written; reports an unknown name. */
export function resolveTypeExpression(expression: TypeExpression, context: PassContext): Type | undefined {
  const spelled = expression.suffixes.length === 0 ? context.spelled.get(expression.name) : undefined;
  if (spelled !== undefined) return spelled;
  let type = baseType(expression, context);
  if (type === undefined) {
    context.report(error('unknown-type', expression.span, `Cannot resolve unknown type "${expression.name}"`));
    return undefined;
  }
  for (const suffix of expression.suffixes) {
    if (suffix === '*') type = { kind: 'pointer', to: type, space: 'none' };
    else type = sized(type, Number(suffix.length ?? 0n));
  }
  return type;
}

/** `string[64]` is one string of 64 bytes, not an array. */
function sized(type: Type, length: number): Type {
  if (type.kind === 'string' && type.size === 0) return { kind: 'string', size: length };
  if (type.kind === 'buffer' && type.size === 0) return { kind: 'buffer', size: length };
  if (type.kind === 'inet') return type;
  return { kind: 'array', element: type, length };
}

function baseType(expression: TypeExpression, context: PassContext): Type | undefined {
  if (expression.name === 'tuple' && expression.elements !== undefined) {
    const elements = expression.elements.map((element) => resolveTypeExpression(element, context));
    return elements.every((element) => element !== undefined) ? { kind: 'tuple', elements } : undefined;
  }
  return NAMED_TYPES.get(expression.name) ?? lookUpCType(expression.name, context);
}

/** A C type by its name: `struct foo`, `enum bar`, `size_t`, `unsigned int`. */
export function lookUpCType(name: string, context: PassContext): Type | undefined {
  return findCType(name, context.definitions.types) ?? findCType(name, context.target.types);
}

function findCType(name: string, types: TypeSet): Type | undefined {
  const [keyword, tag] = name.split(/\s+/);
  if (tag !== undefined && keyword === 'const') return findCType(name.replace(/^const\s+/, ''), types);
  const found =
    keyword === 'struct' && tag !== undefined
      ? types.struct(tag)
      : keyword === 'union' && tag !== undefined
        ? types.union(tag)
        : keyword === 'enum' && tag !== undefined
          ? types.enum(tag)
          : (types.typedef(name) ?? types.int(name));
  if (found === undefined) return undefined;
  const type = fromCType(found, 'none');
  // As everywhere in the language, an enum that is spelt out is as wide as a register.
  return type.kind === 'enum' && keyword === 'enum'
    ? { ...type, enum: { ...type.enum, size: 8, signed: false } }
    : type;
}

/** A type expression for a type that inference found. */
export function spellType(type: Type, at: TypeExpression['span'], context: PassContext): TypeExpression {
  const name = typeName(type);
  context.spelled.set(name, type);
  return { kind: 'type', span: at, name, suffixes: [] };
}
