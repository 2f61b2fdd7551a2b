import type { CType, FunctionProtoType, Member } from '../../btf/types.ts';
import { ATTRIBUTES, ENCODINGS, TAGS } from './constants.ts';
import type { Entries, Entry } from './entries.ts';
import { DwarfCursor } from './cursor.ts';

const VOID: CType = { kind: 'void' };
const BITS = 8;
const QUALIFIERS = new Map<number, 'const' | 'volatile' | 'restrict'>([
  [TAGS.const, 'const'],
  [TAGS.volatile, 'volatile'],
  [TAGS.restrict, 'restrict'],
]);
/** An expression that adds a constant to the address of the object: how DWARF 2 writes where a member is. */
const OP_PLUS_UCONST = 0x23;
/** Chains of types that go round lead to void. */
const MAX_CHAIN = 64;

/** C types of debugging information, made when first asked for; types that refer to each other become a graph. */
export class DwarfTypes {
  private readonly entries: Entries;
  private readonly made = new Map<Entry, CType>();

  constructor(entries: Entries) {
    this.entries = entries;
  }
  /** The type that an entry has. */
  of(entry: Entry, depth = 0): CType {
    const holder = this.entries.integrated(entry, 'type');
    const type = holder === undefined ? undefined : this.entries.follow(holder, 'type');
    return type === undefined || depth > MAX_CHAIN ? VOID : this.make(type, depth + 1);
  }
  prototype(entry: Entry): FunctionProtoType {
    const { children } = this.withParameters(entry);
    return {
      kind: 'function',
      returns: this.of(entry),
      parameters: children
        .filter(({ tag }) => tag === TAGS.parameter)
        .map((child) => ({ name: this.nameOf(child), type: this.of(child) })),
      variadic: children.some(({ tag }) => tag === TAGS.unspecifiedParameters),
    };
  }
  nameOf(entry: Entry): string {
    const holder = this.entries.integrated(entry, 'name');
    return holder === undefined ? '' : (this.entries.text(holder, 'name') ?? '');
  }
  /** An inlined function's own copy may leave its parameters to the original. */
  private withParameters(entry: Entry): Entry {
    if (entry.children.some(({ tag }) => tag === TAGS.parameter)) return entry;
    return this.entries.follow(entry, 'abstractOrigin') ?? this.entries.follow(entry, 'specification') ?? entry;
  }

  make(entry: Entry, depth = 0): CType {
    const known = this.made.get(entry);
    if (known !== undefined) return known;
    const { entries } = this;
    const name = entries.text(entry, 'name') ?? '';
    const size = entries.number(entry, 'byteSize') ?? 0;
    const keep = <T extends CType>(type: T): T => {
      this.made.set(entry, type);
      return type;
    };
    const qualifier = QUALIFIERS.get(entry.tag);
    if (qualifier !== undefined) return keep({ kind: 'qualifier', qualifier, type: this.of(entry, depth) });
    switch (entry.tag) {
      case TAGS.base:
        return keep(baseType(name, size, entries.number(entry, 'encoding') ?? ENCODINGS.signed));
      case TAGS.pointer:
      case TAGS.reference:
      case TAGS.rvalueReference: {
        const pointer = keep<CType & { kind: 'pointer' }>({ kind: 'pointer', to: VOID });
        pointer.to = this.of(entry);
        return pointer;
      }
      case TAGS.typedef: {
        const typedef = keep<CType & { kind: 'typedef' }>({ kind: 'typedef', name, type: VOID });
        typedef.type = this.of(entry, depth);
        return typedef;
      }
      case TAGS.atomic:
        return this.of(entry, depth);
      case TAGS.structure:
      case TAGS.class:
      case TAGS.union: {
        const kind = entry.tag === TAGS.union ? 'union' : 'struct';
        if (entries.number(entry, 'declaration') === 1) return keep({ kind: 'forward', name, of: kind });
        const aggregate = keep<CType & { kind: 'struct' | 'union' }>({ kind, name, size, members: [] });
        aggregate.members = entry.children.filter(({ tag }) => tag === TAGS.member).map((child) => this.member(child));
        return aggregate;
      }
      case TAGS.enumeration:
        return keep(this.enumeration(entry, name, size));
      case TAGS.array:
        return keep(this.array(entry, depth));
      case TAGS.subroutineType:
        return keep(this.prototype(entry));
      default:
        return VOID;
    }
  }

  private enumeration(entry: Entry, name: string, size: number): CType {
    const values = entry.children
      .filter(({ tag }) => tag === TAGS.enumerator)
      .map((child) => ({
        name: this.nameOf(child),
        value: BigInt(Math.trunc(this.entries.number(child, 'constValue') ?? 0)),
      }));
    return { kind: 'enum', name, size: size === 0 ? 4 : size, signed: values.some(({ value }) => value < 0n), values };
  }

  private array(entry: Entry, depth: number): CType {
    const lengths = entry.children.filter(({ tag }) => tag === TAGS.subrange).map((child) => this.arrayLength(child));
    return lengths.reduceRight<CType>((element, length) => ({ kind: 'array', element, length }), this.of(entry, depth));
  }
  private arrayLength(subrange: Entry): number {
    const upper = this.entries.number(subrange, 'upperBound');
    return upper === undefined ? (this.entries.number(subrange, 'count') ?? 0) : upper + 1;
  }

  private member(entry: Entry): Member {
    const { entries } = this;
    const type = this.of(entry);
    const name = this.nameOf(entry);
    const bitSize = entries.number(entry, 'bitSize');
    const bytes = this.memberBytes(entry);
    const whole = { name, type, offsetBits: bytes * BITS };
    if (bitSize === undefined) return whole;
    const modern = entries.number(entry, 'dataBitOffset');
    if (modern !== undefined) return { ...whole, offsetBits: modern, bitfieldSize: bitSize };
    // DWARF 2 and 3 count from the most significant bit of the storage unit.
    const unit = (entries.number(entry, 'byteSize') ?? sizeOfBase(type)) * BITS;
    const fromTop = entries.number(entry, 'bitOffset') ?? 0;
    return { ...whole, offsetBits: bytes * BITS + unit - fromTop - bitSize, bitfieldSize: bitSize };
  }
  private memberBytes(entry: Entry): number {
    const value = entry.values.get(ATTRIBUTES.memberLocation);
    if (!(value instanceof Uint8Array)) return typeof value === 'number' ? value : 0;
    const expression = new DwarfCursor(value);
    return value.length > 1 && expression.u8() === OP_PLUS_UCONST ? expression.uleb() : 0;
  }
}

function sizeOfBase(type: CType): number {
  let at = type;
  while (at.kind === 'typedef' || at.kind === 'qualifier') at = at.type;
  return 'size' in at ? at.size : 4;
}

function baseType(name: string, size: number, encoding: number): CType {
  if (encoding === ENCODINGS.float) return { kind: 'float', name, size };
  const isChar = encoding === ENCODINGS.signedChar || encoding === ENCODINGS.unsignedChar;
  const signed = encoding === ENCODINGS.signed || encoding === ENCODINGS.signedChar;
  return { kind: 'int', name, size, signed, bool: encoding === ENCODINGS.boolean, char: isChar };
}
