import { HELPERS, type HelperRow, kernelFunctionNamed } from '../abi/helpers.ts';
import { helperName, isHelperNumber } from '../abi/known-helpers.ts';
import { isMapType, MAP_TYPES } from '../abi/map-types.ts';
import { PROGRAM_TYPES, type MapDefinition, type Program, type ProgramType } from '../abi/program-image.ts';
import type { AssemblyNames } from '../isa/assembly-forms.ts';
import { defaultSection, describeSection } from '../object/program-sections.ts';
import { impossibleMap } from '../runtime/maps/map-attributes.ts';
import { kernelTypes } from '../simkernel/kernel-types.ts';

/** A program that came as instructions, not as a script. */
export interface RawProgram {
  readonly program: Program;
  readonly maps: readonly MapDefinition[];
}

/** A program of a file, and where it stands or would stand in an object. */
export interface FileProgram extends RawProgram {
  /** As libbpf names it: `kprobe/vfs_read`. */
  readonly section: string;
  /** Why the verifier cannot judge it: its section is of no type that is known here, or a map cannot be created. */
  readonly problem?: string;
}

/** What a file of instructions holds, whatever its form. */
export interface RawFile {
  readonly programs: readonly FileProgram[];
  readonly maps: readonly MapDefinition[];
  readonly license: string;
  readonly warnings: readonly string[];
}

/** What the command line says of the programs of a file; it goes before what the file says. */
export interface RawOptions {
  readonly type?: ProgramType;
  readonly attach?: string;
  readonly maps: readonly MapDefinition[];
}

export const RAW_PROGRAM_TYPES = Object.keys(PROGRAM_TYPES) as ProgramType[];
/** Of programs that do not say what they are. */
export const DEFAULT_PROGRAM_TYPE: ProgramType = 'kprobe';
/** Of files that do not say it: most helpers of tracing ask for it. */
export const DEFAULT_LICENSE = 'GPL';

const MAP_FORM = 'NAME:TYPE:KEY SIZE:VALUE SIZE:ENTRIES[:FLAGS]';

/** `counts:hash:4:8:1024`: a map as the command line and `.map` lines write it; a string is the message of a mistake. */
export function parseMap(text: string): MapDefinition | string {
  const [name = '', type = '', ...numbers] = text.split(/[:\s]+/);
  if (numbers.length < 3 || numbers.length > 4) return `a map is written ${MAP_FORM}, not '${text}'`;
  if (!/^[A-Za-z_.][\w.]*$/.test(name)) return `'${name}' cannot be the name of a map`;
  if (!isMapType(type)) return `no map type '${type}'; there are ${Object.keys(MAP_TYPES).join(', ')}`;
  const wrong = numbers.find((number) => !/^(?:0x[0-9a-fA-F]+|\d+)$/.test(number) || Number(number) > 0xffff_ffff);
  if (wrong !== undefined) return `'${wrong}' is not a size: a map is written ${MAP_FORM}`;
  const [keySize, valueSize, maxEntries, flags = 0] = numbers.map(Number);
  return { name, type, keySize: keySize!, valueSize: valueSize!, maxEntries: maxEntries!, flags };
}

const MAX_HELPERS = 1024;
const HELPER_NUMBERS: ReadonlyMap<string, number> = new Map([
  ...Array.from({ length: MAX_HELPERS }, (_, id) => id)
    .filter(isHelperNumber)
    .map((id) => [helperName(id), id] as const),
  ...Object.entries<HelperRow>(HELPERS)
    .filter(([, row]) => row.kfunc === undefined)
    .map(([name, row]) => [`bpf_${name}`, row.id] as const),
]);
/** The helper of this name, which may lack its `bpf_`. */
const helperNumber = (name: string): number | undefined =>
  HELPER_NUMBERS.get(name.startsWith('bpf_') ? name : `bpf_${name}`);

/** What assembly text may name: helpers, and functions and variables of the machine's kernel. */
export const ASSEMBLY_NAMES: AssemblyNames = {
  helper: helperNumber,
  kernelFunction: (name) => kernelFunctionNamed(name)?.id,
  kernelVariable: (name) => kernelTypes().perCpuVariable(name)?.id,
};

/** Maps of the file and of the command line; the latter replace those of the same name. */
export function mergeMaps(own: readonly MapDefinition[], given: readonly MapDefinition[]): readonly MapDefinition[] {
  const names = new Set(given.map(({ name }) => name));
  return [...given, ...own.filter(({ name }) => !names.has(name))];
}

/** `fentry/vfs_read`, also written with a space or a colon. */
const sectionName = (attach: string): string => (attach.includes('/') ? attach : attach.replace(/[ :]/, '/'));

/**
 * A program with its type and attach point: the command line's, else the file's, else what its section says. libbpf's
 * section names are the words for both.
 */
export function describeProgram(
  code: Omit<Program, 'type' | 'attach'>,
  file: { readonly type?: ProgramType; readonly attach?: string },
  { type: givenType, attach: givenAttach, maps }: RawOptions,
): FileProgram {
  const attach = givenAttach ?? file.attach;
  const section = attach === undefined ? undefined : sectionName(attach);
  const described = section === undefined ? undefined : describeSection(section);
  const type = givenType ?? file.type ?? described?.type ?? DEFAULT_PROGRAM_TYPE;
  const target = type === described?.type ? described.attach : type === 'tracing' ? section : undefined;
  const program: Program = { ...code, type, ...(target === undefined ? {} : { attach: target }) };
  const isKnown =
    section === undefined || described !== undefined || givenType !== undefined || file.type !== undefined;
  const problem = isKnown ? impossibleMap(maps) : `no program type is known for '${section}': say one by --type`;
  return {
    program,
    maps,
    section: section ?? defaultSection(program),
    ...(problem === undefined ? {} : { problem }),
  };
}
