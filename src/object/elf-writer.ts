import {
  ELF_CLASS_64,
  ELF_HEADER_SIZE,
  ELF_LITTLE_ENDIAN,
  ELF_MACHINE_BPF,
  ELF_MAGIC,
  ELF_RELOCATABLE,
  ELF_VERSION,
  NO_SECTION,
  RELOCATION_SIZE,
  RELOCATION_TYPES,
  SECTION_FLAGS,
  SECTION_HEADER_SIZE,
  SECTION_TYPES,
  SYMBOL_BINDINGS,
  SYMBOL_SIZE,
  SYMBOL_TYPES,
  type RelocationType,
  type SectionFlag,
  type SectionType,
  type SymbolBinding,
  type SymbolType,
} from './elf-format.ts';

/** A symbol of the object; its number is known only when all are, because local ones come first. */
export interface SymbolHandle {
  readonly name: string;
  readonly binding: SymbolBinding;
  readonly type: SymbolType;
  /** Undefined where the loader is to find what the symbol names. */
  readonly section: SectionHandle | undefined;
  readonly value: number;
  readonly size: number;
}

export interface SectionHandle {
  readonly name: string;
  readonly type: SectionType;
  readonly flags: readonly SectionFlag[];
  readonly align: number;
  readonly bytes: Uint8Array;
}

interface Relocation {
  readonly offset: number;
  readonly type: RelocationType;
  readonly symbol: SymbolHandle;
}

interface Header {
  readonly section: SectionHandle;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
}

/** Gathers sections, symbols and relocations and lays them out as a relocatable eBPF object. */
export class ElfWriter {
  readonly #sections: SectionHandle[] = [];
  readonly #symbols: SymbolHandle[] = [];
  readonly #relocations = new Map<SectionHandle, Relocation[]>();
  readonly #sectionSymbols = new Map<SectionHandle, SymbolHandle>();

  section(section: SectionHandle): SectionHandle {
    this.#sections.push(section);
    return section;
  }

  symbol(symbol: SymbolHandle): SymbolHandle {
    this.#symbols.push(symbol);
    return symbol;
  }

  /** The symbol that stands for the start of a section. */
  sectionSymbol(section: SectionHandle): SymbolHandle {
    let symbol = this.#sectionSymbols.get(section);
    if (symbol === undefined) {
      symbol = this.symbol({ name: '', binding: 'local', type: 'section', section, value: 0, size: 0 });
      this.#sectionSymbols.set(section, symbol);
    }
    return symbol;
  }

  relocate(section: SectionHandle, offset: number, type: RelocationType, symbol: SymbolHandle): void {
    const list = this.#relocations.get(section) ?? [];
    list.push({ offset, type, symbol });
    this.#relocations.set(section, list);
  }

  finish(): Uint8Array {
    const strings = new StringTable();
    const ordered = [
      ...this.#symbols.filter(({ binding }) => binding === 'local'),
      ...this.#symbols.filter(({ binding }) => binding !== 'local'),
    ];
    const numberOf = new Map(ordered.map((symbol, index) => [symbol, index + 1]));
    const sectionNumbers = new Map<SectionHandle, number>();
    const headers: Header[] = [];
    const symtab = 1 + this.#sections.length + this.#relocations.size;
    for (const section of this.#sections) {
      sectionNumbers.set(section, headers.push({ section, link: 0, info: 0, entrySize: 0 }));
      const relocations = this.#relocations.get(section);
      if (relocations === undefined) continue;
      const bytes = relocationBytes(relocations, numberOf);
      headers.push({
        section: { name: `.rel${section.name}`, type: 'rel', flags: ['infoLink'], align: 8, bytes },
        link: symtab,
        info: sectionNumbers.get(section)!,
        entrySize: RELOCATION_SIZE,
      });
    }
    const symbolBytes = symbolTable(ordered, sectionNumbers, strings);
    headers.push({
      section: { name: '.symtab', type: 'symtab', flags: [], align: 8, bytes: symbolBytes },
      link: symtab + 1,
      info: 1 + ordered.filter(({ binding }) => binding === 'local').length,
      entrySize: SYMBOL_SIZE,
    });
    for (const { section } of headers) strings.offset(section.name);
    strings.offset('.strtab');
    headers.push({
      section: { name: '.strtab', type: 'strtab', flags: [], align: 1, bytes: strings.bytes() },
      link: 0,
      info: 0,
      entrySize: 0,
    });
    return layOut(headers, strings);
  }
}

/** Names of sections and symbols, each once, behind one empty name. */
class StringTable {
  readonly #offsets = new Map<string, number>([['', 0]]);
  #size = 1;

  offset(name: string): number {
    let offset = this.#offsets.get(name);
    if (offset === undefined) {
      offset = this.#size;
      this.#offsets.set(name, offset);
      this.#size += new TextEncoder().encode(name).length + 1;
    }
    return offset;
  }

  bytes(): Uint8Array {
    return new TextEncoder().encode([...this.#offsets.keys()].map((name) => `${name}\0`).join(''));
  }
}

function relocationBytes(relocations: readonly Relocation[], numberOf: ReadonlyMap<SymbolHandle, number>): Uint8Array {
  const bytes = new Uint8Array(relocations.length * RELOCATION_SIZE);
  const view = new DataView(bytes.buffer);
  relocations.forEach(({ offset, type, symbol }, index) => {
    const at = index * RELOCATION_SIZE;
    view.setUint32(at, offset, true);
    view.setUint32(at + 8, RELOCATION_TYPES[type], true);
    view.setUint32(at + 12, numberOf.get(symbol)!, true);
  });
  return bytes;
}

function symbolTable(
  symbols: readonly SymbolHandle[],
  sections: ReadonlyMap<SectionHandle, number>,
  strings: StringTable,
): Uint8Array {
  const bytes = new Uint8Array((symbols.length + 1) * SYMBOL_SIZE);
  const view = new DataView(bytes.buffer);
  symbols.forEach(({ name, binding, type, section, value, size }, index) => {
    const at = (index + 1) * SYMBOL_SIZE;
    view.setUint32(at, strings.offset(name), true);
    view.setUint8(at + 4, (SYMBOL_BINDINGS[binding] << 4) | SYMBOL_TYPES[type]);
    view.setUint16(at + 6, section === undefined ? NO_SECTION : sections.get(section)!, true);
    view.setUint32(at + 8, value, true);
    view.setUint32(at + 16, size, true);
  });
  return bytes;
}

const alignUp = (value: number, align: number): number => Math.ceil(value / align) * align;

/** The file: ELF header, contents of the sections, section headers. */
function layOut(headers: readonly Header[], strings: StringTable): Uint8Array {
  let end = ELF_HEADER_SIZE;
  const offsets = headers.map(({ section }) => {
    const offset = alignUp(end, section.align);
    end = section.type === 'nobits' ? offset : offset + section.bytes.length;
    return offset;
  });
  const table = alignUp(end, 8);
  const bytes = new Uint8Array(table + (headers.length + 1) * SECTION_HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, ELF_MAGIC, true);
  bytes.set([ELF_CLASS_64, ELF_LITTLE_ENDIAN, ELF_VERSION], 4);
  view.setUint16(16, ELF_RELOCATABLE, true);
  view.setUint16(18, ELF_MACHINE_BPF, true);
  view.setUint32(20, ELF_VERSION, true);
  view.setUint32(40, table, true);
  view.setUint16(52, ELF_HEADER_SIZE, true);
  view.setUint16(58, SECTION_HEADER_SIZE, true);
  view.setUint16(60, headers.length + 1, true);
  // The names of the sections stand in the last one.
  view.setUint16(62, headers.length, true);
  headers.forEach(({ section, link, info, entrySize }, index) => {
    const at = table + (index + 1) * SECTION_HEADER_SIZE;
    const flags = section.flags.reduce((bits, flag) => bits | SECTION_FLAGS[flag], 0);
    view.setUint32(at, strings.offset(section.name), true);
    view.setUint32(at + 4, SECTION_TYPES[section.type], true);
    view.setUint32(at + 8, flags, true);
    view.setUint32(at + 24, offsets[index]!, true);
    view.setUint32(at + 32, section.bytes.length, true);
    view.setUint32(at + 40, link, true);
    view.setUint32(at + 44, info, true);
    view.setUint32(at + 48, section.align, true);
    view.setUint32(at + 56, entrySize, true);
    if (section.type !== 'nobits') bytes.set(section.bytes, offsets[index]!);
  });
  return bytes;
}
