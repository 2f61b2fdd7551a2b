import { sizeOf, stripType } from '../btf/layout.ts';
import type { CType, Member, StructType, UnionType } from '../btf/types.ts';
import { badObject } from './bad-object.ts';

/** A member, an element, or what a pointer points at; in bits from the start of the root. */
export interface Field {
  readonly type: CType;
  readonly offsetBits: number;
  readonly bitfieldSize?: number;
}

/** One step of a path: a member by its name, or an element. */
export type Step = string | number;

/** What a relocation may ask of a field that is there. */
export type FieldKind =
  'field_byte_offset' | 'field_byte_size' | 'field_signed' | 'field_lshift_u64' | 'field_rshift_u64';

const bitsOf = (type: CType): number =>
  (sizeOf(type) ?? badObject('CO-RE relocation through a type without a size')) * 8;

const fieldAt = (member: Member, base: number): Field => ({
  type: member.type,
  offsetBits: base + member.offsetBits,
  ...(member.bitfieldSize === undefined ? {} : { bitfieldSize: member.bitfieldSize }),
});

/** The field that numbers lead to in the object's types, and the way to it by names. */
export function followLocal(
  root: CType,
  [first = 0, ...path]: readonly number[],
): { readonly field: Field; readonly steps: readonly Step[] } {
  let field: Field = { type: root, offsetBits: first === 0 ? 0 : first * bitsOf(root) };
  const steps: Step[] = [first];
  for (const index of path) {
    const type = stripType(field.type);
    if (type.kind === 'struct' || type.kind === 'union') {
      const member =
        type.members[index] ?? badObject(`CO-RE relocation for member ${index} of ${type.kind} ${type.name}`);
      field = fieldAt(member, field.offsetBits);
      // The kernel may nest its anonymous structs otherwise.
      if (member.name !== '') steps.push(member.name);
    } else if (type.kind === 'array') {
      field = { type: type.element, offsetBits: field.offsetBits + index * bitsOf(type.element) };
      steps.push(index);
    } else badObject(`CO-RE relocation into a ${type.kind}`);
  }
  return { field, steps };
}

/** The field that names lead to in the kernel's types. */
export function followNames(root: CType, [first = 0, ...steps]: readonly Step[]): Field | undefined {
  const rootBits = first === 0 ? 0 : sizeOf(root);
  if (rootBits === undefined) return undefined;
  let field: Field | undefined = { type: root, offsetBits: Number(first) * rootBits * 8 };
  for (const step of steps) {
    const type = stripType(field.type);
    if (typeof step === 'string') {
      const isAggregate = type.kind === 'struct' || type.kind === 'union';
      field = isAggregate ? memberNamed(type, step, field.offsetBits) : undefined;
    } else {
      const size = type.kind === 'array' ? sizeOf(type.element) : undefined;
      // The last array of a struct may be longer than it says.
      const fits = type.kind === 'array' && size !== undefined && (step < type.length || type.length <= 1);
      field = fits ? { type: type.element, offsetBits: field.offsetBits + step * size * 8 } : undefined;
    }
    if (field === undefined) return undefined;
  }
  return field;
}

function memberNamed(type: StructType | UnionType, name: string, base: number): Field | undefined {
  for (const member of type.members) {
    if (member.name === name) return fieldAt(member, base);
    const inner = member.name === '' ? stripType(member.type) : undefined;
    if (inner?.kind !== 'struct' && inner?.kind !== 'union') continue;
    const found = memberNamed(inner, name, base + member.offsetBits);
    if (found !== undefined) return found;
  }
  return undefined;
}

const isAggregate = ({ kind }: CType): boolean => kind === 'struct' || kind === 'union';

/** Whether a field of the object may stand for one of the kernel: same kind, sizes of numbers aside. */
export function isCompatible(local: CType, target: CType): boolean {
  const [a, b] = [stripType(local), stripType(target)];
  if (isAggregate(a) && isAggregate(b)) return true;
  if (a.kind === 'array' && b.kind === 'array') return isCompatible(a.element, b.element);
  return a.kind === b.kind;
}

/** Loads may become wider or narrower with their field where no sign is lost. */
export function mayResize(local: CType, target: CType): boolean {
  const isPlain = (type: CType): boolean => {
    const bare = stripType(type);
    return bare.kind === 'pointer' || (bare.kind === 'int' && !bare.signed);
  };
  return isPlain(local) && isPlain(target);
}

export function fieldValue(kind: FieldKind, field: Field): bigint {
  const type = stripType(field.type);
  let bytes = sizeOf(type) ?? 0;
  const bits = field.bitfieldSize ?? bytes * 8;
  let start = field.offsetBits / 8;
  if (field.bitfieldSize !== undefined) {
    // The aligned word that holds all of the bit field.
    const wordAt = (size: number): number => Math.floor(field.offsetBits / 8 / size) * size;
    while (bytes < 8 && field.offsetBits + bits > (wordAt(bytes) + bytes) * 8) bytes *= 2;
    start = wordAt(bytes);
  }
  switch (kind) {
    case 'field_byte_offset':
      return BigInt(start);
    case 'field_byte_size':
      return BigInt(bytes);
    case 'field_signed':
      return (type.kind === 'int' || type.kind === 'enum') && type.signed ? 1n : 0n;
    case 'field_lshift_u64':
      return BigInt(64 - (field.offsetBits + bits - start * 8));
    default:
      return BigInt(64 - bits);
  }
}
