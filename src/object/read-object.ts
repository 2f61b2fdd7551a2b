import type { LineInfo, MapDefinition } from '../abi/program-image.ts';
import { checkTypes } from '../btf/check-types.ts';
import { decodeBtf, type BtfTypeSet } from '../btf/decode.ts';
import { SLOT_BYTES } from '../isa/codec.ts';
import { BadObject, badObject } from './bad-object.ts';
import { type BtfExt, decodeBtfExt } from './btf-ext.ts';
import { type ElfFile, printable, readElf } from './elf-reader.ts';
import { indexFunctions, type LinkedProgram, linkProgram } from './link-program.ts';
import { type ObjectFunction, readFunctions } from './read-functions.ts';
import { readMaps } from './read-maps.ts';

export interface EbpfObject {
  readonly programs: readonly LinkedProgram[];
  readonly maps: readonly MapDefinition[];
  readonly license: string | undefined;
  /** Places whose offsets libbpf would take from the running kernel's types (CO-RE); we leave them as compiled. */
  readonly coreRelocations: number;
}

export type ReadResult =
  { readonly ok: true; readonly object: EbpfObject } | { readonly ok: false; readonly message: string };

/** As many instructions as the kernel takes (BPF_COMPLEXITY_LIMIT_INSNS), over all programs of an object together. */
const MAX_INSNS = 1_000_000;

/** Reads an object of any compiler: maps, programs, and the functions that each program calls behind it. */
export function readObject(bytes: Uint8Array): ReadResult {
  try {
    return { ok: true, object: read(bytes) };
  } catch (error) {
    if (!(error instanceof BadObject)) throw error;
    return { ok: false, message: error.message };
  }
}

function read(bytes: Uint8Array): EbpfObject {
  const elf = readElf(bytes);
  const types = readTypes(elf);
  const { maps, index } = readMaps(elf, types);
  const functions = readFunctions(elf, index, readLines(elf, types));
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
    coreRelocations: readExt(elf)?.relocations ?? 0,
  };
}

/** libbpf calls everything outside .text a program. */
const isProgram = ({ section }: ObjectFunction): boolean => section !== '.text';

const text = (bytes: Uint8Array): string => printable(new TextDecoder().decode(bytes).replace(/\0[^]*$/, ''));

function readTypes(elf: ElfFile): BtfTypeSet | undefined {
  const section = elf.sections.find(({ name }) => name === '.BTF');
  if (section === undefined) return undefined;
  try {
    const types = decodeBtf(section.bytes);
    checkTypes(types);
    return types;
  } catch (error) {
    // A blob may also nest types deeper than our stack, or point outside of itself.
    return badObject(`malformed .BTF: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readExt(elf: ElfFile): BtfExt | undefined {
  const section = elf.sections.find(({ name }) => name === '.BTF.ext');
  return section === undefined ? undefined : decodeBtfExt(section.bytes);
}

/** The lines of each section by its name, in the order of their slots in it. */
function readLines(elf: ElfFile, types: BtfTypeSet | undefined): ReadonlyMap<string, readonly LineInfo[]> {
  const ext = types === undefined ? undefined : readExt(elf);
  const lines = new Map<string, readonly LineInfo[]>();
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
    lines.set(
      types!.string(section),
      own.sort((a, b) => a.slot - b.slot),
    );
  }
  return lines;
}
