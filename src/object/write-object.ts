import type { MapDefinition, Program } from '../abi/program-image.ts';
import { encodeInsns, SLOT_BYTES } from '../isa/codec.ts';
import { LD_IMM64 } from '../isa/decode.ts';
import type { Insn } from '../isa/instruction.ts';
import { CALLEE } from '../isa/opcodes.ts';
import { BadObject, badObject } from './bad-object.ts';
import { ElfWriter, type SectionHandle, type SymbolHandle } from './elf-writer.ts';
import type { KernelSymbol } from './kernel-symbols.ts';
import type { MapTypes } from './map-btf.ts';
import { type MapPlace, placeMaps } from './place-maps.ts';
import { type FindVariable, type FunctionPart, splitFunctions } from './split-functions.ts';
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
  /** Names the kernel's variables that programs name by their numbers. */
  readonly kernelVariable?: FindVariable;
}

export type WriteResult =
  { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly message: string };

/** Functions that only others call; libbpf looks for them here and nowhere else. */
const TEXT = '.text';
const LICENSE = 'license';

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

/** What goes into an object, named and placed. */
interface Plan {
  readonly functions: readonly PlacedFunction[];
  readonly maps: readonly PlannedMap[];
  readonly license: { readonly name: string; readonly bytes: Uint8Array };
}

interface PlannedMap {
  readonly map: MapDefinition;
  readonly name: string;
  readonly place: MapPlace;
  readonly types: MapTypes | undefined;
}

function write({ programs, maps, mapTypes, license, kernelVariable = () => undefined }: ObjectContents): Uint8Array {
  const names = new SymbolNames();
  const places = placeMaps(
    programs.map(({ program }) => program),
    maps,
  );
  const plan: Plan = {
    maps: maps.map((map, index) => ({
      map,
      name: names.take(map.name),
      place: places[index]!,
      types: mapTypes?.[index],
    })),
    license: { name: names.take('LICENSE'), bytes: new TextEncoder().encode(`${license}\0`) },
    functions: placeFunctions(programs, names, kernelVariable),
  };
  const { btf, btfExt, mapOffsets, mapSizes } = describe(plan);
  const elf = new ElfWriter();
  const code = addCode(elf, plan);
  const data = addData(elf, plan);
  const definitions = addDefinitions(elf, plan, mapOffsets, mapSizes);
  addLicense(elf, plan);
  const kernel = addKernelSymbols(elf, plan);
  elf.section({ name: '.BTF', type: 'progbits', flags: [], align: 4, bytes: btf });
  elf.section({ name: '.BTF.ext', type: 'progbits', flags: [], align: 4, bytes: btfExt });
  for (const row of plan.functions) {
    addFunction(elf, row, code, {
      ofMap: (map) => data[map] ?? definitions[map] ?? badObject(`no place for map ${map}`),
      ofKernel: (name) => kernel.get(name) ?? badObject(`no symbol for ${name}`),
    });
  }
  return elf.finish();
}

function describe(plan: Plan): ReturnType<typeof writeBtf> {
  const { functions, maps, license } = plan;
  return writeBtf({
    kernelSymbols: namedInKernel(plan),
    functions: functions.map(({ part, name, section, start }) => ({
      name,
      section,
      offset: start * SLOT_BYTES,
      isStatic: section === TEXT,
      lines: part.lines,
    })),
    maps: maps.filter(({ place }) => place.kind === 'definition'),
    data: maps.flatMap(({ map, name, place, types }) =>
      place.kind === 'data'
        ? [{ section: place.section, name, type: types?.value, size: map.valueSize, readOnly: place.readOnly }]
        : [],
    ),
    license: { section: LICENSE, name: license.name, size: license.bytes.length },
  });
}

/** The sections of code, by name. */
function addCode(elf: ElfWriter, { functions, maps }: Plan): ReadonlyMap<string, SectionHandle> {
  const places = maps.map(({ place }) => place);
  return new Map(
    [...new Set(functions.map((row) => row.section))].map((section) => {
      const insns = functions.filter((row) => row.section === section).flatMap((row) => relocatable(row, places));
      const bytes = encodeInsns(insns);
      return [section, elf.section({ name: section, type: 'progbits', flags: ['alloc', 'execute'], align: 8, bytes })];
    }),
  );
}

/** The sections of data, and for each map that is data the symbol that stands for its start. */
function addData(elf: ElfWriter, { maps }: Plan): readonly (SymbolHandle | undefined)[] {
  return maps.map(({ map, name, place }) => {
    if (place.kind === 'definition') return undefined;
    const section = elf.section(dataSection(map, place));
    elf.symbol({ name, binding: 'global', type: 'object', section, value: 0, size: map.valueSize });
    return elf.sectionSymbol(section);
  });
}

const WRITABLE = { type: 'progbits', flags: ['alloc', 'write'] } as const;

/** .maps, and for each map in it its symbol; offsets and sizes are those of the definitions, in their order. */
function addDefinitions(
  elf: ElfWriter,
  { maps }: Plan,
  offsets: readonly number[],
  sizes: readonly number[],
): readonly (SymbolHandle | undefined)[] {
  if (offsets.length === 0) return [];
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  const section = elf.section({ name: '.maps', ...WRITABLE, align: 8, bytes });
  let next = 0;
  return maps.map(({ name, place }) => {
    if (place.kind === 'data') return undefined;
    const at = next++;
    return elf.symbol({ name, binding: 'global', type: 'object', section, value: offsets[at]!, size: sizes[at]! });
  });
}

function addLicense(elf: ElfWriter, { license: { name, bytes } }: Plan): void {
  const section = elf.section({ name: LICENSE, ...WRITABLE, align: 1, bytes });
  elf.symbol({ name, binding: 'global', type: 'object', section, value: 0, size: bytes.length });
}

/** Each by name, once. */
const namedInKernel = ({ functions }: Plan): readonly KernelSymbol[] => [
  ...new Map(functions.flatMap(({ part }) => part.externs.map(({ to }) => [to.name, to] as const))).values(),
];

/** Symbols that no section defines: libbpf looks for them in the kernel's BTF. */
function addKernelSymbols(elf: ElfWriter, plan: Plan): ReadonlyMap<string, SymbolHandle> {
  return new Map(
    namedInKernel(plan).map(({ name }) => [
      name,
      elf.symbol({ name, binding: 'global', type: 'none', section: undefined, value: 0, size: 0 }),
    ]),
  );
}

interface Symbols {
  readonly ofMap: (map: number) => SymbolHandle;
  readonly ofKernel: (name: string) => SymbolHandle;
}

/** A function's symbol and relocations. */
function addFunction(
  elf: ElfWriter,
  { part, name, section: sectionName, start }: PlacedFunction,
  code: ReadonlyMap<string, SectionHandle>,
  symbols: Symbols,
): void {
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
  for (const { slot, map } of part.maps) elf.relocate(section, placeOf(slot), 'r_bpf_64_64', symbols.ofMap(map));
  for (const { slot, to } of part.externs) {
    const isAddress = part.insns[slot]!.code === LD_IMM64;
    elf.relocate(section, placeOf(slot), isAddress ? 'r_bpf_64_64' : 'r_bpf_64_32', symbols.ofKernel(to.name));
  }
  for (const { slot } of part.calls) {
    const isAddress = part.insns[slot]!.code === LD_IMM64;
    // Calls inside .text are distances already.
    if (sectionName === TEXT && !isAddress) continue;
    const symbol = elf.sectionSymbol(code.get(TEXT)!);
    elf.relocate(section, placeOf(slot), isAddress ? 'r_bpf_64_64' : 'r_bpf_64_32', symbol);
  }
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
function placeFunctions(
  programs: readonly ObjectProgram[],
  names: SymbolNames,
  kernelVariable: FindVariable,
): readonly PlacedFunction[] {
  const sizes = new Map<string, number>();
  const take = (section: string, { insns }: FunctionPart): number => {
    const start = sizes.get(section) ?? 0;
    sizes.set(section, start + insns.length);
    return start;
  };
  const text: PlacedFunction[] = [];
  const main: PlacedFunction[] = [];
  for (const { program, sections } of programs) {
    const [first, ...others] = splitFunctions(program, kernelVariable);
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
  // As clang leaves what another file defines.
  for (const { slot } of part.externs) {
    const insn = insns[slot]!;
    insns[slot] = insn.code === LD_IMM64 ? { ...insn, src: 0, imm: 0 } : { ...insn, src: CALLEE.subprogram, imm: -1 };
  }
  for (const { slot, to } of part.calls) {
    const insn = insns[slot]!;
    const target = targets[to]!;
    if (insn.code === LD_IMM64) insns[slot] = { ...insn, src: 0, imm: target * SLOT_BYTES };
    else insns[slot] = { ...insn, imm: section === TEXT ? target - (start + slot) - 1 : target - 1 };
  }
  return insns;
}
