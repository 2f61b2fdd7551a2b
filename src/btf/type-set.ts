import type {
  CType,
  EnumType,
  FunctionProtoType,
  IntType,
  StructType,
  TypeSet,
  TypedefType,
  UnionType,
} from './types.ts';

export interface TypeSetContents {
  readonly types?: Iterable<CType>;
  readonly functions?: Iterable<readonly [string, FunctionProtoType]>;
}

/** A TypeSet from types at hand; what has no name is found only through what has one, but enum members always by name. */
export function createTypeSet(contents: TypeSetContents): TypeSet {
  const structs = new Map<string, StructType>();
  const unions = new Map<string, UnionType>();
  const enums = new Map<string, EnumType>();
  const typedefs = new Map<string, TypedefType>();
  const ints = new Map<string, IntType>();
  const enumerators = new Map<string, { readonly value: bigint; readonly type: EnumType }>();
  for (const type of contents.types ?? []) {
    if (type.kind === 'enum') for (const { name, value } of type.values) enumerators.set(name, { value, type });
    if (!('name' in type) || type.name === '') continue;
    if (type.kind === 'struct') structs.set(type.name, type);
    else if (type.kind === 'union') unions.set(type.name, type);
    else if (type.kind === 'enum') enums.set(type.name, type);
    else if (type.kind === 'typedef') typedefs.set(type.name, type);
    else if (type.kind === 'int') ints.set(type.name, type);
  }
  const functions = new Map(contents.functions ?? []);
  const byKind = { struct: structs, union: unions, enum: enums, typedef: typedefs, function: functions };
  return {
    struct: (name) => structs.get(name),
    union: (name) => unions.get(name),
    enum: (name) => enums.get(name),
    typedef: (name) => typedefs.get(name),
    int: (name) => ints.get(name),
    function: (name) => functions.get(name),
    perCpuVariable: () => undefined,
    enumerator: (name) => enumerators.get(name),
    names: (kind) => byKind[kind].keys(),
  };
}

/** Looks in each set in turn: what a script declares shadows what the kernel has. */
export function overlayTypeSets(...sets: readonly TypeSet[]): TypeSet {
  const first = <T>(ask: (set: TypeSet) => T | undefined): T | undefined => {
    for (const set of sets) {
      const found = ask(set);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    struct: (name) => first((set) => set.struct(name)),
    union: (name) => first((set) => set.union(name)),
    enum: (name) => first((set) => set.enum(name)),
    typedef: (name) => first((set) => set.typedef(name)),
    int: (name) => first((set) => set.int(name)),
    function: (name) => first((set) => set.function(name)),
    perCpuVariable: (which) => first((set) => set.perCpuVariable(which)),
    enumerator: (name) => first((set) => set.enumerator(name)),
    names: (kind) => new Set(sets.flatMap((set) => [...set.names(kind)])),
  };
}

/** Types without functions and variables that are made when something is looked up that none of the sets before it has. */
export function typesOnDemand(load: () => TypeSet): TypeSet {
  return {
    ...NO_TYPES,
    struct: (name) => load().struct(name),
    union: (name) => load().union(name),
    enum: (name) => load().enum(name),
    typedef: (name) => load().typedef(name),
    enumerator: (name) => load().enumerator(name),
    names: (kind) => (kind === 'function' ? [] : load().names(kind)),
  };
}

/** Functions without types of a name, made in the same way. */
export function functionsOnDemand(load: () => TypeSet): TypeSet {
  return {
    ...NO_TYPES,
    function: (name) => load().function(name),
    names: (kind) => (kind === 'function' ? load().names(kind) : []),
  };
}

export const NO_TYPES: TypeSet = createTypeSet({});
