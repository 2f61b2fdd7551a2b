import { HELPERS } from '../abi/helpers.ts';
import { helperName, isHelperNumber } from '../abi/known-helpers.ts';
import { MAP_TYPES, type MapType } from '../abi/map-types.ts';
import { PROGRAM_TYPES, type MapDefinition, type Program, type ProgramType } from '../abi/program-image.ts';
import { assemble } from '../isa/assemble.ts';
import { decodeInsns, encodeInsns } from '../isa/codec.ts';
import { LD_IMM64 } from '../isa/decode.ts';
import { disassembleProgram } from '../isa/disassemble.ts';
import type { Insn } from '../isa/instruction.ts';
import { CALLEE, PSEUDO } from '../isa/opcodes.ts';

/** A program that came as instructions, not as a script. */
export interface RawProgram {
  readonly program: Program;
  readonly maps: readonly MapDefinition[];
}

/** A mistake in a file, with its 1-based line where it has one. */
export interface RawError {
  readonly line?: number;
  readonly message: string;
}

export type RawResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly errors: readonly RawError[] };

/** What the command line says of a program; the file's own `.type` and `.map` lines give way to it. */
export interface RawOptions {
  readonly type?: ProgramType;
  readonly attach?: string;
  readonly maps: readonly MapDefinition[];
}

export const RAW_PROGRAM_TYPES = Object.keys(PROGRAM_TYPES) as ProgramType[];
/** Of programs that do not say what they are. */
export const DEFAULT_PROGRAM_TYPE: ProgramType = 'kprobe';

const fail = (message: string, line?: number): { ok: false; errors: RawError[] } => ({
  ok: false,
  errors: [line === undefined ? { message } : { line, message }],
});

const MAP_FORM = 'NAME:TYPE:KEY SIZE:VALUE SIZE:ENTRIES[:FLAGS]';

/** `counts:hash:4:8:1024`: a map as the command line and `.map` lines write it; a string is the message of a mistake. */
export function parseMap(text: string): MapDefinition | string {
  const [name = '', type = '', ...numbers] = text.split(/[:\s]+/);
  if (numbers.length < 3 || numbers.length > 4) return `a map is written ${MAP_FORM}, not '${text}'`;
  if (!/^[A-Za-z_.][\w.]*$/.test(name)) return `'${name}' cannot be the name of a map`;
  if (!(type in MAP_TYPES)) return `no map type '${type}'; there are ${Object.keys(MAP_TYPES).join(', ')}`;
  const wrong = numbers.find((number) => !/^(?:0x[0-9a-fA-F]+|\d+)$/.test(number) || Number(number) > 0xffff_ffff);
  if (wrong !== undefined) return `'${wrong}' is not a size: a map is written ${MAP_FORM}`;
  const [keySize, valueSize, maxEntries, flags = 0] = numbers.map(Number);
  return { name, type: type as MapType, keySize: keySize!, valueSize: valueSize!, maxEntries: maxEntries!, flags };
}

const MAX_HELPERS = 1024;
const HELPER_NUMBERS: ReadonlyMap<string, number> = new Map([
  ...Array.from({ length: MAX_HELPERS }, (_, id) => id)
    .filter(isHelperNumber)
    .map((id) => [helperName(id), id] as const),
  ...Object.entries(HELPERS).map(([name, row]) => [`bpf_${name}`, row.id] as const),
]);
const helperNumber = (name: string): number | undefined =>
  HELPER_NUMBERS.get(name.startsWith('bpf_') ? name : `bpf_${name}`);

interface Header {
  /** The text with its directives blanked out, so that lines keep their numbers. */
  readonly text: string;
  readonly type?: ProgramType;
  readonly attach?: string;
  readonly maps: readonly MapDefinition[];
  readonly errors: readonly RawError[];
}

/** Takes `.type kprobe`, `.attach fentry/vfs_read` and `.map counts array 4 8 16` out of assembly text. */
function readDirectives(text: string): Header {
  let type: ProgramType | undefined;
  let attach: string | undefined;
  const maps: MapDefinition[] = [];
  const errors: RawError[] = [];
  const lines = text.split('\n').map((raw, index) => {
    const match = /^\s*\.(type|attach|map)\s+([^;]*?)\s*(?:;.*|\/\/.*)?$/.exec(raw);
    if (match === null) return raw;
    const line = index + 1;
    const argument = match[2]!;
    if (match[1] === 'attach') attach = argument;
    else if (match[1] === 'map') {
      const map = parseMap(argument);
      if (typeof map === 'string') errors.push({ line, message: map });
      else maps.push(map);
    } else {
      type = RAW_PROGRAM_TYPES.find((name) => name === argument);
      if (type === undefined)
        errors.push({ line, message: `no program type '${argument}'; there are ${RAW_PROGRAM_TYPES.join(', ')}` });
    }
    return '';
  });
  return {
    text: lines.join('\n'),
    maps,
    errors,
    ...(type === undefined ? {} : { type }),
    ...(attach === undefined ? {} : { attach }),
  };
}

/** Maps of the file and of the command line; the latter replace those of the same name. */
function mergeMaps(own: readonly MapDefinition[], given: readonly MapDefinition[]): readonly MapDefinition[] {
  const names = new Set(given.map(({ name }) => name));
  return [...given, ...own.filter(({ name }) => !names.has(name))];
}

/** The function records a compiler would leave in BTF: the main program and every function that is called or named. */
function functionRecords(insns: readonly Insn[], labels: ReadonlyMap<string, number>): Program['functions'] {
  const starts = new Set<number>();
  insns.forEach((insn, slot) => {
    const isCall = insn.code === 0x85 && insn.src === CALLEE.subprogram;
    const isReference = insn.code === LD_IMM64 && insn.src === PSEUDO.func;
    if (isCall || isReference) starts.add(slot + 1 + insn.imm);
  });
  if (starts.size === 0) return [];
  const names = new Map([...labels].map(([name, slot]) => [slot, name]));
  return [0, ...[...starts].filter((slot) => slot !== 0).sort((a, b) => a - b)].map((slot) => ({
    slot,
    name: names.get(slot) ?? (slot === 0 ? 'main' : `func_${slot}`),
  }));
}

interface Assembled {
  readonly insns: readonly Insn[];
  readonly labels: ReadonlyMap<string, number>;
  readonly relocations: Program['relocations'];
  readonly maps: readonly MapDefinition[];
  readonly header: Header;
}

function assembleText(text: string, given: readonly MapDefinition[], mustKnowMaps: boolean): RawResult<Assembled> {
  const header = readDirectives(text);
  const result = assemble(header.text, { helper: helperNumber });
  const errors = [...header.errors, ...(result.ok ? [] : result.errors)];
  if (!result.ok || errors.length > 0)
    return { ok: false, errors: errors.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
  const { insns, labels, mapReferences } = result.program;
  const maps = mergeMaps(header.maps, given);
  const names = maps.map(({ name }) => name);
  if (!mustKnowMaps) names.push(...new Set(mapReferences.map(({ map }) => map).filter((map) => !names.includes(map))));
  const relocations: Program['relocations'][number][] = [];
  for (const { slot, map, offset } of mapReferences) {
    const index = names.indexOf(map);
    if (index < 0) return fail(`instruction ${slot} names map '${map}': declare it by .map or --map ${map}:TYPE:...`);
    relocations.push({ slot, map: index, ...(offset === undefined ? {} : { offset }) });
  }
  return { ok: true, value: { insns, labels, relocations, maps, header } };
}

/** Text to slots. A map's number, its place among the `.map` lines, stands in the instruction that loads it. */
export function assembleFile(text: string): RawResult<readonly Insn[]> {
  const assembled = assembleText(text, [], false);
  if (!assembled.ok) return assembled;
  const insns = assembled.value.insns.slice();
  for (const { slot, map, offset } of assembled.value.relocations) {
    insns[slot] = { ...insns[slot]!, imm: map };
    if (offset !== undefined) insns[slot + 1] = { ...insns[slot + 1]!, imm: offset };
  }
  return { ok: true, value: insns };
}

/** The bytes of a program, as an ELF section holds them. */
export const encodeProgram = (insns: readonly Insn[]): Uint8Array => encodeInsns(insns);

/** One line of hex digits a slot. */
export function encodeHex(insns: readonly Insn[]): string {
  return insns.map((insn) => `${Buffer.from(encodeInsns([insn])).toString('hex')}\n`).join('');
}

/** Digits of a line in runs; undefined when something else stands there. No pattern spans a run: one may hold a whole program. */
function hexRuns(line: string): readonly string[] | undefined {
  const runs = line.split(/[\s,]+/).map((run) => (run.startsWith('0x') ? run.slice(2) : run));
  return runs.some((run) => run.length % 2 !== 0 || /[^0-9a-fA-F]/.test(run)) ? undefined : runs;
}
const stripComment = (line: string): string => line.replace(/(?:;|#|\/\/).*$/, '');

/** Bytes from hex digits in pairs, with any spaces, commas, `0x` and comments between. */
export function readHex(text: string): RawResult<Uint8Array> {
  const bytes: number[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = stripComment(raw);
    const runs = hexRuns(line);
    if (runs === undefined) {
      const what = !/[^0-9a-fA-F\sx,]/.test(line)
        ? 'an odd number of hex digits'
        : `'${line.trim()}', which is not hex`;
      return fail(`expected bytes as hex, got ${what}`, index + 1);
    }
    for (const run of runs) {
      for (let at = 0; at < run.length; at += 2) bytes.push(parseInt(run.slice(at, at + 2), 16));
    }
  }
  return { ok: true, value: Uint8Array.from(bytes) };
}

/** Control characters never stand in text, and opcodes and zero bytes always stand in programs. */
const isText = (bytes: Uint8Array): boolean =>
  bytes.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
const isHex = (text: string): boolean =>
  text.split('\n').every((line) => hexRuns(stripComment(line)) !== undefined) && /[0-9a-fA-F]/.test(text);

function toInsns(bytes: Uint8Array): RawResult<readonly Insn[]> {
  const insns = decodeInsns(bytes);
  if (insns === undefined) return fail(`${bytes.length} bytes are no program: an instruction has 8`);
  return { ok: true, value: insns };
}

/** Bytes or hex to text. */
export function disassembleFile(file: Uint8Array): RawResult<string> {
  const bytes = isText(file) ? readHex(new TextDecoder().decode(file)) : { ok: true as const, value: file };
  const insns = bytes.ok ? toInsns(bytes.value) : bytes;
  return insns.ok ? { ok: true, value: disassembleProgram(insns.value, { helper: helperName }) } : insns;
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

/** Reads a program for the verifier: bytes, hex or assembly text, whichever the file holds. */
export function readProgram(file: Uint8Array, name: string, options: RawOptions): RawResult<RawProgram> {
  const text = isText(file) ? new TextDecoder().decode(file) : undefined;
  let parts: Assembled;
  if (text !== undefined && !isHex(text)) {
    const assembled = assembleText(text, options.maps, true);
    if (!assembled.ok) return assembled;
    parts = assembled.value;
  } else {
    const bytes = text === undefined ? { ok: true as const, value: file } : readHex(text);
    const insns = bytes.ok ? toInsns(bytes.value) : bytes;
    if (!insns.ok) return insns;
    const header: Header = { text: '', maps: [], errors: [] };
    const relocations = numberedMaps(insns.value, options.maps);
    parts = { insns: insns.value, labels: new Map(), relocations, maps: options.maps, header };
  }
  const { insns, labels, relocations, maps, header } = parts;
  const attach = options.attach ?? header.attach;
  const program: Program = {
    name,
    type: options.type ?? header.type ?? DEFAULT_PROGRAM_TYPE,
    insns,
    relocations,
    functions: functionRecords(insns, labels),
    lines: [],
    ...(attach === undefined ? {} : { attach: attach.replace(/[ :]/, '/') }),
  };
  return { ok: true, value: { program, maps } };
}
