import type { LineInfo, MapDefinition } from '../abi/program-image.ts';
import { checkTypes } from '../btf/check-types.ts';
import { decodeBtf, type BtfTypeSet } from '../btf/decode.ts';
import { readForeign } from '../btf/malformed.ts';
import type { BtfVariable, TypeSet } from '../btf/types.ts';
import { SLOT_BYTES } from '../isa/codec.ts';
import { BadObject, badObject } from './bad-object.ts';
import { type BtfExt, type CoreRecord, decodeBtfExt } from './btf-ext.ts';
import { CoreRelocator } from './core-relocations.ts';
import { type ElfFile, printable, readElf } from './elf-reader.ts';
import { indexFunctions, type LinkedProgram, linkProgram } from './link-program.ts';
import { MAX_INSNS, type ObjectFunction, readFunctions } from './read-functions.ts';
import { readMaps } from './read-maps.ts';

export interface EbpfObject {
  readonly programs: readonly LinkedProgram[];
  readonly maps: readonly MapDefinition[];
  readonly license: string | undefined;
  /** Places that depend on the running kernel's types (CO-RE), and how many of them found nothing there. */
  readonly coreRelocations: { readonly count: number; readonly missing: number };
}

export type ReadResult =
  { readonly ok: true; readonly object: EbpfObject } | { readonly ok: false; readonly message: string };

/**
 * Reads an object of any compiler: maps, programs, and the functions that each program calls behind it. With a kernel's
 * types, CO-RE relocations take their values from those; without, they stay as compiled.
 */
export function readObject(bytes: Uint8Array, kernel?: TypeSet): ReadResult {
  try {
    return { ok: true, object: read(bytes, kernel) };
  } catch (error) {
    if (!(error instanceof BadObject)) throw error;
    return { ok: false, message: error.message };
  }
}

function read(bytes: Uint8Array, kernel: TypeSet | undefined): EbpfObject {
  const elf = readElf(bytes);
  const known = readTypes(elf);
  const types = known?.types;
  const ext = types === undefined ? undefined : readExt(elf);
  const { maps, index } = readMaps(elf, known?.maps);
  const core = types === undefined || kernel === undefined ? undefined : new CoreRelocator(types, kernel);
  const coreRecords = new Map<string, CoreRecord[]>();
  for (const { section, records } of ext?.core ?? []) appendTo(coreRecords, types!.string(section), records);
  const functions = readFunctions(
    elf,
    index,
    readLines(ext, types),
    (section, insns) => {
      for (const record of coreRecords.get(section) ?? []) core?.apply(insns, record.offset / SLOT_BYTES, record);
    },
    (name) => kernel?.perCpuVariable(name)?.id,
  );
  const find = indexFunctions(functions);
  const programs: LinkedProgram[] = [];
  let room = MAX_INSNS;
  for (const main of functions.filter(isProgram)) {
    const program = linkProgram(main, find, room);
    programs.push(program);
    room -= program.insns.length;
  }
  const license = elf.sections.find(({ name }) => name === 'license');
  return {
    programs,
    maps,
    license: license === undefined ? undefined : text(license.bytes),
    coreRelocations: {
      count: [...coreRecords.values()].reduce((sum, records) => sum + records.length, 0),
      missing: core?.missing ?? 0,
    },
  };
}

/** libbpf calls everything outside .text a program. */
const isProgram = ({ section }: ObjectFunction): boolean => section !== '.text';

const text = (bytes: Uint8Array): string => printable(new TextDecoder().decode(bytes).replace(/\0[^]*$/, ''));

/** Types that can be walked without a second look, and the variables of .maps. */
interface ObjectTypes {
  readonly types: BtfTypeSet;
  readonly maps: readonly BtfVariable[] | undefined;
}

function readTypes(elf: ElfFile): ObjectTypes | undefined {
  const section = elf.sections.find(({ name }) => name === '.BTF');
  if (section === undefined) return undefined;
  const read = readForeign(() => {
    const types = decodeBtf(section.bytes);
    checkTypes(types);
    return { types, maps: types.dataSection('.maps') };
  });
  return 'problem' in read ? badObject(`malformed .BTF: ${read.problem}`) : read.value;
}

function readExt(elf: ElfFile): BtfExt | undefined {
  const section = elf.sections.find(({ name }) => name === '.BTF.ext');
  return section === undefined ? undefined : decodeBtfExt(section.bytes);
}

/** The lines of each section by its name, in the order of their slots in it. */
function readLines(ext: BtfExt | undefined, types: BtfTypeSet | undefined): ReadonlyMap<string, readonly LineInfo[]> {
  const lines = new Map<string, LineInfo[]>();
  for (const { section, lines: rows } of ext?.lines ?? []) {
    const own = rows.map(({ offset, file, text: source, line, column }) => ({
      slot: offset / SLOT_BYTES,
      sourceName: printable(types!.string(file)),
      line,
      column,
      text: printable(types!.string(source).trim()),
      start: 0,
      end: 0,
    }));
    appendTo(lines, types!.string(section), own);
  }
  for (const own of lines.values()) own.sort((a, b) => a.slot - b.slot);
  return lines;
}

/** A section may have several parts of records. */
function appendTo<T>(rows: Map<string, T[]>, section: string, more: readonly T[]): void {
  const own = rows.get(section);
  if (own === undefined) rows.set(section, [...more]);
  else for (const row of more) own.push(row);
}
