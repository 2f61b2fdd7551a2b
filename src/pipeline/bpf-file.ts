import { helperName } from '../abi/known-helpers.ts';
import type { MapDefinition, Program } from '../abi/program-image.ts';
import { decodeInsns, encodeInsns } from '../isa/codec.ts';
import { LD_IMM64 } from '../isa/decode.ts';
import { disassembleProgram } from '../isa/disassemble.ts';
import type { TypeSet } from '../btf/types.ts';
import type { Insn } from '../isa/instruction.ts';
import { PSEUDO } from '../isa/opcodes.ts';
import { isElf } from '../object/elf-reader.ts';
import { readObject } from '../object/read-object.ts';
import { writeObject } from '../object/write-object.ts';
import { kernelTypes } from '../simkernel/kernel-types.ts';
import { encodeHex, isHex, isText, readHex } from './bpf-hex.ts';
import {
  DEFAULT_LICENSE,
  describeProgram,
  type FileProgram,
  mergeMaps,
  type RawFile,
  type RawOptions,
} from './bpf-program.ts';
import { printFile, readText } from './bpf-text.ts';
import { fail, type RawResult } from './raw-result.ts';

/** Forms in which a program may be written. */
export const BINARY_FORMATS = ['elf', 'raw', 'hex'] as const;
export type BinaryFormat = (typeof BINARY_FORMATS)[number];

/** Where a file came from, for names and lines. */
export interface FileName {
  /** Of a program that has no name. */
  readonly program: string;
  readonly path: string;
}

/** Assembly text to an object, bytes or hex. */
export function assembleFile(text: string, name: FileName, format: BinaryFormat): RawResult<Uint8Array | string> {
  const read = readText(text, { name: name.program, file: name.path, maps: [], mustKnowMaps: format === 'elf' });
  if (!read.ok) return read;
  if (format === 'elf') return encodeElf(read.value);
  const [first, ...others] = read.value.programs;
  if (first === undefined || others.length > 0)
    return fail(
      `${read.value.programs.length} programs do not fit in bytes: write an object, by -o FILE.o or --format elf`,
    );
  const insns = numberMaps(first.program);
  return { ok: true, value: format === 'raw' ? encodeInsns(insns) : encodeHex(insns) };
}

function encodeElf({ programs, maps, license }: RawFile): RawResult<Uint8Array> {
  const written = writeObject({
    programs: programs.map(({ program, section }) => ({ program, sections: [section] })),
    maps,
    license,
    kernelVariable: (id) => kernelTypes().perCpuVariable(id),
  });
  return written.ok ? { ok: true, value: written.bytes } : fail(written.message);
}

/** Bytes have no names: a map's number, its place among the `.map` lines, stands in the instruction that loads it. */
function numberMaps({ insns, relocations }: Program): readonly Insn[] {
  const numbered = insns.slice();
  for (const { slot, map, offset } of relocations) {
    numbered[slot] = { ...numbered[slot]!, imm: map };
    if (offset !== undefined) numbered[slot + 1] = { ...numbered[slot + 1]!, imm: offset };
  }
  return numbered;
}

/** An object, bytes or hex to text. */
export function disassembleFile(file: Uint8Array, programName: string | undefined): RawResult<string> {
  if (isElf(file)) {
    const read = readElfFile(file, { maps: [] }, undefined);
    const chosen = read.ok ? chooseProgram(read.value, programName) : read;
    return chosen.ok ? { ok: true, value: printFile(chosen.value) } : chosen;
  }
  const insns = readBytes(file);
  if (insns.ok) return { ok: true, value: disassembleProgram(insns.value, { helper: helperName }) };
  const text = new TextDecoder().decode(file);
  const isAssembly = readText(text, { name: 'main', file: '', maps: [], mustKnowMaps: false }).ok;
  return isAssembly ? fail("this is assembly text already; 'bpf asm' makes bytes of it") : insns;
}

/** Leaves the program of that name. */
export function chooseProgram(file: RawFile, name: string | undefined): RawResult<RawFile> {
  if (name === undefined) return { ok: true, value: file };
  const programs = file.programs.filter(({ program }) => program.name === name);
  if (programs.length > 0) return { ok: true, value: { ...file, programs } };
  return fail(`there is no program '${name}'; there are ${programNames(file.programs)}`);
}

/** What the programs of a file are called, for messages. */
export const programNames = (programs: readonly FileProgram[]): string =>
  programs.map(({ program }) => program.name).join(', ');

/** Bytes, as they are or as hex. */
function readBytes(file: Uint8Array): RawResult<readonly Insn[]> {
  const bytes = isText(file) ? readHex(new TextDecoder().decode(file)) : { ok: true as const, value: file };
  if (!bytes.ok) return bytes;
  const insns = decodeInsns(bytes.value);
  if (insns === undefined) return fail(`${bytes.value.length} bytes are no program: an instruction has 8`);
  return { ok: true, value: insns };
}

/** Which map the slots of a program without assembly text load: the number that stands in them. */
function numberedMaps(insns: readonly Insn[], maps: readonly MapDefinition[]): Program['relocations'] {
  return insns.flatMap((insn, slot) => {
    if (insn.code !== LD_IMM64 || insn.imm < 0 || insn.imm >= maps.length) return [];
    if (insn.src === PSEUDO.map_fd) return [{ slot, map: insn.imm }];
    if (insn.src === PSEUDO.map_value) return [{ slot, map: insn.imm, offset: insns[slot + 1]?.imm ?? 0 }];
    return [];
  });
}

function readElfFile(file: Uint8Array, options: RawOptions, kernel: TypeSet | undefined): RawResult<RawFile> {
  const read = readObject(file, kernel);
  if (!read.ok) return fail(read.message);
  const { programs, license, coreRelocations } = read.object;
  // Relocations count an object's own maps, so those of the command line may replace but not move them.
  const given = new Map(options.maps.map((map) => [map.name, map]));
  const maps = read.object.maps.map((map) => given.get(map.name) ?? map);
  if (programs.length === 0) return fail('the object holds no program');
  const { count, missing } = coreRelocations;
  const warnings =
    missing === 0
      ? []
      : [
          `${missing} of ${count} CO-RE relocations name what the machine's kernel lacks: that code must not be reached`,
        ];
  return {
    ok: true,
    value: {
      programs: programs.map(({ section, problem, ...code }) => ({
        ...describeProgram(code, { attach: section }, { ...options, maps }),
        ...(problem === undefined ? {} : { problem }),
      })),
      maps,
      license: license ?? DEFAULT_LICENSE,
      warnings,
    },
  };
}

/** Reads programs for the verifier: an object, bytes, hex or assembly text, whichever the file holds. */
export function readPrograms(file: Uint8Array, name: FileName, options: RawOptions): RawResult<RawFile> {
  if (isElf(file)) return readElfFile(file, options, kernelTypes());
  const text = isText(file) ? new TextDecoder().decode(file) : undefined;
  if (text !== undefined && !isHex(text))
    return readText(text, { ...options, name: name.program, file: name.path, mustKnowMaps: true });
  const insns = readBytes(file);
  if (!insns.ok) return insns;
  const maps = mergeMaps([], options.maps);
  const relocations = numberedMaps(insns.value, maps);
  const code = { name: name.program, insns: insns.value, relocations, functions: [], lines: [] };
  return {
    ok: true,
    value: {
      programs: [describeProgram(code, {}, { ...options, maps })],
      maps,
      license: DEFAULT_LICENSE,
      warnings: [],
    },
  };
}
