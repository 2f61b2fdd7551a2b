import { helperName } from '../abi/known-helpers.ts';
import type { MapDefinition, Program, ProgramType } from '../abi/program-image.ts';
import { assemble, type AssembledProgram, linesOf, stripComment } from '../isa/assemble.ts';
import { isWide, LD_IMM64 } from '../isa/decode.ts';
import { disassemble, hexByte } from '../isa/disassemble.ts';
import type { Insn } from '../isa/instruction.ts';
import { CALL_CODE, CALLEE, PSEUDO } from '../isa/opcodes.ts';
import { MAX_DATA } from '../object/read-maps.ts';
import { readHex } from './bpf-hex.ts';
import {
  ASSEMBLY_NAMES,
  DEFAULT_LICENSE,
  describeProgram,
  type FileProgram,
  mergeMaps,
  parseMap,
  RAW_PROGRAM_TYPES,
  type RawFile,
  type RawOptions,
} from './bpf-program.ts';
import { fail, type RawError, type RawResult } from './raw-result.ts';

/** One program of a text; where directives stand, lines has holes. */
interface Part {
  readonly name: string;
  type?: ProgramType;
  attach?: string;
  /** How many lines of the text stand in front of it. */
  readonly before: number;
  readonly lines: string[];
}

/** A text with its directives taken out. */
interface Outline {
  readonly parts: readonly Part[];
  readonly maps: readonly MapDefinition[];
  readonly license: string;
  readonly errors: readonly RawError[];
}

class OutlineReader {
  readonly #maps: MapDefinition[] = [];
  readonly #errors: RawError[] = [];
  readonly #parts: Part[];
  /** By a map's name: its only value, of which `.data` lines have given the first bytes. */
  readonly #data = new Map<string, { readonly value: Uint8Array; given: number }>();
  #license = DEFAULT_LICENSE;

  constructor(name: string) {
    this.#parts = [{ name, before: 0, lines: [] }];
  }

  read(lines: readonly string[]): Outline {
    lines.forEach((raw, index) => {
      const [, name = '', rest = ''] = /^\s*\.([a-z]+)\s([^]*)$/.exec(raw) ?? [];
      if (!Object.hasOwn(this.#directives, name)) {
        const part = this.#parts.at(-1)!;
        part.lines[index - part.before] = raw;
        return;
      }
      const message = this.#directives[name]!(argumentOf(rest), index);
      if (message !== undefined) this.#errors.push({ line: index + 1, message, text: raw });
    });
    const parts = this.#parts.filter((part) => this.#parts.length === 1 || this.#isProgram(part));
    const maps = this.#maps.map((map) => {
      const data = this.#data.get(map.name);
      return data === undefined ? map : { ...map, initial: data.value };
    });
    return { parts, maps, license: this.#license, errors: this.#errors };
  }

  /** What stands in front of the first `.program` is a program only if it has instructions. */
  #isProgram(part: Part): boolean {
    return part !== this.#parts[0] || hasCode(part.lines);
  }

  /** By name: what a directive does with its argument; a string is the message of a mistake. */
  readonly #directives: Readonly<Record<string, (argument: string, index: number) => string | undefined>> = {
    program: (name, index) => {
      if (!/^[A-Za-z_][\w.-]*$/.test(name)) return `'${name}' cannot be the name of a program`;
      if (this.#parts.some((part) => part.name === name && this.#isProgram(part)))
        return `there are two programs '${name}'`;
      this.#parts.push({ name, before: index, lines: [] });
      return undefined;
    },
    type: (argument) => {
      const type = RAW_PROGRAM_TYPES.find((name) => name === argument);
      if (type === undefined) return `no program type '${argument}'; there are ${RAW_PROGRAM_TYPES.join(', ')}`;
      this.#parts.at(-1)!.type = type;
      return undefined;
    },
    attach: (argument) => {
      this.#parts.at(-1)!.attach = argument;
      return undefined;
    },
    license: (argument) => {
      this.#license = argument;
      return undefined;
    },
    map: (argument) => {
      const map = parseMap(argument);
      if (typeof map === 'string') return map;
      if (this.#maps.some(({ name }) => name === map.name)) return `there are two maps '${map.name}'`;
      this.#maps.push(map);
      return undefined;
    },
    data: (argument) => this.#addData(argument),
  };

  /** `.data rodata 68690a00`: the next bytes of a map's only value. */
  #addData(argument: string): string | undefined {
    const [name = '', ...digits] = argument.split(/\s+/);
    const map = this.#maps.find((candidate) => candidate.name === name);
    if (map === undefined) return `data for map '${name}', which no .map line in front declares`;
    const more = readHex(digits.join(' '));
    if (!more.ok) return more.errors[0]!.message;
    const data = this.#data.get(name) ?? this.#startData(map);
    if (data === undefined) return `map '${name}': the data of all maps is more than ${MAX_DATA} bytes`;
    if (data.given + more.value.length > map.valueSize)
      return `map '${name}' has a value of ${map.valueSize} bytes, not more`;
    data.value.set(more.value, data.given);
    data.given += more.value.length;
    return undefined;
  }

  /** A value of zeroes; undefined where those of all maps are too many. */
  #startData({ name, valueSize }: MapDefinition): { readonly value: Uint8Array; given: number } | undefined {
    const others = [...this.#data.values()].reduce((sum, { value }) => sum + value.length, 0);
    if (others + valueSize > MAX_DATA) return undefined;
    const data = { value: new Uint8Array(valueSize), given: 0 };
    this.#data.set(name, data);
    return data;
  }
}

/** What stands behind a directive; `//` begins a comment only behind a blank, since paths hold it too. */
function argumentOf(rest: string): string {
  const at = rest.search(/;|\s\/\//);
  return (at < 0 ? rest : rest.slice(0, at)).trim();
}

const hasCode = (lines: readonly string[]): boolean => lines.some((line) => stripComment(line).trim() !== '');

/** The function records a compiler would leave in BTF: the main program and every function that is called or named. */
function functionRecords(
  name: string,
  insns: readonly Insn[],
  labels: ReadonlyMap<string, number>,
): Program['functions'] {
  const starts = new Set<number>();
  insns.forEach((insn, slot) => {
    const isCall = insn.code === CALL_CODE && insn.src === CALLEE.subprogram;
    const isReference = insn.code === LD_IMM64 && insn.src === PSEUDO.func;
    if (isCall || isReference) starts.add(slot + 1 + insn.imm);
  });
  if (starts.size === 0) return [];
  const names = new Map([...labels].map(([label, slot]) => [slot, label]));
  const others = [...starts].filter((slot) => slot !== 0).sort((a, b) => a - b);
  return [{ slot: 0, name }, ...others.map((slot) => ({ slot, name: names.get(slot) ?? `func_${slot}` }))];
}

/** What a text is taken for. */
export interface TextOptions extends RawOptions {
  /** Of the program that no `.program` line names. */
  readonly name: string;
  /** What error messages of the kernel and line information call it. */
  readonly file: string;
  /** Without it, maps that are only used are numbered behind those that are declared. */
  readonly mustKnowMaps: boolean;
}

/** Programs from assembly text. */
export function readText(text: string, options: TextOptions): RawResult<RawFile> {
  const source = linesOf(text);
  const outline = new OutlineReader(options.name).read(source);
  const maps = mergeMaps(outline.maps, options.maps);
  const names = maps.map(({ name }) => name);
  const errors: RawError[] = [...outline.errors];
  const programs: FileProgram[] = [];
  for (const part of outline.parts) {
    const read = readPart(part, source, names, { ...options, maps });
    if (read.ok) programs.push(read.value);
    else errors.push(...read.errors);
  }
  if (errors.length > 0) return { ok: false, errors: errors.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
  return { ok: true, value: { programs, maps, license: outline.license, warnings: [] } };
}

function readPart(part: Part, source: readonly string[], maps: string[], options: TextOptions): RawResult<FileProgram> {
  const { name } = part;
  const assembled = assemble(Array.from(part.lines, (line) => line ?? '').join('\n'), ASSEMBLY_NAMES);
  if (!assembled.ok) {
    const errors = assembled.errors.map((error) => {
      const line = error.line + part.before;
      return { ...error, line, text: source[line - 1]! };
    });
    return { ok: false, errors };
  }
  const relocations = relocationsOf(assembled.program, maps, options.mustKnowMaps);
  if (!relocations.ok) return relocations;
  const { insns, labels } = assembled.program;
  const lines = assembled.program.lines.map(({ slot, line: own }) => {
    const line = own + part.before;
    // With its comment: a verifier's log that quotes the line then says what the author knew.
    const text = source[line - 1]!.trim().replace(/\s+/g, ' ');
    return { slot, sourceName: options.file, line, column: 1, text, start: 0, end: 0 };
  });
  const functions = functionRecords(name, insns, labels);
  return {
    ok: true,
    value: describeProgram({ name, insns, relocations: relocations.value, functions, lines }, part, options),
  };
}

function relocationsOf(
  { mapReferences }: AssembledProgram,
  names: string[],
  mustKnowMaps: boolean,
): RawResult<Program['relocations']> {
  const relocations: Program['relocations'][number][] = [];
  for (const { slot, map, offset } of mapReferences) {
    if (!names.includes(map)) {
      if (mustKnowMaps)
        return fail(`instruction ${slot} names map '${map}': declare it by .map or --map ${map}:TYPE:...`);
      names.push(map);
    }
    relocations.push({ slot, map: names.indexOf(map), ...(offset === undefined ? {} : { offset }) });
  }
  return { ok: true, value: relocations };
}

/** Bytes of data on one line of text. */
const DATA_BYTES = 32;

/** A file as text that `readText` reads: directives, and the instructions of each program with their source lines. */
export function printFile({ programs, maps, license }: RawFile): string {
  const declared = maps.flatMap(
    ({ name, type, keySize, valueSize, maxEntries, flags, initial = new Uint8Array(0) }) => [
      `.map ${name} ${type} ${keySize} ${valueSize} ${maxEntries}${flags === 0 ? '' : ` 0x${flags.toString(16)}`}`,
      ...Array.from({ length: Math.ceil(initial.length / DATA_BYTES) }, (_, row) => {
        const bytes = initial.subarray(row * DATA_BYTES, (row + 1) * DATA_BYTES);
        return `.data ${name} ${Buffer.from(bytes).toString('hex')}`;
      }),
    ],
  );
  const head = [`.license ${license}`, ...declared].map((line) => `${line}\n`).join('');
  return [head, ...programs.map(printProgram)].join('\n');
}

function printProgram({ program, maps, section }: FileProgram): string {
  const { name, insns } = program;
  const relocations = new Map(program.relocations.map((row) => [row.slot, row]));
  const functions = new Map(program.functions.map((row) => [row.slot, row.name]));
  const lines = new Map(program.lines.map((row) => [row.slot, row]));
  const out = [`.program ${name}`, `.attach ${section}`];
  let shown = '';
  for (let slot = 0; slot < insns.length; slot++) {
    const insn = insns[slot]!;
    const label = functions.get(slot);
    if (label !== undefined && slot > 0) out.push(`${label.replace(/[^\w.]/g, '_')}:`);
    const line = lines.get(slot);
    // Compilers give line 0 to what is from no line.
    if (line !== undefined && line.line > 0) {
      const text = `; ${line.sourceName}:${line.line}: ${line.text}`;
      if (text !== shown) out.push(text);
      shown = text;
    }
    const relocation = relocations.get(slot);
    const map = relocation === undefined ? undefined : `map[${maps[relocation.map]!.name}]`;
    const offset = relocation?.offset === undefined ? '' : `+${relocation.offset}`;
    const words = disassemble(insn, insns[slot + 1], {
      helper: helperName,
      ...(map === undefined ? {} : { immediate64: () => `${map}${offset}` }),
    });
    const isCall = insn.code === CALL_CODE && insn.src === CALLEE.subprogram;
    const callee = isCall ? functions.get(slot + 1 + insn.imm) : undefined;
    out.push(
      `${String(slot).padStart(8)}: (${hexByte(insn.code)}) ${words}${callee === undefined ? '' : `  ; ${callee}`}`,
    );
    if (isWide(insn)) slot++;
  }
  return out.map((line) => `${line}\n`).join('');
}
