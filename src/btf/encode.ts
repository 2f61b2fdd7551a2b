import { exhausted, invalid } from './invalid.ts';
import type { CType, EnumType, Member, PointerType } from './types.ts';
import { BTF_HEADER_SIZE, BTF_KINDS, BTF_MAGIC, FUNC_LINKAGE, INT_BOOL, INT_CHAR, INT_SIGNED } from './wire.ts';
import type { BtfKind, FuncLinkage } from './wire.ts';

export interface BtfWriterOptions {
  /** Named structs and unions that it refuses become forward declarations. */
  readonly keep?: (name: string) => boolean;
}

/** A variable in a section: libbpf describes maps and globals so. */
export interface SectionVariable {
  readonly variable: number;
  readonly offset: number;
  readonly size: number;
}

/**
 * Builds a BTF blob. A type is written when first asked for, one id per object; what it refers to follows in the order of
 * discovery, so equal inputs give equal bytes.
 */
export class BtfWriter {
  readonly #keep: (name: string) => boolean;
  readonly #ids = new Map<CType, number>();
  /** Ids of forward declarations, typedefs and the like that equal an earlier one. */
  readonly #shared = new Map<string, number>();
  readonly #rows: (readonly number[])[] = [];
  readonly #pending: (() => void)[] = [];
  readonly #strings = new Map<string, number>([['', 0]]);
  #stringBytes = 1;

  constructor(options: BtfWriterOptions = {}) {
    this.#keep = options.keep ?? (() => true);
  }

  /** Offset of a name in the string section; .BTF.ext refers to strings so too. */
  string(text: string): number {
    let offset = this.#strings.get(text);
    if (offset === undefined) {
      offset = this.#stringBytes;
      this.#strings.set(text, offset);
      this.#stringBytes += new TextEncoder().encode(text).length + 1;
    }
    return offset;
  }

  type(type: CType): number {
    const id = this.#idOf(type);
    // A queue instead of recursion: the kernel's types nest deeper than our stack should.
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) next();
    return id;
  }

  func(name: string, prototype: CType, linkage: FuncLinkage = 'static'): number {
    const target = this.type(prototype);
    return this.#add('func', this.string(name), FUNC_LINKAGE[linkage], target);
  }

  variable(name: string, type: CType, linkage: FuncLinkage = 'global'): number {
    const target = this.type(type);
    return this.#add('var', this.string(name), 0, target, [FUNC_LINKAGE[linkage]]);
  }

  dataSection(name: string, size: number, variables: readonly SectionVariable[]): number {
    const rows = variables.flatMap(({ variable, offset, size: bytes }) => [variable, offset, bytes]);
    return this.#add('datasec', this.string(name), variables.length, size, rows);
  }

  /** Tags a whole declaration, or with `component` one member or parameter of it. */
  declTag(tag: string, target: number, component = -1): number {
    return this.#add('decl_tag', this.string(tag), 0, target, [component]);
  }

  finish(): Uint8Array {
    const typeBytes = this.#rows.reduce((sum, row) => sum + row.length * 4, 0);
    const bytes = new Uint8Array(BTF_HEADER_SIZE + typeBytes + this.#stringBytes);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, BTF_MAGIC, true);
    view.setUint8(2, 1);
    [BTF_HEADER_SIZE, 0, typeBytes, typeBytes, this.#stringBytes].forEach((word, i) =>
      view.setUint32(4 + i * 4, word, true),
    );
    let at = BTF_HEADER_SIZE;
    for (const row of this.#rows) {
      if (row.length === 0) invalid('a BTF type was reserved and never written');
      for (const word of row) {
        view.setUint32(at, word, true);
        at += 4;
      }
    }
    for (const text of this.#strings.keys()) at += new TextEncoder().encodeInto(text, bytes.subarray(at)).written + 1;
    return bytes;
  }

  #reserve(): number {
    return this.#rows.push([]);
  }

  #put(
    id: number,
    kind: BtfKind,
    name: number,
    vlen: number,
    sizeOrType: number,
    rest: readonly number[] = [],
    flag = false,
  ): void {
    if (vlen > 0xffff) invalid(`BTF ${kind} with ${vlen} entries`);
    this.#rows[id - 1] = [
      name,
      ((flag ? 0x80000000 : 0) | (BTF_KINDS[kind].code << 24) | vlen) >>> 0,
      sizeOrType,
      ...rest,
    ];
  }

  #add(
    kind: BtfKind,
    name: number,
    vlen: number,
    sizeOrType: number,
    rest: readonly number[] = [],
    flag = false,
  ): number {
    const id = this.#reserve();
    this.#put(id, kind, name, vlen, sizeOrType, rest, flag);
    return id;
  }

  #idOf(type: CType): number {
    if (type.kind === 'void') return 0;
    let id = this.#ids.get(type);
    if (id === undefined) {
      id = this.#isRefused(type) ? this.#forward(type.name, type.kind) : this.#write(type);
      this.#ids.set(type, id);
    }
    return id;
  }

  #isRefused(type: CType): type is Extract<CType, { kind: 'struct' | 'union' }> {
    return (type.kind === 'struct' || type.kind === 'union') && type.name !== '' && !this.#keep(type.name);
  }

  #forward(name: string, of: 'struct' | 'union'): number {
    const key = `${of} ${name}`;
    let id = this.#shared.get(key);
    if (id === undefined) this.#shared.set(key, (id = this.#add('fwd', this.string(name), 0, 0, [], of === 'union')));
    return id;
  }

  #write(type: Exclude<CType, { kind: 'void' }>): number {
    if (type.kind === 'forward') return this.#forward(type.name, type.of);
    const id = this.#reserve();
    this.#pending.push(() => this.#fill(id, type));
    return id;
  }

  #fill(id: number, type: Exclude<CType, { kind: 'void' | 'forward' }>): void {
    switch (type.kind) {
      case 'int': {
        const encoding = (type.signed ? INT_SIGNED : 0) | (type.char ? INT_CHAR : 0) | (type.bool ? INT_BOOL : 0);
        return this.#put(id, 'int', this.string(type.name), 0, type.size, [(encoding << 24) | (type.size * 8)]);
      }
      case 'float':
        return this.#put(id, 'float', this.string(type.name), 0, type.size);
      case 'pointer':
        return this.#put(id, 'ptr', 0, 0, this.#pointerTarget(type));
      case 'array':
        return this.#put(id, 'array', 0, 0, 0, [this.#idOf(type.element), this.#arrayIndex(), type.length]);
      case 'struct':
      case 'union':
        return this.#putAggregate(id, type.kind, type.name, type.size, type.members);
      case 'enum':
        return this.#putEnum(id, type);
      case 'typedef':
        return this.#put(id, 'typedef', this.string(type.name), 0, this.#idOf(type.type));
      case 'qualifier':
        return this.#put(id, type.qualifier, 0, 0, this.#idOf(type.type));
      case 'function': {
        const rows = type.parameters.flatMap(({ name, type: parameter }) => [this.string(name), this.#idOf(parameter)]);
        if (type.variadic) rows.push(0, 0);
        return this.#put(id, 'func_proto', 0, rows.length / 2, this.#idOf(type.returns), rows);
      }
      default:
        return exhausted(type);
    }
  }

  #pointerTarget(type: PointerType): number {
    const target = this.#idOf(type.to);
    return type.tag === undefined ? target : this.#add('type_tag', this.string(type.tag), 0, target);
  }

  /** BTF names the index type of an array; the compilers put an int without a C name there. */
  #arrayIndex(): number {
    const key = 'array index';
    let id = this.#shared.get(key);
    if (id === undefined)
      this.#shared.set(key, (id = this.#add('int', this.string('__ARRAY_SIZE_TYPE__'), 0, 4, [32])));
    return id;
  }

  #putAggregate(id: number, kind: 'struct' | 'union', name: string, size: number, members: readonly Member[]): void {
    const hasBitfields = members.some((member) => member.bitfieldSize !== undefined);
    const rows = members.flatMap((member) => {
      if (hasBitfields && member.offsetBits > 0xffffff) invalid(`BTF cannot place bit fields beyond 2 MiB (${name})`);
      const offset = hasBitfields ? (((member.bitfieldSize ?? 0) << 24) | member.offsetBits) >>> 0 : member.offsetBits;
      return [this.string(member.name), this.#idOf(member.type), offset];
    });
    this.#put(id, kind, this.string(name), members.length, size, rows, hasBitfields);
  }

  #putEnum(id: number, type: EnumType): void {
    const wide = type.size > 4;
    const rows = type.values.flatMap(({ name, value }) => {
      const bits = BigInt.asUintN(64, value);
      const low = Number(bits & 0xffffffffn);
      return wide ? [this.string(name), low, Number(bits >> 32n)] : [this.string(name), low];
    });
    this.#put(id, wide ? 'enum64' : 'enum', this.string(type.name), type.values.length, type.size, rows, type.signed);
  }
}
