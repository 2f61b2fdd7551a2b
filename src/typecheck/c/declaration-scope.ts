import type { CType, EnumType, StructType, TypeSet, TypedefType, UnionType } from '../../btf/types.ts';
import type { CCursor } from './cursor.ts';
import type { CToken } from './tokens.ts';

export interface Attributes {
  packed?: boolean;
  align?: number;
  /** btf_type_tag: belongs to the pointer that follows. */
  tag?: string;
}

export interface Declarator {
  readonly name: CToken | undefined;
  readonly build: (base: CType) => CType;
}

export interface Specifiers {
  readonly type: CType;
  readonly isTypedef: boolean;
  /** A struct, union or enum with a body or without: needs no declarator. */
  readonly isTag: boolean;
  readonly attributes: Attributes;
}

export type Aggregate = StructType | UnionType;

export interface Tag {
  readonly type: Aggregate | EnumType;
  defined?: CToken;
  /** Its closing brace has been read. */
  complete?: true;
}

/** What the declaration parser has read so far, and where it stands. */
export interface DeclarationScope {
  readonly cursor: CCursor;
  /** Types of the kernel, for names that the text does not declare. */
  readonly known: TypeSet;
  /** Structs and unions that the text defines somewhere, as `struct name`. */
  readonly definedTags: ReadonlySet<string>;
  /** Tags by `struct name`, with the place of their definition once they have one. */
  readonly tags: Map<string, Tag>;
  /** Where each tag is named first: what clang calls its forward declaration. */
  readonly mentions: Map<string, CToken>;
  readonly typedefs: Map<string, TypedefType>;
  readonly enumerators: Map<string, bigint>;
  /** Everything declared, in order. */
  readonly types: CType[];
}

/** Complains if the tag has been defined before. */
export function isRedefinition(scope: DeclarationScope, entry: { readonly defined?: CToken }, name: CToken): boolean {
  if (entry.defined === undefined) return false;
  scope.cursor.error(`redefinition of '${name.text}'`, name);
  scope.cursor.note('previous definition is here', entry.defined);
  return true;
}
