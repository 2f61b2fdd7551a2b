import { malformed } from './malformed.ts';
import type {
  BtfVariable,
  CType,
  EnumType,
  FunctionProtoType,
  Member,
  PointerType,
  StructType,
  TypeSet,
  UnionType,
} from './types.ts';
import {
  BTF_HEADER_SIZE,
  BTF_KINDS,
  BTF_KIND_BY_CODE,
  BTF_MAGIC,
  INT_BOOL,
  INT_CHAR,
  INT_SIGNED,
  MAX_RESOLVE_DEPTH,
} from './wire.ts';

/** A decoded BTF blob: a TypeSet whose types come into being when they are first reached. */
export interface BtfTypeSet extends TypeSet {
  /** Types are numbered from 1; 0 is void. */
  readonly typeCount: number;
  /** Functions, variables, sections and declaration tags have no CType: undefined. */
  type(id: number): CType | undefined;
  /** Names of the declaration tags on a function, e.g. `bpf_kfunc`. */
  functionTags(name: string): readonly string[];
  /** The variables of a section, such as an object file's `.maps`. */
  dataSection(name: string): readonly BtfVariable[] | undefined;
  /** Bytes of a section. */
  dataSectionSize(name: string): number | undefined;
  /** A string by its place in the string section, at most its first MAX_STRING bytes; .BTF.ext refers to strings so. */
  string(offset: number): string;
}

/** The section of the kernel's image that each CPU gets a copy of. */
export const PER_CPU_SECTION = '.data..percpu';

const K = BTF_KINDS;
const NAMED = {
  struct: [K.struct.code],
  union: [K.union.code],
  enum: [K.enum.code, K.enum64.code],
  typedef: [K.typedef.code],
  function: [K.func.code],
  int: [K.int.code, K.float.code],
  dataSection: [K.datasec.code],
} as const satisfies Record<string, readonly number[]>;
type NamedKind = keyof typeof NAMED;

/** Strings may share their ends: without a limit a small blob could hold any number of long ones. */
const MAX_STRING = 4096;
/** So many names are searched for in the strings; then all of them are indexed. */
const MOST_SEARCHES = 200;

/** Reads a little-endian BTF blob. Throws on a malformed one; one that is not ours must also pass `checkTypes`. */
export function decodeBtf(bytes: Uint8Array): BtfTypeSet {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < BTF_HEADER_SIZE || view.getUint16(0, true) !== BTF_MAGIC) return malformed('not a BTF blob');
  const headerSize = view.getUint32(4, true);
  const typesStart = headerSize + view.getUint32(8, true);
  const typesEnd = typesStart + view.getUint32(12, true);
  const stringsStart = headerSize + view.getUint32(16, true);
  const stringsEnd = stringsStart + view.getUint32(20, true);
  if (typesEnd > bytes.length || stringsEnd > bytes.length) return malformed('a section ends behind the blob');
  // One native call; names are then slices of it.
  const strings = new TextDecoder('latin1').decode(bytes.subarray(stringsStart, stringsEnd));
  if (!strings.startsWith('\0') || !strings.endsWith('\0')) return malformed('the strings are not between NULs');
  function stringAt(offset: number): string {
    const rest = strings.slice(offset, offset + MAX_STRING + 1);
    const length = rest.indexOf('\0');
    return length < 0
      ? malformed(`no name of up to ${MAX_STRING} bytes at ${offset} of the strings`)
      : rest.slice(0, length);
  }

  const offsets = indexTypes(view, typesStart, typesEnd);
  const typeCount = offsets.length - 1;
  const types: (CType | undefined)[] = [{ kind: 'void' }];

  const kindOf = (at: number): number => (view.getUint32(at + 4, true) >>> 24) & 0x1f;
  const vlenOf = (at: number): number => view.getUint32(at + 4, true) & 0xffff;
  const flagOf = (at: number): boolean => view.getUint32(at + 4, true) >>> 31 === 1;
  const nameOf = (at: number): string => stringAt(view.getUint32(at, true));
  const refOf = (at: number): number => view.getUint32(at + 8, true);

  let depth = 0;
  function type(id: number): CType | undefined {
    const known = types[id];
    if (known !== undefined) return known;
    if (id < 0 || id > typeCount) return undefined;
    if (depth === MAX_RESOLVE_DEPTH) return tooDeep(id);
    depth++;
    try {
      return (types[id] = build(offsets[id]!));
    } finally {
      depth--;
    }
  }
  const tooDeep = (id: number): never =>
    malformed(`type ${id} is reached through more than ${MAX_RESOLVE_DEPTH} others`);
  const need = (id: number): CType => type(id) ?? malformed(`BTF type ${id} is no C type`);

  function build(at: number): CType | undefined {
    switch (kindOf(at)) {
      case K.int.code: {
        const encoding = (view.getUint32(at + 12, true) >>> 24) & 0xf;
        return {
          kind: 'int',
          name: nameOf(at),
          size: refOf(at),
          signed: (encoding & INT_SIGNED) !== 0,
          bool: (encoding & INT_BOOL) !== 0,
          char: (encoding & INT_CHAR) !== 0,
        };
      }
      case K.float.code:
        return { kind: 'float', name: nameOf(at), size: refOf(at) };
      case K.ptr.code:
        return pointerAt(at);
      case K.array.code:
        return { kind: 'array', element: need(view.getUint32(at + 12, true)), length: view.getUint32(at + 20, true) };
      case K.struct.code:
        return aggregateAt('struct', at);
      case K.union.code:
        return aggregateAt('union', at);
      case K.enum.code:
      case K.enum64.code:
        return enumAt(at);
      case K.fwd.code:
        return { kind: 'forward', name: nameOf(at), of: flagOf(at) ? 'union' : 'struct' };
      case K.typedef.code:
        return {
          kind: 'typedef',
          name: nameOf(at),
          get type() {
            return need(refOf(at));
          },
        };
      case K.const.code:
        return { kind: 'qualifier', qualifier: 'const', type: need(refOf(at)) };
      case K.volatile.code:
        return { kind: 'qualifier', qualifier: 'volatile', type: need(refOf(at)) };
      case K.restrict.code:
        return { kind: 'qualifier', qualifier: 'restrict', type: need(refOf(at)) };
      case K.func_proto.code:
        return prototypeAt(at);
      case K.type_tag.code:
        // Only tags on pointer targets mean something to us; pointerAt has read those.
        return need(refOf(at));
      default:
        return undefined;
    }
  }

  function pointerAt(at: number): PointerType {
    let target = refOf(at);
    let tag: string | undefined;
    for (let tags = 0; target !== 0; tags++) {
      const header = offsets[target] ?? malformed(`there is no BTF type ${target}`);
      if (kindOf(header) !== K.type_tag.code) break;
      if (tags === MAX_RESOLVE_DEPTH) tooDeep(target);
      tag ??= nameOf(header);
      target = refOf(header);
    }
    return {
      kind: 'pointer',
      get to() {
        return need(target);
      },
      ...(tag === undefined ? {} : { tag }),
    };
  }

  function aggregateAt<Kind extends 'struct' | 'union'>(kind: Kind, at: number) {
    let members: readonly Member[] | undefined;
    return {
      kind,
      name: nameOf(at),
      size: refOf(at),
      get members() {
        return (members ??= membersAt(at));
      },
    };
  }

  function membersAt(at: number): readonly Member[] {
    const members: Member[] = [];
    const hasBitfields = flagOf(at);
    for (let i = 0, row = at + 12; i < vlenOf(at); i++, row += 12) {
      const offset = view.getUint32(row + 8, true);
      const bitfieldSize = hasBitfields ? offset >>> 24 : 0;
      members.push({
        name: nameOf(row),
        type: need(view.getUint32(row + 4, true)),
        offsetBits: hasBitfields ? offset & 0xffffff : offset,
        ...(bitfieldSize === 0 ? {} : { bitfieldSize }),
      });
    }
    return members;
  }

  function enumAt(at: number): EnumType {
    let values: EnumType['values'] | undefined;
    return {
      kind: 'enum',
      name: nameOf(at),
      size: refOf(at),
      signed: flagOf(at),
      get values() {
        return (values ??= enumValuesAt(at));
      },
    };
  }

  function enumValuesAt(at: number): EnumType['values'] {
    const wide = kindOf(at) === K.enum64.code;
    const signed = flagOf(at);
    const values: { name: string; value: bigint }[] = [];
    for (let i = 0, row = at + 12; i < vlenOf(at); i++, row += wide ? 12 : 8) {
      const low = view.getUint32(row + 4, true);
      const value = wide
        ? (BigInt(view.getUint32(row + 8, true)) << 32n) | BigInt(low)
        : BigInt(signed ? low | 0 : low);
      values.push({ name: nameOf(row), value: wide && signed ? BigInt.asIntN(64, value) : value });
    }
    return values;
  }

  function prototypeAt(at: number): FunctionProtoType {
    const parameters: { name: string; type: CType }[] = [];
    const count = vlenOf(at);
    // `...` is a last parameter without name and type.
    const last = at + 12 + (count - 1) * 8;
    const variadic = count > 0 && view.getUint32(last, true) === 0 && view.getUint32(last + 4, true) === 0;
    for (let i = 0, row = at + 12; i < (variadic ? count - 1 : count); i++, row += 8) {
      parameters.push({ name: nameOf(row), type: need(view.getUint32(row + 4, true)) });
    }
    return { kind: 'function', returns: need(refOf(at)), parameters, variadic };
  }

  /** Strings that .BTF.ext refers to; many lines share a file. */
  const texts = new Map<number, string>();

  // Names are compared by their offset in the string section, where each stands once: who looks up a few needs no index.
  const stringOffsets = new Map<string, number>();
  let searches = 0;
  function offsetOfName(name: string): number {
    const known = stringOffsets.get(name);
    if (known !== undefined) return known;
    if (searches > MOST_SEARCHES) return 0;
    searches += 1;
    if (searches > MOST_SEARCHES) {
      indexStrings();
      return stringOffsets.get(name) ?? 0;
    }
    const offset = strings.indexOf(`\0${name}\0`) + 1;
    stringOffsets.set(name, offset);
    return offset;
  }
  function indexStrings(): void {
    let offset = 0;
    for (const text of strings.split('\0')) {
      if (!stringOffsets.get(text)) stringOffsets.set(text, offset);
      offset += text.length + 1;
    }
  }

  const indexes = new Map<NamedKind, ReadonlyMap<number, number>>();
  function index(kind: NamedKind): ReadonlyMap<number, number> {
    let found = indexes.get(kind);
    if (found === undefined) {
      const codes: readonly number[] = NAMED[kind];
      const ids = new Map<number, number>();
      for (let id = 1; id <= typeCount; id++) {
        const at = offsets[id]!;
        if (!codes.includes(kindOf(at))) continue;
        const name = view.getUint32(at, true);
        // Equal names are rare and differ between compilation units; libbpf takes the first.
        if (name !== 0 && !ids.has(name)) ids.set(name, id);
      }
      indexes.set(kind, (found = ids));
    }
    return found;
  }
  function idOf(kind: NamedKind, name: string): number | undefined {
    const offset = offsetOfName(name);
    return offset === 0 ? undefined : index(kind).get(offset);
  }
  function lookUp<Kind extends CType['kind']>(
    kind: NamedKind,
    wanted: Kind,
    name: string,
  ): Extract<CType, { kind: Kind }> | undefined {
    const id = idOf(kind, name);
    const found = id === undefined ? undefined : type(id);
    return found?.kind === wanted ? (found as Extract<CType, { kind: Kind }>) : undefined;
  }

  /** The enum that has each member first, by the offset of the member's name. */
  let enumsByMember: Map<number, number> | undefined;
  function enumWith(memberName: number): number | undefined {
    if (enumsByMember === undefined) {
      enumsByMember = new Map();
      for (let id = 1; id <= typeCount; id++) {
        const at = offsets[id]!;
        const kind = kindOf(at);
        if (kind !== K.enum.code && kind !== K.enum64.code) continue;
        const step = kind === K.enum64.code ? 12 : 8;
        for (let i = vlenOf(at), row = at + 12; i > 0; i--, row += step) {
          const name = view.getUint32(row, true);
          if (!enumsByMember.has(name)) enumsByMember.set(name, id);
        }
      }
    }
    return enumsByMember.get(memberName);
  }

  let perCpu: ReadonlyMap<string | number, BtfVariable> | undefined;
  function dataSection(name: string): readonly BtfVariable[] | undefined {
    const section = idOf('dataSection', name);
    if (section === undefined) return undefined;
    const at = offsets[section]!;
    return Array.from({ length: vlenOf(at) }, (_, i) => {
      const row = at + 12 + i * 12;
      const id = view.getUint32(row, true);
      const variable = offsets[id] ?? 0;
      if (variable === 0 || kindOf(variable) !== K.var.code) return malformed(`section ${name} holds no variable`);
      return { name: nameOf(variable), id, type: need(refOf(variable)), offset: view.getUint32(row + 4, true) };
    });
  }

  return {
    typeCount,
    type,
    struct: (name): StructType | undefined => lookUp('struct', 'struct', name),
    union: (name): UnionType | undefined => lookUp('union', 'union', name),
    enum: (name) => lookUp('enum', 'enum', name),
    typedef: (name) => lookUp('typedef', 'typedef', name),
    int: (name) => lookUp('int', 'int', name),
    function(name) {
      const id = idOf('function', name);
      const prototype = id === undefined ? undefined : type(refOf(offsets[id]!));
      return prototype?.kind === 'function' ? prototype : undefined;
    },
    perCpuVariable(which) {
      perCpu ??= new Map<string | number, BtfVariable>(
        (dataSection(PER_CPU_SECTION) ?? []).flatMap((row) => [[row.name, row] as const, [row.id, row] as const]),
      );
      return perCpu.get(which);
    },
    enumerator(name) {
      const offset = offsetOfName(name);
      const id = offset === 0 ? undefined : enumWith(offset);
      const owner = id === undefined ? undefined : type(id);
      const member = owner?.kind === 'enum' ? owner.values.find((value) => value.name === name) : undefined;
      return member === undefined || owner?.kind !== 'enum' ? undefined : { value: member.value, type: owner };
    },
    *names(kind) {
      for (const offset of index(kind).keys()) yield stringAt(offset);
    },
    functionTags(name) {
      const target = idOf('function', name);
      const tags: string[] = [];
      for (let id = 1; target !== undefined && id <= typeCount; id++) {
        const at = offsets[id]!;
        if (kindOf(at) === K.decl_tag.code && refOf(at) === target) tags.push(nameOf(at));
      }
      return tags;
    },
    dataSection,
    dataSectionSize(name) {
      const id = idOf('dataSection', name);
      return id === undefined ? undefined : refOf(offsets[id]!);
    },
    string(offset) {
      let text = texts.get(offset);
      if (text === undefined) {
        const rest = bytes.subarray(stringsStart, stringsEnd).subarray(offset, offset + MAX_STRING);
        const length = rest.indexOf(0);
        text = new TextDecoder().decode(length < 0 ? rest : rest.subarray(0, length));
        texts.set(offset, text);
      }
      return text;
    },
  };
}

/** Where each type's header starts; entry 0 stands for void. */
function indexTypes(view: DataView, start: number, end: number): readonly number[] {
  const offsets = [0];
  let at = start;
  while (at + 12 <= end) {
    const info = view.getUint32(at + 4, true);
    const kind = BTF_KIND_BY_CODE[(info >>> 24) & 0x1f];
    if (kind === undefined) return malformed(`unknown BTF kind at ${at - start}`);
    offsets.push(at);
    at += 12 + BTF_KINDS[kind].fixed + BTF_KINDS[kind].each * (info & 0xffff);
  }
  if (at !== end) return malformed('BTF types overrun their section');
  return offsets;
}
