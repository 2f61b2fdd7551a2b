/**
 * The C type model: BTF's kinds (Documentation/bpf/btf.rst) as a graph of plain objects. Named aggregates may be cyclic, so
 * members refer to the objects themselves and are filled in after creation. Sizes in bytes, offsets in bits as in BTF.
 */
export type CType =
  | VoidType
  | IntType
  | PointerType
  | ArrayType
  | StructType
  | UnionType
  | EnumType
  | ForwardType
  | TypedefType
  | QualifierType
  | FunctionProtoType
  | FloatType;

export interface VoidType {
  readonly kind: 'void';
}
export interface IntType {
  readonly kind: 'int';
  readonly name: string;
  readonly size: number;
  readonly signed: boolean;
  readonly bool: boolean;
  readonly char: boolean;
}
export interface FloatType {
  readonly kind: 'float';
  readonly name: string;
  readonly size: number;
}
export interface PointerType {
  readonly kind: 'pointer';
  to: CType;
  /** BTF_KIND_TYPE_TAG on the target: `user`, `percpu`, `rcu`. */
  readonly tag?: string;
}
export interface ArrayType {
  readonly kind: 'array';
  readonly element: CType;
  readonly length: number;
  /** Where it was declared, if not in BTF: what of it counts as text differs. */
  readonly declaredIn?: 'c' | 'format';
}
export interface Member {
  /** Empty for an anonymous struct or union. */
  readonly name: string;
  readonly type: CType;
  readonly offsetBits: number;
  /** Present for bit fields. */
  readonly bitfieldSize?: number;
}
export interface StructType {
  readonly kind: 'struct';
  /** Empty when anonymous. */
  readonly name: string;
  size: number;
  members: readonly Member[];
}
export interface UnionType {
  readonly kind: 'union';
  readonly name: string;
  size: number;
  members: readonly Member[];
}
export interface EnumType {
  readonly kind: 'enum';
  readonly name: string;
  readonly size: number;
  readonly signed: boolean;
  readonly values: readonly { readonly name: string; readonly value: bigint }[];
}
export interface ForwardType {
  readonly kind: 'forward';
  readonly name: string;
  readonly of: 'struct' | 'union';
}
export interface TypedefType {
  readonly kind: 'typedef';
  readonly name: string;
  type: CType;
}
export interface QualifierType {
  readonly kind: 'qualifier';
  readonly qualifier: 'const' | 'volatile' | 'restrict';
  readonly type: CType;
}
export interface FunctionProtoType {
  readonly kind: 'function';
  readonly returns: CType;
  readonly parameters: readonly { readonly name: string; readonly type: CType }[];
  readonly variadic: boolean;
}

/** A variable of a section: of an object file, or of the kernel's section that each CPU has its own copy of. */
export interface BtfVariable {
  readonly name: string;
  /** Its number in BTF, by which programs name variables of the kernel. */
  readonly id: number;
  readonly type: CType;
  /** Where it lies in its section. */
  readonly offset: number;
}

/** A set of types and functions, looked up by name; members of a large set may be decoded only when asked for. */
export interface TypeSet {
  struct(name: string): StructType | undefined;
  union(name: string): UnionType | undefined;
  enum(name: string): EnumType | undefined;
  typedef(name: string): TypedefType | undefined;
  int(name: string): IntType | undefined;
  /** Prototype of a kernel function. */
  function(name: string): FunctionProtoType | undefined;
  /** A variable of the kernel of which each CPU has its own, by its name or its number. */
  perCpuVariable(which: string | number): BtfVariable | undefined;
  /** Value of an enum member, whichever enum has it. */
  enumerator(name: string): { readonly value: bigint; readonly type: EnumType } | undefined;
  /** Every name of a kind, for listings and wildcards. */
  names(kind: 'struct' | 'union' | 'enum' | 'typedef' | 'function'): Iterable<string>;
}
