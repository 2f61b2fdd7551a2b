/**
 * The wire format of BTF (Documentation/bpf/btf.rst). A type is a header of three words, and then what its kind says:
 *
 *   word 0  offset of the name in the string section
 *   word 1  | kind_flag 31 | - | kind 28..24 | - | vlen 15..0 |
 *   word 2  size in bytes, or the id of the type referred to
 */
export const BTF_MAGIC = 0xeb9f;
export const BTF_HEADER_SIZE = 24;

/** Extra bytes behind a type's header: `fixed` plus `each` times vlen. */
interface KindRow {
  readonly code: number;
  readonly fixed: number;
  readonly each: number;
}

export const BTF_KINDS = {
  int: { code: 1, fixed: 4, each: 0 },
  ptr: { code: 2, fixed: 0, each: 0 },
  array: { code: 3, fixed: 12, each: 0 },
  struct: { code: 4, fixed: 0, each: 12 },
  union: { code: 5, fixed: 0, each: 12 },
  enum: { code: 6, fixed: 0, each: 8 },
  fwd: { code: 7, fixed: 0, each: 0 },
  typedef: { code: 8, fixed: 0, each: 0 },
  volatile: { code: 9, fixed: 0, each: 0 },
  const: { code: 10, fixed: 0, each: 0 },
  restrict: { code: 11, fixed: 0, each: 0 },
  func: { code: 12, fixed: 0, each: 0 },
  func_proto: { code: 13, fixed: 0, each: 8 },
  var: { code: 14, fixed: 4, each: 0 },
  datasec: { code: 15, fixed: 0, each: 12 },
  float: { code: 16, fixed: 0, each: 0 },
  decl_tag: { code: 17, fixed: 4, each: 0 },
  type_tag: { code: 18, fixed: 0, each: 0 },
  enum64: { code: 19, fixed: 0, each: 12 },
} as const satisfies Record<string, KindRow>;
export type BtfKind = keyof typeof BTF_KINDS;

export const BTF_KIND_BY_CODE: readonly (BtfKind | undefined)[] = (() => {
  const byCode: (BtfKind | undefined)[] = [];
  for (const kind of Object.keys(BTF_KINDS) as BtfKind[]) byCode[BTF_KINDS[kind].code] = kind;
  return byCode;
})();

/** Bits 27..24 of the word behind an int. */
export const INT_SIGNED = 1;
export const INT_CHAR = 2;
export const INT_BOOL = 4;

export const FUNC_LINKAGE = { static: 0, global: 1, extern: 2 } as const;
export type FuncLinkage = keyof typeof FUNC_LINKAGE;

/** As deep as the kernel follows types (MAX_RESOLVE_DEPTH in kernel/bpf/btf.c). */
export const MAX_RESOLVE_DEPTH = 32;
