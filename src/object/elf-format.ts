/** What eBPF objects use of ELF64, little endian (System V ABI, chapters 4 and 5; Documentation/bpf/llvm_reloc.rst). */
export const ELF_HEADER_SIZE = 64;
export const SECTION_HEADER_SIZE = 64;
export const SYMBOL_SIZE = 24;
export const RELOCATION_SIZE = 16;

export const ELF_MAGIC = 0x464c457f;
export const ELF_CLASS_64 = 2;
export const ELF_LITTLE_ENDIAN = 1;
export const ELF_VERSION = 1;
export const ELF_RELOCATABLE = 1;
export const ELF_MACHINE_BPF = 247;

export const SECTION_TYPES = { null: 0, progbits: 1, symtab: 2, strtab: 3, nobits: 8, rel: 9 } as const;
export type SectionType = keyof typeof SECTION_TYPES;

export const SECTION_FLAGS = { write: 1, alloc: 2, execute: 4, infoLink: 0x40 } as const;
export type SectionFlag = keyof typeof SECTION_FLAGS;

export const SYMBOL_BINDINGS = { local: 0, global: 1, weak: 2 } as const;
export type SymbolBinding = keyof typeof SYMBOL_BINDINGS;

export const SYMBOL_TYPES = { none: 0, object: 1, function: 2, section: 3, file: 4 } as const;
export type SymbolType = keyof typeof SYMBOL_TYPES;

/** Section numbers of symbols that stand in no section. */
export const NO_SECTION = 0;
export const FIRST_RESERVED_SECTION = 0xff00;

export const RELOCATION_TYPES = {
  /** The two immediates of a ld_imm64. */
  r_bpf_64_64: 1,
  r_bpf_64_abs64: 2,
  r_bpf_64_abs32: 3,
  r_bpf_64_nodyld32: 4,
  /** The distance of a call, in slots. */
  r_bpf_64_32: 10,
} as const;
export type RelocationType = keyof typeof RELOCATION_TYPES;
