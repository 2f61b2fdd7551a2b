import { exhausted, invalid } from './invalid.ts';
import type { CType, Member, StructType, TypeSet, UnionType } from './types.ts';

const POINTER_SIZE = 8;

/** The type behind typedefs and qualifiers. */
export function stripType(type: CType): Exclude<CType, { kind: 'typedef' | 'qualifier' }> {
  let at = type;
  while (at.kind === 'typedef' || at.kind === 'qualifier') at = at.type;
  return at;
}

/** Size in bytes; undefined for what has none: void, functions, forward declarations. */
export function sizeOf(type: CType): number | undefined {
  const bare = stripType(type);
  switch (bare.kind) {
    case 'int':
    case 'float':
    case 'struct':
    case 'union':
    case 'enum':
      return bare.size;
    case 'pointer':
      return POINTER_SIZE;
    case 'array': {
      const element = sizeOf(bare.element);
      return element === undefined ? undefined : element * bare.length;
    }
    case 'void':
    case 'function':
    case 'forward':
      return undefined;
    default:
      return exhausted(bare);
  }
}

/**
 * Alignment that x86-64 gives the type when nothing else is said. BTF does not record `aligned`: for an aggregate with that attribute,
 * or a packed one, this is the alignment its members ask for, which is why `layoutAggregate` takes explicit ones.
 */
export function alignOf(type: CType): number {
  const bare = stripType(type);
  switch (bare.kind) {
    case 'int':
    case 'float':
    case 'enum':
      return Math.min(bare.size, 16);
    case 'pointer':
      return POINTER_SIZE;
    case 'array':
      return alignOf(bare.element);
    case 'struct':
    case 'union':
      return declaredAlignments.get(bare) ?? impliedAlignment(bare);
    case 'void':
    case 'function':
    case 'forward':
      return 1;
    default:
      return exhausted(bare);
  }
}

function impliedAlignment(type: StructType | UnionType): number {
  let align = 1;
  for (const member of type.members) {
    const wanted = alignOf(member.type);
    // A member off its natural boundary, or a size that is no multiple of it: the struct is packed.
    if (member.bitfieldSize === undefined && member.offsetBits % (wanted * 8) !== 0) return 1;
    align = Math.max(align, wanted);
  }
  return type.size % align === 0 ? align : 1;
}

/** Alignments that C declarations state or imply; weak, so that the entry goes with its type. */
const declaredAlignments = new WeakMap<StructType | UnionType, number>();

/** One member as declared, before it has an offset. */
export interface DeclaredMember {
  readonly name: string;
  readonly type: CType;
  /** Width of a bit field; 0 only with an empty name (`int : 0`). */
  readonly bits?: number;
  /** From `__attribute__((aligned(n)))` on the member. */
  readonly align?: number;
  readonly packed?: boolean;
}

export interface AggregateAttributes {
  readonly packed?: boolean;
  readonly align?: number;
}

export interface AggregateLayout {
  readonly members: readonly Member[];
  readonly size: number;
  readonly align: number;
}

/**
 * Places members as gcc does for the System V x86-64 ABI: a bit field may not cross a boundary of its declared type unless packed;
 * a zero-width one closes the unit; unnamed bit fields take room but do not align the aggregate.
 */
export function layoutAggregate(
  kind: 'struct' | 'union',
  declared: readonly DeclaredMember[],
  attributes: AggregateAttributes = {},
): AggregateLayout {
  const members: Member[] = [];
  let cursorBits = 0;
  let endBits = 0;
  let align = 1;
  for (const member of declared) {
    const size = sizeOf(member.type) ?? invalid(`member ${member.name} has no size`);
    const packed = attributes.packed === true || member.packed === true;
    const natural = packed ? 1 : alignOf(member.type);
    const wanted = Math.max(natural, member.align ?? 1);
    if (kind === 'union') cursorBits = 0;
    if (member.bits === 0) {
      cursorBits = roundUp(cursorBits, alignOf(member.type) * 8);
      continue;
    }
    if (member.bits === undefined) {
      cursorBits = roundUp(cursorBits, wanted * 8);
    } else if (member.align !== undefined) {
      cursorBits = roundUp(cursorBits, member.align * 8);
    } else if (!packed) {
      const unit = size * 8;
      if (Math.floor(cursorBits / unit) !== Math.floor((cursorBits + member.bits - 1) / unit))
        cursorBits = roundUp(cursorBits, unit);
    }
    const isPadding = member.bits !== undefined && member.name === '';
    if (!isPadding) {
      align = Math.max(align, wanted);
      members.push({
        name: member.name,
        type: member.type,
        offsetBits: cursorBits,
        ...(member.bits === undefined ? {} : { bitfieldSize: member.bits }),
      });
    }
    cursorBits += member.bits ?? size * 8;
    endBits = Math.max(endBits, cursorBits);
  }
  align = Math.max(align, attributes.align ?? 1);
  return { members, size: roundUp(Math.ceil(Math.max(endBits, cursorBits) / 8), align), align };
}

/** Fills a struct or union that was created empty, so that its members could point to it. */
export function applyLayout(type: StructType | UnionType, layout: AggregateLayout): void {
  type.members = layout.members;
  type.size = layout.size;
  declaredAlignments.set(type, layout.align);
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

export interface FoundMember {
  readonly member: Member;
  /** From the start of the outermost aggregate. */
  readonly offsetBits: number;
}

/** Finds a member by name, looking into anonymous structs and unions as C does. */
export function findMember(type: StructType | UnionType, name: string): FoundMember | undefined {
  for (const member of type.members) {
    if (member.name === name) return { member, offsetBits: member.offsetBits };
    if (member.name !== '') continue;
    const inner = stripType(member.type);
    if (inner.kind !== 'struct' && inner.kind !== 'union') continue;
    const found = findMember(inner, name);
    if (found !== undefined) return { member: found.member, offsetBits: member.offsetBits + found.offsetBits };
  }
  return undefined;
}

/** Follows `a.b[2].c` from an aggregate to a member or element inside it; undefined if a step does not exist. */
export function findPath(
  type: CType,
  path: readonly (string | number)[],
): { readonly type: CType; readonly offsetBits: number; readonly bitfieldSize?: number } | undefined {
  let at: { readonly type: CType; readonly offsetBits: number; readonly bitfieldSize?: number } = {
    type,
    offsetBits: 0,
  };
  for (const step of path) {
    const bare = stripType(at.type);
    if (typeof step === 'number') {
      const size = bare.kind === 'array' ? sizeOf(bare.element) : undefined;
      if (bare.kind !== 'array' || size === undefined) return undefined;
      at = { type: bare.element, offsetBits: at.offsetBits + step * size * 8 };
      continue;
    }
    const found = bare.kind === 'struct' || bare.kind === 'union' ? findMember(bare, step) : undefined;
    if (found === undefined) return undefined;
    const { type: memberType, bitfieldSize } = found.member;
    at = {
      type: memberType,
      offsetBits: at.offsetBits + found.offsetBits,
      ...(bitfieldSize === undefined ? {} : { bitfieldSize }),
    };
  }
  return at;
}

/** The full definition behind a forward declaration, if the set has one. */
export function resolveForward(type: CType, types: TypeSet): CType {
  if (type.kind !== 'forward') return type;
  return (type.of === 'struct' ? types.struct(type.name) : types.union(type.name)) ?? type;
}
