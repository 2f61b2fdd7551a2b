import { BtfBlob } from './blob.ts';
import { malformed } from './malformed.ts';
import { createTypeReader } from './type-reader.ts';
import type { BtfVariable, CType, StructType, TypeSet, UnionType } from './types.ts';
import { BTF_KINDS } from './wire.ts';

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

/** Types by the offset of their names; each index is made when it is first asked for. */
function indexNames(blob: BtfBlob): {
  readonly index: (kind: NamedKind) => ReadonlyMap<number, number>;
  readonly idOf: (kind: NamedKind, name: string) => number | undefined;
  readonly enumWith: (memberName: number) => number | undefined;
} {
  const indexes = new Map<NamedKind, ReadonlyMap<number, number>>();
  function index(kind: NamedKind): ReadonlyMap<number, number> {
    let found = indexes.get(kind);
    if (found === undefined) {
      const codes: readonly number[] = NAMED[kind];
      const ids = new Map<number, number>();
      for (let id = 1; id <= blob.typeCount; id++) {
        const at = blob.offsets[id]!;
        if (!codes.includes(blob.kindOf(at))) continue;
        const name = blob.word(at);
        // Equal names are rare and differ between compilation units; libbpf takes the first.
        if (name !== 0 && !ids.has(name)) ids.set(name, id);
      }
      indexes.set(kind, (found = ids));
    }
    return found;
  }
  function idOf(kind: NamedKind, name: string): number | undefined {
    const offset = blob.offsetOfName(name);
    return offset === 0 ? undefined : index(kind).get(offset);
  }

  /** The enum that has each member first, by the offset of the member's name. */
  let enumsByMember: Map<number, number> | undefined;
  function enumWith(memberName: number): number | undefined {
    if (enumsByMember === undefined) {
      enumsByMember = new Map();
      for (let id = 1; id <= blob.typeCount; id++) {
        const at = blob.offsets[id]!;
        const kind = blob.kindOf(at);
        if (kind !== K.enum.code && kind !== K.enum64.code) continue;
        const step = kind === K.enum64.code ? 12 : 8;
        for (let i = blob.vlenOf(at), row = at + 12; i > 0; i--, row += step) {
          const name = blob.word(row);
          if (!enumsByMember.has(name)) enumsByMember.set(name, id);
        }
      }
    }
    return enumsByMember.get(memberName);
  }
  return { index, idOf, enumWith };
}

/** Reads a little-endian BTF blob. Throws on a malformed one; one that is not ours must also pass `checkTypes`. */
export function decodeBtf(bytes: Uint8Array): BtfTypeSet {
  const blob = new BtfBlob(bytes);
  const { type, need } = createTypeReader(blob);
  const { index, idOf, enumWith } = indexNames(blob);
  function lookUp<Kind extends CType['kind']>(
    kind: NamedKind,
    wanted: Kind,
    name: string,
  ): Extract<CType, { kind: Kind }> | undefined {
    const id = idOf(kind, name);
    const found = id === undefined ? undefined : type(id);
    return found?.kind === wanted ? (found as Extract<CType, { kind: Kind }>) : undefined;
  }

  let perCpu: ReadonlyMap<string | number, BtfVariable> | undefined;
  function dataSection(name: string): readonly BtfVariable[] | undefined {
    const section = idOf('dataSection', name);
    if (section === undefined) return undefined;
    const at = blob.offsets[section]!;
    return Array.from({ length: blob.vlenOf(at) }, (_, i) => {
      const row = at + 12 + i * 12;
      const id = blob.word(row);
      const variable = blob.offsets[id] ?? 0;
      if (variable === 0 || blob.kindOf(variable) !== K.var.code) return malformed(`section ${name} holds no variable`);
      return { name: blob.nameOf(variable), id, type: need(blob.refOf(variable)), offset: blob.word(row + 4) };
    });
  }

  return {
    typeCount: blob.typeCount,
    type,
    struct: (name): StructType | undefined => lookUp('struct', 'struct', name),
    union: (name): UnionType | undefined => lookUp('union', 'union', name),
    enum: (name) => lookUp('enum', 'enum', name),
    typedef: (name) => lookUp('typedef', 'typedef', name),
    int: (name) => lookUp('int', 'int', name),
    function(name) {
      const id = idOf('function', name);
      const prototype = id === undefined ? undefined : type(blob.refOf(blob.offsets[id]!));
      return prototype?.kind === 'function' ? prototype : undefined;
    },
    perCpuVariable(which) {
      perCpu ??= new Map<string | number, BtfVariable>(
        (dataSection(PER_CPU_SECTION) ?? []).flatMap((row) => [[row.name, row] as const, [row.id, row] as const]),
      );
      return perCpu.get(which);
    },
    enumerator(name) {
      const offset = blob.offsetOfName(name);
      const id = offset === 0 ? undefined : enumWith(offset);
      const owner = id === undefined ? undefined : type(id);
      const member = owner?.kind === 'enum' ? owner.values.find((value) => value.name === name) : undefined;
      return member === undefined || owner?.kind !== 'enum' ? undefined : { value: member.value, type: owner };
    },
    *names(kind) {
      for (const offset of index(kind).keys()) yield blob.stringAt(offset);
    },
    functionTags(name) {
      const target = idOf('function', name);
      const tags: string[] = [];
      for (let id = 1; target !== undefined && id <= blob.typeCount; id++) {
        const at = blob.offsets[id]!;
        if (blob.kindOf(at) === K.decl_tag.code && blob.refOf(at) === target) tags.push(blob.nameOf(at));
      }
      return tags;
    },
    dataSection,
    dataSectionSize(name) {
      const id = idOf('dataSection', name);
      return id === undefined ? undefined : blob.refOf(blob.offsets[id]!);
    },
    string: (offset) => blob.text(offset),
  };
}
