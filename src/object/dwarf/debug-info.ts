import { createTypeSet } from '../../btf/type-set.ts';
import type { CType, FunctionProtoType, TypeSet } from '../../btf/types.ts';
import { BadObject } from '../bad-object.ts';
import type { ProgramSection } from '../program-file.ts';
import { TAGS } from './constants.ts';
import { DwarfCursor } from './cursor.ts';
import { Entries, type Entry } from './entries.ts';
import { readLines, type LineRow, type LineTable } from './lines.ts';
import { AddressRanges, type RangeSections } from './ranges.ts';
import { SourceFinder, type AddressSource } from './source.ts';
import { DwarfTypes } from './types.ts';

/** What compilers leave in a program for debuggers. */
export interface DebugInfo {
  readonly types: TypeSet;
  /** By a function's name in the source or in the symbol table. */
  prototype(name: string): FunctionProtoType | undefined;
  /** Address of the first instruction of a line; column 0 means any. A string says why there is none, in bpftrace's words. */
  lineAddress(file: string, line: number, column: number): number | string;
  /** Where in the source the instruction at an address is, and what was inlined there. */
  source(address: number): AddressSource | undefined;
}

/** Enough for anything that is traced by hand; what is larger would take longer to read than anybody waits. */
const MAX_BYTES = 0x400_0000;
/** SHF_COMPRESSED: there is nothing here to inflate it with. */
const COMPRESSED = 0x800;
/** How often all lines may be read before a file is taken for hostile. */
const MAX_READINGS = 4;
const NAMED: ReadonlySet<number> = new Set([
  TAGS.structure,
  TAGS.class,
  TAGS.union,
  TAGS.enumeration,
  TAGS.typedef,
  TAGS.base,
]);

/** Reads .debug_info and what it refers to; undefined where a file has none that can be read. */
export function readDebugInfo(sections: readonly ProgramSection[]): DebugInfo | undefined {
  const bytesOf = (name: string): Uint8Array => {
    const section = sections.find((candidate) => candidate.name === name);
    return section === undefined || (section.flags & COMPRESSED) !== 0 ? new Uint8Array(0) : section.bytes;
  };
  const info = bytesOf('.debug_info');
  if (info.length === 0 || info.length > MAX_BYTES) return undefined;
  const texts = { str: new DwarfCursor(bytesOf('.debug_str')), lineStr: new DwarfCursor(bytesOf('.debug_line_str')) };
  const read = <T>(reader: () => T): T | undefined => {
    try {
      return reader();
    } catch (error) {
      // Damaged information is as good as none.
      if (error instanceof BadObject) return undefined;
      throw error;
    }
  };
  const strOffsets = bytesOf('.debug_str_offsets');
  const entries = read(() => new Entries({ info, abbrev: bytesOf('.debug_abbrev'), strOffsets, ...texts }));
  if (entries === undefined) return undefined;
  const lines = bytesOf('.debug_line');
  const tables = new Map<string, LineTable | undefined>();
  // Tables do not overlap, but units of types use those of others.
  let toRead = lines.length * MAX_READINGS;
  const unitLines = (unit: Entry): LineTable | undefined => {
    const offset = entries.number(unit, 'statements');
    if (offset === undefined) return undefined;
    const folder = entries.text(unit, 'compilationFolder') ?? '';
    const key = `${offset} ${folder}`;
    if (tables.has(key) || toRead < 0) return tables.get(key);
    const table = read(() => readLines(lines, offset, folder, texts));
    toRead -= table?.size ?? lines.length - offset;
    tables.set(key, table);
    return table;
  };
  const types = new DwarfTypes(entries);
  let typeSet: TypeSet | undefined;
  let functions: ReadonlyMap<string, Entry> | undefined;
  let finder: SourceFinder | undefined;
  let isDamaged = false;
  return {
    get types() {
      return (typeSet ??= read(() => createTypeSet({ types: namedTypes(entries, types) })) ?? createTypeSet({}));
    },
    prototype(name) {
      functions ??= read(() => functionsByName(entries, types)) ?? new Map<string, Entry>();
      const entry = functions.get(name);
      return entry === undefined ? undefined : read(() => types.prototype(entry));
    },
    lineAddress: (file, line, column) =>
      findLine(
        entries.units.map((unit) => unitLines(unit)?.rows ?? []),
        file,
        line,
        column,
      ),
    source(address) {
      if (isDamaged) return undefined;
      const found = read(() => {
        finder ??= new SourceFinder(entries, new AddressRanges(entries, rangeSections(bytesOf)), unitLines);
        return { source: finder.at(address) };
      });
      isDamaged = found === undefined;
      return found?.source;
    },
  };
}

const rangeSections = (bytesOf: (name: string) => Uint8Array): RangeSections => ({
  addr: bytesOf('.debug_addr'),
  ranges: bytesOf('.debug_ranges'),
  rnglists: bytesOf('.debug_rnglists'),
});

/** Types of the outermost scope; a definition comes before a mere declaration of the same name. */
function namedTypes(entries: Entries, types: DwarfTypes): readonly CType[] {
  const all = entries.units.flatMap(({ children }) => children.filter(({ tag }) => NAMED.has(tag)));
  return all.map((entry) => types.make(entry)).filter(({ kind }) => kind !== 'forward');
}

function functionsByName(entries: Entries, types: DwarfTypes): ReadonlyMap<string, Entry> {
  const functions = new Map<string, Entry>();
  const all = [...entries.byOffset.values()].filter(({ tag }) => tag === TAGS.subprogram);
  const isDefined = (entry: Entry): boolean => entries.number(entry, 'declaration') !== 1;
  for (const entry of [...all.filter(isDefined), ...all.filter((each) => !isDefined(each))]) {
    const linked = entries.integrated(entry, 'linkageName');
    const names = [types.nameOf(entry), linked === undefined ? undefined : entries.text(linked, 'linkageName')];
    for (const name of names) if (name !== undefined && name !== '' && !functions.has(name)) functions.set(name, entry);
  }
  return functions;
}

/** Whole parts of a path at its end. */
const endsWith = (path: string, end: string): boolean =>
  path === end || path.endsWith(`/${end.replace(/^(\.\/)+/, '')}`);

function findLine(units: readonly (readonly LineRow[])[], file: string, line: number, column: number): number | string {
  const paths = [...new Set(units.flat().map((row) => row.file))].filter((path) => endsWith(path, file));
  const [path, other] = paths;
  if (path === undefined) return `No compilation unit matches ${file}`;
  if (other !== undefined) return `Ambiguous source path, matches multiple files: ${path}, ${other}`;
  for (const row of units.flat())
    if (row.file === path && row.line === line && !row.isEnd && (column === 0 || row.column === column))
      return row.address;
  return `Unable to map '${file}:${line}${column > 0 ? `:${column}` : ''}' to address`;
}
