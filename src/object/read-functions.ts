import type { LineInfo, Relocation } from '../abi/program-image.ts';
import { decodeInsns, SLOT_BYTES } from '../isa/codec.ts';
import { LD_IMM64 } from '../isa/decode.ts';
import type { Insn } from '../isa/instruction.ts';
import { CALL_CODE, CALLEE, PSEUDO } from '../isa/opcodes.ts';
import { BadObject, badObject, demand } from './bad-object.ts';
import { FIRST_RESERVED_SECTION, NO_SECTION, RELOCATION_TYPES, SYMBOL_TYPES } from './elf-format.ts';
import { type ElfFile, type ElfRelocation, type ElfSection, isCode } from './elf-reader.ts';
import { kernelFunctionNamed } from './kernel-symbols.ts';
import type { MapIndex } from './read-maps.ts';

/** Where a function starts: the number of its section and a slot there. */
export interface FunctionPlace {
  readonly section: number;
  readonly start: number;
}

/** A function of an object; slots count from its start. */
export interface ObjectFunction {
  readonly name: string;
  readonly section: string;
  readonly place: FunctionPlace;
  readonly insns: readonly Insn[];
  readonly maps: readonly Relocation[];
  /** Calls and addresses of functions, by where those stand. */
  readonly calls: readonly { readonly slot: number; readonly place: FunctionPlace }[];
  readonly lines: readonly LineInfo[];
  /** What it refers to and nothing here has: programs that reach it cannot be judged, others of the object can. */
  readonly problem?: string;
}

/** What relocations name besides functions of the object. */
interface Names {
  readonly maps: MapIndex;
  /** Number in the kernel's BTF. */
  readonly kernelVariable: (name: string) => number | undefined;
}

/** As many instructions as the kernel takes (BPF_COMPLEXITY_LIMIT_INSNS), over all programs of an object together. */
export const MAX_INSNS = 1_000_000;

/** Splits the sections of code, patched first, at their function symbols and resolves what relocations name. */
export function readFunctions(
  elf: ElfFile,
  maps: MapIndex,
  lines: ReadonlyMap<string, readonly LineInfo[]>,
  patch: (section: string, insns: Insn[]) => void,
  kernelVariable: (name: string) => number | undefined,
): readonly ObjectFunction[] {
  const sections = elf.sections.filter(isCode);
  const slots = sections.reduce((sum, { size }) => sum + size / SLOT_BYTES, 0);
  demand(slots <= MAX_INSNS, `the object has ${slots} instructions, more than ${MAX_INSNS}`);
  return sections.flatMap((section) => {
    const insns =
      decodeInsns(section.bytes) ??
      badObject(`${section.name} has ${section.size} bytes, each instruction ${SLOT_BYTES}`);
    patch(section.name, insns);
    return functionsOf(elf, section, insns, { maps, kernelVariable }, lines.get(section.name) ?? []);
  });
}

function functionsOf(
  elf: ElfFile,
  section: ElfSection,
  insns: readonly Insn[],
  names: Names,
  lines: readonly LineInfo[],
): readonly ObjectFunction[] {
  const symbols = elf.symbols
    .filter((symbol) => symbol.section === section.index && symbol.type === SYMBOL_TYPES.function)
    .sort((a, b) => a.value - b.value);
  const relocations = new Cursor(
    [...elf.relocations(section.index)].sort((a, b) => a.offset - b.offset),
    byOffset,
  );
  const ownLines = new Cursor(lines, bySlot);
  let end = 0;
  return symbols.map(({ name, value, size }): ObjectFunction => {
    const fits = size > 0 && value % SLOT_BYTES === 0 && size % SLOT_BYTES === 0 && value + size <= section.size;
    demand(fits, `function ${name} (${size} bytes at ${value}) does not fit in ${section.name}`);
    demand(value >= end, `function ${name} overlaps another one in ${section.name}`);
    end = value + size;
    const start = value / SLOT_BYTES;
    const own = insns.slice(start, end / SLOT_BYTES);
    const resolved = new Resolver(section, start, own, elf.sections, names);
    const problem = problemOf(() => {
      for (const relocation of relocations.take(value, end)) resolved.relocate(relocation);
    });
    return {
      ...(problem === undefined ? resolved.finish() : { problem, insns: own, maps: [], calls: [] }),
      name,
      section: section.name,
      place: { section: section.index, start },
      lines: ownLines.take(start, end / SLOT_BYTES).map((line) => ({ ...line, slot: line.slot - start })),
    };
  });
}

/** What is wrong with a part of an object that others need not be. */
function problemOf(read: () => void): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (!(error instanceof BadObject)) throw error;
    return error.message;
  }
}

const byOffset = ({ offset }: ElfRelocation): number => offset;
const bySlot = ({ slot }: LineInfo): number => slot;

/** Hands out sorted rows range by range, so that many functions and many rows do not take their product of time. */
class Cursor<T> {
  readonly #rows: readonly T[];
  readonly #placeOf: (row: T) => number;
  #next = 0;

  constructor(rows: readonly T[], placeOf: (row: T) => number) {
    this.#rows = rows;
    this.#placeOf = placeOf;
  }

  /** The rows from `start` to before `end`; ranges must come in order. */
  take(start: number, end: number): readonly T[] {
    const rows = this.#rows;
    while (this.#next < rows.length && this.#placeOf(rows[this.#next]!) < start) this.#next++;
    const first = this.#next;
    while (this.#next < rows.length && this.#placeOf(rows[this.#next]!) < end) this.#next++;
    return rows.slice(first, this.#next);
  }
}

class Resolver {
  readonly #section: ElfSection;
  readonly #start: number;
  readonly #insns: Insn[];
  readonly #sections: readonly ElfSection[];
  readonly #maps: MapIndex;
  readonly #kernelVariable: Names['kernelVariable'];
  readonly #mapReferences: Relocation[] = [];
  readonly #calls = new Map<number, FunctionPlace>();

  constructor(section: ElfSection, start: number, insns: Insn[], sections: readonly ElfSection[], names: Names) {
    this.#section = section;
    this.#start = start;
    this.#insns = insns;
    this.#sections = sections;
    this.#maps = names.maps;
    this.#kernelVariable = names.kernelVariable;
  }

  relocate({ offset, type, symbol }: ElfRelocation): void {
    demand(offset % SLOT_BYTES === 0, `a relocation of ${this.#section.name} at ${offset} is inside an instruction`);
    const slot = offset / SLOT_BYTES - this.#start;
    const insn = this.#insns[slot]!;
    const where = `instruction ${this.#start + slot} of ${this.#section.name}`;
    const named = symbol.name === '' ? (this.#sections[symbol.section]?.name ?? 'a section') : symbol.name;
    const isCall = type === RELOCATION_TYPES.r_bpf_64_32 && insn.code === CALL_CODE;
    const inKernel = isCall && symbol.section === NO_SECTION ? kernelFunctionNamed(symbol.name) : undefined;
    if (inKernel !== undefined) {
      this.#insns[slot] = { ...insn, src: CALLEE.kfunc, imm: inKernel.id };
      return;
    }
    const isAddress = type === RELOCATION_TYPES.r_bpf_64_64 && insn.code === LD_IMM64;
    const variable = isAddress && symbol.section === NO_SECTION ? this.#kernelVariable(symbol.name) : undefined;
    if (variable !== undefined) {
      this.#insns[slot] = { ...insn, src: PSEUDO.btf_id, imm: variable };
      return;
    }
    const isDefined = symbol.section !== NO_SECTION && symbol.section < FIRST_RESERVED_SECTION;
    demand(isDefined, `${where} refers to '${named}', which the object does not define`);
    const target = this.#sections[symbol.section] ?? badObject(`${where} refers to a section that is not there`);
    if (isCall) {
      demand(isCode(target), `${where} calls '${named}', which is no function`);
      this.#call(slot, symbol.section, symbol.value / SLOT_BYTES + insn.imm + 1);
      return;
    }
    demand(isAddress && slot + 1 < this.#insns.length, `${where} cannot be relocated (type ${type})`);
    const place = symbol.value + insn.imm;
    if (isCode(target)) {
      this.#set(slot, PSEUDO.func, 0);
      this.#call(slot, symbol.section, place / SLOT_BYTES);
      return;
    }
    const data = this.#maps.data.get(symbol.section);
    if (data !== undefined) {
      demand(place >= 0 && place <= target.size, `${where} refers to byte ${place} of ${target.name}`);
      this.#set(slot, PSEUDO.map_value, 0);
      this.#mapReferences.push({ slot, map: data, offset: place });
      return;
    }
    const map = this.#maps.definitions.get(symbol.section)?.get(place);
    if (map === undefined) badObject(`${where} refers to '${named}', which is neither a map, data nor a function`);
    if (typeof map === 'string') badObject(map);
    this.#set(slot, PSEUDO.map_fd, 0);
    this.#mapReferences.push({ slot, map });
  }

  finish(): Pick<ObjectFunction, 'insns' | 'maps' | 'calls'> {
    this.#insns.forEach((insn, slot) => {
      if (insn.code === CALL_CODE && insn.src === CALLEE.subprogram && !this.#calls.has(slot))
        this.#call(slot, this.#section.index, this.#start + slot + 1 + insn.imm);
    });
    return {
      insns: this.#insns,
      maps: this.#mapReferences.sort((a, b) => a.slot - b.slot),
      calls: [...this.#calls].map(([slot, place]) => ({ slot, place })).sort((a, b) => a.slot - b.slot),
    };
  }

  #call(slot: number, section: number, start: number): void {
    this.#calls.set(slot, { section, start });
  }

  #set(slot: number, src: number, imm: number): void {
    this.#insns[slot] = { ...this.#insns[slot]!, src, imm };
    this.#insns[slot + 1] = { ...this.#insns[slot + 1]!, imm: 0 };
  }
}
