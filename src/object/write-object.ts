import type { MapDefinition, Program } from '../abi/program-image.ts';
import { encodeInsns, SLOT_BYTES } from '../isa/codec.ts';
import { LD_IMM64 } from '../isa/decode.ts';
import type { Insn } from '../isa/instruction.ts';
import { BadObject } from './bad-object.ts';
import { ElfWriter, type SectionHandle, type SymbolHandle } from './elf-writer.ts';
import type { MapTypes } from './map-btf.ts';
import { type MapPlace, placeMaps } from './place-maps.ts';
import { type FunctionPart, splitFunctions } from './split-functions.ts';
import { SymbolNames } from './symbol-names.ts';
import { writeBtf } from './write-btf.ts';

export interface ObjectProgram {
  readonly program: Program;
  /** One for each place where it attaches, as libbpf names it: `kprobe/vfs_read`. libbpf attaches a program to one place, so each gets a copy. */
  readonly sections: readonly string[];
}

export interface ObjectContents {
  readonly programs: readonly ObjectProgram[];
  readonly maps: readonly MapDefinition[];
  /** By the maps' indices; without them an object says only how large keys and values are. */
  readonly mapTypes?: readonly (MapTypes | undefined)[];
  readonly license: string;
}

export type WriteResult =
  { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly message: string };

/** Functions that only others call; libbpf looks for them here and nowhere else. */
const TEXT = '.text';

interface PlacedFunction {
  readonly part: FunctionPart;
  readonly name: string;
  readonly section: string;
  /** First slot in its section. */
  readonly start: number;
  /** Where the functions that its calls name begin in .text, by their index in the program; not the main function. */
  readonly targets: readonly number[];
}

/** Writes an object file that libbpf can open, and so bpftool, with BTF of its maps, functions and lines. */
export function writeObject(contents: ObjectContents): WriteResult {
  try {
    return { ok: true, bytes: write(contents) };
  } catch (error) {
    if (!(error instanceof BadObject)) throw error;
    return { ok: false, message: error.message };
  }
}

function write({ programs, maps, mapTypes, license }: ObjectContents): Uint8Array {
  const names = new SymbolNames();
  const mapNames = maps.map(({ name }) => names.take(name));
  const licenseName = names.take('LICENSE');
  const places = placeMaps(
    programs.map(({ program }) => program),
    maps,
  );
  const functions = placeFunctions(programs, names);
  const definitions = maps.flatMap((map, index) => (places[index]!.kind === 'definition' ? [{ map, index }] : []));
  const licenseBytes = new TextEncoder().encode(`${license}\0`);
  const { btf, btfExt, mapOffsets, mapSizes } = writeBtf({
    functions: functions.map(({ part, name, section, start }) => ({
      name,
      section,
      offset: start * SLOT_BYTES,
      isStatic: section === TEXT,
      lines: part.lines,
    })),
    maps: definitions.map(({ map, index }) => ({ name: mapNames[index]!, map, types: mapTypes?.[index] })),
    data: places.flatMap((place, index) =>
      place.kind === 'data'
        ? [
            {
              section: place.section,
              name: mapNames[index]!,
              type: mapTypes?.[index]?.value,
              size: maps[index]!.valueSize,
              readOnly: place.readOnly,
            },
          ]
        : [],
    ),
    license: { section: 'license', name: licenseName, size: licenseBytes.length },
  });

  const elf = new ElfWriter();
  const code = new Map<string, SectionHandle>();
  for (const section of new Set(functions.map((row) => row.section))) {
    const insns = functions.filter((row) => row.section === section).flatMap((row) => relocatable(row, places));
    const bytes = encodeInsns(insns);
    code.set(section, elf.section({ name: section, type: 'progbits', flags: ['alloc', 'execute'], align: 8, bytes }));
  }
  const data = maps.map((map, index) => {
    const place = places[index]!;
    if (place.kind === 'definition') return undefined;
    const section = elf.section(dataSection(map, place));
    const size = map.valueSize;
    elf.symbol({ name: mapNames[index]!, binding: 'global', type: 'object', section, value: 0, size });
    return section;
  });
  const writable = { type: 'progbits', flags: ['alloc', 'write'] } as const;
  let mapSymbols: readonly SymbolHandle[] = [];
  if (definitions.length > 0) {
    const bytes = new Uint8Array(mapSizes.reduce((sum, size) => sum + size, 0));
    const section = elf.section({ name: '.maps', ...writable, align: 8, bytes });
    mapSymbols = definitions.map(({ index }, at) =>
      elf.symbol({
        name: mapNames[index]!,
        binding: 'global',
        type: 'object',
        section,
        value: mapOffsets[at]!,
        size: mapSizes[at]!,
      }),
    );
  }
  const licenseSection = elf.section({ name: 'license', ...writable, align: 1, bytes: licenseBytes });
  elf.symbol({
    name: licenseName,
    binding: 'global',
    type: 'object',
    section: licenseSection,
    value: 0,
    size: licenseBytes.length,
  });
  elf.section({ name: '.BTF', type: 'progbits', flags: [], align: 4, bytes: btf });
  elf.section({ name: '.BTF.ext', type: 'progbits', flags: [], align: 4, bytes: btfExt });

  const symbolOfMap = (map: number): SymbolHandle => {
    const section = data[map];
    return section === undefined
      ? mapSymbols[definitions.findIndex(({ index }) => index === map)]!
      : elf.sectionSymbol(section);
  };
  for (const { part, name, section: sectionName, start } of functions) {
    const section = code.get(sectionName)!;
    elf.symbol({
      name,
      binding: sectionName === TEXT ? 'local' : 'global',
      type: 'function',
      section,
      value: start * SLOT_BYTES,
      size: part.insns.length * SLOT_BYTES,
    });
    const placeOf = (slot: number): number => (start + slot) * SLOT_BYTES;
    for (const { slot, map } of part.maps) elf.relocate(section, placeOf(slot), 'r_bpf_64_64', symbolOfMap(map));
    for (const { slot } of part.calls) {
      const isAddress = part.insns[slot]!.code === LD_IMM64;
      // Calls inside .text are distances already.
      if (sectionName === TEXT && !isAddress) continue;
      const symbol = elf.sectionSymbol(code.get(TEXT)!);
      elf.relocate(section, placeOf(slot), isAddress ? 'r_bpf_64_64' : 'r_bpf_64_32', symbol);
    }
  }
  return elf.finish();
}

function dataSection(map: MapDefinition, { section, readOnly }: Extract<MapPlace, { kind: 'data' }>): SectionHandle {
  return {
    name: section,
    type: /^\.bss(?:\.|$)/.test(section) ? 'nobits' : 'progbits',
    flags: readOnly ? ['alloc'] : ['alloc', 'write'],
    align: 8,
    bytes: map.initial ?? new Uint8Array(map.valueSize),
  };
}

/** Gives each function its section and place: .text first, a program's own functions in it once, however often it attaches. */
function placeFunctions(programs: readonly ObjectProgram[], names: SymbolNames): readonly PlacedFunction[] {
  const sizes = new Map<string, number>();
  const take = (section: string, { insns }: FunctionPart): number => {
    const start = sizes.get(section) ?? 0;
    sizes.set(section, start + insns.length);
    return start;
  };
  const text: PlacedFunction[] = [];
  const main: PlacedFunction[] = [];
  for (const { program, sections } of programs) {
    const [first, ...others] = splitFunctions(program);
    // The main programs' names are what users see and type: they come first.
    const copies = sections.map((section) => ({ section, name: names.take(program.name) }));
    const targets = [-1, ...others.map((part) => take(TEXT, part))];
    others.forEach((part, index) =>
      text.push({ part, name: names.take(part.name), section: TEXT, start: targets[index + 1]!, targets }),
    );
    for (const { section, name } of copies)
      main.push({ part: first!, name, section, start: take(section, first!), targets });
  }
  const rank = new Map([...sizes.keys()].map((section, index) => [section, index]));
  return [...text, ...main.sort((a, b) => rank.get(a.section)! - rank.get(b.section)!)];
}

/** The instructions as relocations find them: offsets stand in the immediates, and what the loader fills in is zero. */
function relocatable({ part, section, start, targets }: PlacedFunction, places: readonly MapPlace[]): readonly Insn[] {
  const insns = part.insns.slice();
  for (const { slot, map, offset } of part.maps) {
    const addend = places[map]!.kind === 'data' ? (offset ?? 0) : 0;
    insns[slot] = { ...insns[slot]!, src: 0, imm: addend };
    insns[slot + 1] = { ...insns[slot + 1]!, imm: 0 };
  }
  for (const { slot, to } of part.calls) {
    const insn = insns[slot]!;
    const target = targets[to]!;
    if (insn.code === LD_IMM64) insns[slot] = { ...insn, src: 0, imm: target * SLOT_BYTES };
    else insns[slot] = { ...insn, imm: section === TEXT ? target - (start + slot) - 1 : target - 1 };
  }
  return insns;
}
