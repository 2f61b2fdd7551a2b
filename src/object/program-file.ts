import { BadObject, badObject, demand } from './bad-object.ts';
import { buildIdOf, checksumOf, readDebugLink } from './debug-link.ts';
import type { DebugLink } from './debug-link.ts';
import { readDebugInfo } from './dwarf/debug-info.ts';
import type { DebugInfo } from './dwarf/debug-info.ts';
import {
  ELF_CLASS_64,
  ELF_HEADER_SIZE,
  ELF_LITTLE_ENDIAN,
  SECTION_TYPES,
  SYMBOL_SIZE,
  SECTION_HEADER_SIZE,
} from './elf-format.ts';
import { isElf, printable, MAX_NAME } from './elf-reader.ts';
import { readStaticProbes } from './static-probes.ts';
import type { StaticProbe } from './static-probes.ts';

/** A stretch of a file that is mapped when it runs (PT_LOAD). */
export interface ProgramSegment {
  readonly address: number;
  readonly fileOffset: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly writable: boolean;
  readonly executable: boolean;
}
export interface ProgramSection {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly fileOffset: number;
  readonly size: number;
  readonly link: number;
  /** Nothing for what the file has no bytes of. */
  readonly bytes: Uint8Array;
}
export interface ProgramSymbol {
  readonly name: string;
  readonly address: number;
  readonly size: number;
}
/** A place that the loader fills in (R_X86_64_*). */
export interface ProgramRelocation {
  readonly address: number;
  readonly type: number;
  /** Empty: none. */
  readonly symbol: string;
  /** What the symbol is in this file; 0: another file has it. */
  readonly value: number;
  readonly addend: number;
}

/** An executable or shared library for the machine that a compiler built it for. */
export interface ProgramFile {
  /** ET_EXEC: it runs at its own addresses only. */
  readonly isFixed: boolean;
  /** In hexadecimal; empty: it has none. */
  readonly buildId: string;
  /** The whole file. */
  readonly bytes: Uint8Array;
  readonly machine: number;
  readonly entry: number;
  /** In order of address. */
  readonly segments: readonly ProgramSegment[];
  readonly sections: readonly ProgramSection[];
  /** Of .symtab and .dynsym, each name once, in order of address. */
  readonly functions: readonly ProgramSymbol[];
  readonly variables: readonly ProgramSymbol[];
  readonly probes: readonly StaticProbe[];
  readonly relocations: readonly ProgramRelocation[];
  /** Libraries that it asks the loader for. */
  readonly needed: readonly string[];
  /** What its DWARF says; undefined without. */
  debug(): DebugInfo | undefined;
}

/** The contents of files that may hold a program's debugging information, the likeliest first. */
export type FindDebugFile = (link: DebugLink) => Iterable<Uint8Array>;

const TYPES = { executable: 2, shared: 3 } as const;
export const MACHINE_X86_64 = 62;
const PROGRAM_HEADER_SIZE = 56;
const SEGMENT_LOAD = 1;
const FLAG_EXECUTE = 1;
const FLAG_WRITE = 2;
const RELA_SIZE = 24;
const SECTION = { rela: 4, dynamic: 6, note: 7, dynsym: 11 } as const;
const DT_NEEDED = 1;
const SYMBOL = { object: 1, function: 2, ifunc: 10 } as const;
/** So that a small file cannot ask for more memory than anybody has. */
const MAX_MEMORY = 0x1000_0000;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** e_type of a file; undefined when it is no ELF file. */
export function elfType(bytes: Uint8Array): 'executable' | 'shared' | 'other' | undefined {
  if (bytes.length < ELF_HEADER_SIZE || !isElf(bytes)) return undefined;
  const type = viewOf(bytes).getUint16(16, true);
  return type === TYPES.executable ? 'executable' : type === TYPES.shared ? 'shared' : 'other';
}

/** Reads a program that anyone may have written: whatever it holds, the answer is a program or what is wrong with it. */
export function readProgramFile(
  bytes: Uint8Array,
  separate: FindDebugFile = () => [],
): ProgramFile | { readonly problem: string } {
  try {
    return read(bytes, separate);
  } catch (error) {
    if (error instanceof BadObject) return { problem: error.message };
    // A DataView says it when a field lies behind the end.
    if (error instanceof RangeError) return { problem: 'a field lies behind the end of the file' };
    throw error;
  }
}

function read(bytes: Uint8Array, separate: FindDebugFile): ProgramFile {
  const type = elfType(bytes);
  demand(type === 'executable' || type === 'shared', 'not an ELF executable or shared library');
  demand(bytes[4] === ELF_CLASS_64 && bytes[5] === ELF_LITTLE_ENDIAN, 'not a 64-bit little-endian ELF file');
  const view = viewOf(bytes);
  const segments = readSegments(bytes, view);
  const sections = readSections(bytes, view);
  const apart = readApart(sections, separate);
  const symbols = [...readSymbols(sections), ...readSymbols(apart)];
  const found = (...types: readonly number[]): readonly ProgramSymbol[] => {
    const byName = new Map<string, ProgramSymbol>();
    for (const symbol of symbols)
      if (types.includes(symbol.type) && symbol.section !== 0 && !byName.has(symbol.name))
        byName.set(symbol.name, { name: symbol.name, address: symbol.address, size: symbol.size });
    return [...byName.values()].sort((a, b) => a.address - b.address);
  };
  return {
    isFixed: type === 'executable',
    buildId: buildIdOf(sections),
    bytes,
    machine: view.getUint16(18, true),
    entry: number(view, 24),
    segments,
    sections,
    functions: found(SYMBOL.function, SYMBOL.ifunc),
    variables: found(SYMBOL.object),
    probes: readStaticProbes(sections),
    relocations: readRelocations(sections),
    needed: readNeeded(sections),
    debug: () => readDebugInfo(sections) ?? readDebugInfo(apart),
  };
}

/** Sections of the file that debugging information and symbols were moved to; what is there and does not belong is left alone. */
function readApart(sections: readonly ProgramSection[], separate: FindDebugFile): readonly ProgramSection[] {
  if (sections.some(({ name }) => name === '.debug_info')) return [];
  const link = readDebugLink(sections);
  if (link === undefined) return [];
  for (const bytes of separate(link)) {
    const found = readableSections(bytes);
    if (found === undefined) continue;
    const fits = link.buildId === '' ? checksumOf(bytes) === link.checksum : buildIdOf(found) === link.buildId;
    if (fits) return found;
  }
  return [];
}

/** A file that is no object, or a broken one, takes nothing from the program that names it. */
function readableSections(bytes: Uint8Array): readonly ProgramSection[] | undefined {
  if (elfType(bytes) === undefined) return undefined;
  try {
    return readSections(bytes, viewOf(bytes));
  } catch (error) {
    if (error instanceof BadObject || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A 64-bit field that must be a sensible number. */
function number(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : badObject(`0x${value.toString(16)} is no address`);
}

function readSegments(bytes: Uint8Array, view: DataView): readonly ProgramSegment[] {
  const table = number(view, 32);
  const count = view.getUint16(56, true);
  const fits = table + count * PROGRAM_HEADER_SIZE <= bytes.length;
  demand(count === 0 || fits, `${count} program headers at ${table} do not fit in the file`);
  const segments: ProgramSegment[] = [];
  for (let i = 0; i < count; i += 1) {
    const at = table + i * PROGRAM_HEADER_SIZE;
    if (view.getUint32(at, true) !== SEGMENT_LOAD) continue;
    const flags = view.getUint32(at + 4, true);
    const segment = {
      fileOffset: number(view, at + 8),
      address: number(view, at + 16),
      fileSize: number(view, at + 32),
      memorySize: number(view, at + 40),
      writable: (flags & FLAG_WRITE) !== 0,
      executable: (flags & FLAG_EXECUTE) !== 0,
    };
    demand(segment.fileOffset + segment.fileSize <= bytes.length, `segment ${i} ends behind the file`);
    demand(segment.fileSize <= segment.memorySize, `segment ${i} is larger in the file than in memory`);
    segments.push(segment);
  }
  segments.sort((a, b) => a.address - b.address);
  const [first] = segments;
  const last = segments[segments.length - 1];
  const span = first === undefined ? 0 : last!.address + last!.memorySize - first.address;
  demand(span <= MAX_MEMORY, `its segments span ${span} bytes, the machine loads up to ${MAX_MEMORY}`);
  segments.forEach((segment, i) => {
    const next = segments[i + 1];
    const fits = next === undefined || segment.address + segment.memorySize <= next.address;
    demand(fits, `the segment at 0x${segment.address.toString(16)} overlaps the next`);
  });
  return segments;
}

function readSections(bytes: Uint8Array, view: DataView): readonly ProgramSection[] {
  const table = number(view, 40);
  const count = view.getUint16(60, true);
  const names = view.getUint16(62, true);
  demand(table + count * SECTION_HEADER_SIZE <= bytes.length, `${count} section headers do not fit in the file`);
  const rows = Array.from({ length: count }, (_, index) => {
    const at = table + index * SECTION_HEADER_SIZE;
    const type = view.getUint32(at + 4, true);
    const fileOffset = number(view, at + 24);
    const size = number(view, at + 32);
    const isEmpty = type === SECTION_TYPES.nobits || type === SECTION_TYPES.null;
    demand(isEmpty || fileOffset + size <= bytes.length, `section ${index} ends behind the file`);
    return {
      nameOffset: view.getUint32(at, true),
      type,
      flags: number(view, at + 8),
      address: number(view, at + 16),
      fileOffset,
      size,
      link: view.getUint32(at + 40, true),
      bytes: isEmpty ? new Uint8Array(0) : bytes.subarray(fileOffset, fileOffset + size),
    };
  });
  const nameTable = rows[names]?.bytes ?? new Uint8Array(0);
  return rows.map(({ nameOffset, ...row }) => ({ ...row, name: nameAt(nameTable, nameOffset) }));
}

function nameAt(table: Uint8Array, offset: number): string {
  const rest = table.subarray(offset, offset + MAX_NAME + 1);
  const length = rest.indexOf(0);
  return length <= 0 ? '' : printable(new TextDecoder().decode(rest.subarray(0, length)));
}

interface RawSymbol extends ProgramSymbol {
  readonly type: number;
  readonly section: number;
}

function symbolsOf(section: ProgramSection, sections: readonly ProgramSection[]): readonly RawSymbol[] {
  const names = sections[section.link]?.bytes ?? new Uint8Array(0);
  const view = viewOf(section.bytes);
  return Array.from({ length: Math.floor(section.bytes.length / SYMBOL_SIZE) }, (_, index) => {
    const at = index * SYMBOL_SIZE;
    return {
      name: nameAt(names, view.getUint32(at, true)),
      type: view.getUint8(at + 4) & 0xf,
      section: view.getUint16(at + 6, true),
      address: number(view, at + 8),
      size: number(view, at + 16),
    };
  });
}

function readSymbols(sections: readonly ProgramSection[]): readonly RawSymbol[] {
  const tables = sections.filter(({ type }) => type === SECTION_TYPES.symtab || type === SECTION.dynsym);
  return tables.flatMap((section) => symbolsOf(section, sections)).filter(({ name }) => name !== '');
}

/** Those of the loader, which stand in sections that are loaded. */
function readRelocations(sections: readonly ProgramSection[]): readonly ProgramRelocation[] {
  return sections.flatMap((section) => {
    if (section.type !== SECTION.rela || section.address === 0) return [];
    const table = sections[section.link];
    const symbols = table === undefined ? [] : symbolsOf(table, sections);
    const view = viewOf(section.bytes);
    return Array.from({ length: Math.floor(section.bytes.length / RELA_SIZE) }, (_, index) => {
      const at = index * RELA_SIZE;
      const symbol = symbols[view.getUint32(at + 12, true)];
      return {
        address: number(view, at),
        type: view.getUint32(at + 8, true),
        // A version may stand behind the name.
        symbol: (symbol?.name ?? '').replace(/@.*/, ''),
        value: symbol === undefined || symbol.section === 0 ? 0 : symbol.address,
        addend: Number(BigInt.asIntN(64, view.getBigUint64(at + 16, true))),
      };
    });
  });
}

function readNeeded(sections: readonly ProgramSection[]): readonly string[] {
  const dynamic = sections.find(({ type }) => type === SECTION.dynamic);
  if (dynamic === undefined) return [];
  const names = sections[dynamic.link]?.bytes ?? new Uint8Array(0);
  const view = viewOf(dynamic.bytes);
  const needed: string[] = [];
  for (let at = 0; at + 16 <= dynamic.bytes.length; at += 16)
    if (number(view, at) === DT_NEEDED) needed.push(nameAt(names, number(view, at + 8)));
  return needed;
}
