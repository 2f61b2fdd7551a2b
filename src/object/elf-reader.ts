import { badObject, demand } from './bad-object.ts';
import {
  ELF_CLASS_64,
  ELF_HEADER_SIZE,
  ELF_LITTLE_ENDIAN,
  ELF_MACHINE_BPF,
  ELF_MAGIC,
  ELF_RELOCATABLE,
  RELOCATION_SIZE,
  SECTION_FLAGS,
  SECTION_HEADER_SIZE,
  SECTION_TYPES,
  SYMBOL_SIZE,
} from './elf-format.ts';

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  /** Numbers of the file, of SECTION_TYPES where we know them. */
  readonly type: number;
  readonly flags: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  /** Nothing for a section without contents, such as .bss. */
  readonly bytes: Uint8Array;
}

export interface ElfSymbol {
  readonly name: string;
  readonly binding: number;
  readonly type: number;
  readonly section: number;
  readonly value: number;
  readonly size: number;
}

export interface ElfRelocation {
  readonly offset: number;
  readonly type: number;
  readonly symbol: ElfSymbol;
}

export interface ElfFile {
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ElfSymbol[];
  /** Of the section with this number. */
  relocations(section: number): readonly ElfRelocation[];
}

/** Whether a file begins as ELF files do. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && viewOf(bytes).getUint32(0, true) === ELF_MAGIC;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Reads an eBPF object of any compiler; every offset and index is checked, since anyone may have written the file. */
export function readElf(bytes: Uint8Array): ElfFile {
  const view = viewOf(bytes);
  demand(
    bytes.length >= ELF_HEADER_SIZE,
    `the ELF header needs ${ELF_HEADER_SIZE} bytes, the file has ${bytes.length}`,
  );
  demand(bytes[4] === ELF_CLASS_64 && bytes[5] === ELF_LITTLE_ENDIAN, 'not a 64-bit little-endian ELF file');
  const machine = view.getUint16(18, true);
  demand(machine === ELF_MACHINE_BPF, `the code is for machine ${machine}, eBPF has ${ELF_MACHINE_BPF}`);
  demand(view.getUint16(16, true) === ELF_RELOCATABLE, 'not a relocatable object file');
  const sections = readSections(bytes, view);
  const symbols = readSymbols(sections);
  const relocationSections = new Map<number, ElfSection[]>();
  for (const section of sections) {
    if (section.type !== SECTION_TYPES.rel) continue;
    const others = relocationSections.get(section.info);
    if (others === undefined) relocationSections.set(section.info, [section]);
    else others.push(section);
  }
  return {
    sections,
    symbols,
    relocations: (target) =>
      (relocationSections.get(target) ?? []).flatMap((section) => readRelocations(section, symbols)),
  };
}

/** A 64-bit field that must be a sensible number. */
function word(view: DataView, at: number, what: string): number {
  const value = view.getBigUint64(at, true);
  return value <= 0xffff_ffffn ? Number(value) : badObject(`${what} is 0x${value.toString(16)}`);
}

function readSections(bytes: Uint8Array, view: DataView): readonly ElfSection[] {
  const table = word(view, 40, 'the place of the section headers');
  const count = view.getUint16(60, true);
  const names = view.getUint16(62, true);
  const fits = view.getUint16(58, true) === SECTION_HEADER_SIZE && table + count * SECTION_HEADER_SIZE <= bytes.length;
  demand(count > 0 && fits, `${count} section headers at ${table} do not fit in the file of ${bytes.length} bytes`);
  demand(names < count, `the section of names has number ${names}, there are ${count}`);
  // Sections that share bytes would let a small file hold any number of large ones.
  let room = bytes.length;
  const rows = Array.from({ length: count }, (_, index) => {
    const at = table + index * SECTION_HEADER_SIZE;
    const type = view.getUint32(at + 4, true);
    const offset = word(view, at + 24, `the place of section ${index}`);
    const size = word(view, at + 32, `the size of section ${index}`);
    const isEmpty = type === SECTION_TYPES.nobits || type === SECTION_TYPES.null;
    demand(
      isEmpty || offset + size <= bytes.length,
      `section ${index} (${size} bytes at ${offset}) ends behind the file`,
    );
    if (!isEmpty) room -= size;
    demand(room >= 0, `sections up to ${index} have more bytes than the file: they overlap`);
    return {
      index,
      nameOffset: view.getUint32(at, true),
      type,
      flags: view.getUint32(at + 8, true),
      size,
      link: view.getUint32(at + 40, true),
      info: view.getUint32(at + 44, true),
      bytes: isEmpty ? new Uint8Array(0) : bytes.subarray(offset, offset + size),
    };
  });
  const nameTable = rows[names]!.bytes;
  return rows.map(({ nameOffset, ...row }) => ({ ...row, name: stringAt(nameTable, nameOffset) }));
}

/** Names may share their ends: without a limit a small file could hold any number of long ones. */
export const MAX_NAME = 4096;

function stringAt(table: Uint8Array, offset: number): string {
  if (offset === 0) return '';
  const rest = table.subarray(offset, offset + MAX_NAME + 1);
  const length = rest.indexOf(0);
  demand(length >= 0, `no name of up to ${MAX_NAME} bytes at ${offset} of ${table.length} bytes of names`);
  return printable(new TextDecoder().decode(rest.subarray(0, length)));
}

/** Names end up on terminals and in lines of text. */
export const printable = (text: string): string => text.replace(/\p{Cc}/gu, '\ufffd');

function readSymbols(sections: readonly ElfSection[]): readonly ElfSymbol[] {
  const symtab = sections.find(({ type }) => type === SECTION_TYPES.symtab) ?? badObject('there is no symbol table');
  const strings = sections[symtab.link];
  demand(strings?.type === SECTION_TYPES.strtab, 'the symbol table has no names');
  demand(symtab.size % SYMBOL_SIZE === 0, `the symbol table has ${symtab.size} bytes, each symbol ${SYMBOL_SIZE}`);
  const view = viewOf(symtab.bytes);
  return Array.from({ length: symtab.size / SYMBOL_SIZE }, (_, index) => {
    const at = index * SYMBOL_SIZE;
    const info = view.getUint8(at + 4);
    return {
      name: stringAt(strings.bytes, view.getUint32(at, true)),
      binding: info >> 4,
      type: info & 0xf,
      section: view.getUint16(at + 6, true),
      value: word(view, at + 8, `the value of symbol ${index}`),
      size: word(view, at + 16, `the size of symbol ${index}`),
    };
  });
}

function readRelocations({ name, bytes }: ElfSection, symbols: readonly ElfSymbol[]): readonly ElfRelocation[] {
  demand(bytes.length % RELOCATION_SIZE === 0, `${name} has ${bytes.length} bytes, each relocation ${RELOCATION_SIZE}`);
  const view = viewOf(bytes);
  return Array.from({ length: bytes.length / RELOCATION_SIZE }, (_, index) => {
    const at = index * RELOCATION_SIZE;
    const number = view.getUint32(at + 12, true);
    return {
      offset: word(view, at, `the place of relocation ${index} of ${name}`),
      type: view.getUint32(at + 8, true),
      symbol: symbols[number] ?? badObject(`relocation ${index} of ${name} names symbol ${number}, there is none`),
    };
  });
}

/** Whether a section holds instructions. */
export const isCode = ({ type, flags }: ElfSection): boolean =>
  type === SECTION_TYPES.progbits && (flags & SECTION_FLAGS.execute) !== 0;
