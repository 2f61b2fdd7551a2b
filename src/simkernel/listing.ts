import type { Architecture } from './arch/architecture.ts';
import { textSymbol, textSymbols, VMLINUX } from './execution/text.ts';
import { NAMED_ONLY } from './generated/kprobe-blacklist.ts';
import { isKernelFunction, kernelTypes, unreachedFunctionNames } from './kernel-types.ts';
import type { FunctionProtoType, TypeSet } from '../btf/types.ts';
import { fileOffsetOf, layoutOf } from './programs/image-layout.ts';
import { BASIC_COMMANDS } from './programs/images/basic-commands.ts';
import type { Image } from './programs/image.ts';
import { LIBC } from './programs/libc.ts';
import { LIBRARIES } from './programs/libraries.ts';
import type { Machine } from './machine.ts';
import type { ScenarioSpec } from './scenarios/scenario.ts';

interface ListedFunction {
  readonly name: string;
  readonly module: string;
}
type ListedFunctions = readonly ListedFunction[];
const known = new Map<Architecture, ReadonlyMap<string, ListedFunction>>();
const functions = new Map<Architecture, ListedFunctions>();

let named: ReadonlySet<string> | undefined;
/** What BTF tells of contexts of iterators and of tracepoints in code without ftrace; neither is a place to probe. */
const isNamedOnly = (name: string): boolean => (named ??= new Set(NAMED_ONLY.split('\n'))).has(name);

/** Functions that the machine runs, and their neighbours in a real kernel. */
function knownByName(arch: Architecture): ReadonlyMap<string, ListedFunction> {
  return remembered(known, arch, () => {
    const modules = new Map<string, string>();
    for (const name of kernelTypes().names('function')) if (!isNamedOnly(name)) modules.set(name, VMLINUX);
    for (const symbol of textSymbols()) {
      if (symbol.traceable) modules.set(symbol.name, symbol.module);
      else modules.delete(symbol.name);
    }
    const functions = [...modules].flatMap(([name, module]) => listed(arch, name, module));
    return new Map(functions.map((each) => [each.name, each]));
  });
}

/** Every function that may be traced, sorted: those that the machine runs and all others of a real kernel. */
export function traceableFunctions(arch: Architecture): ListedFunctions {
  return remembered(functions, arch, () => {
    const all = new Map(knownByName(arch));
    for (const declared of unreachedFunctionNames()) {
      if (textSymbol(declared) !== undefined) continue;
      for (const other of listed(arch, declared, VMLINUX)) if (!all.has(other.name)) all.set(other.name, other);
    }
    // Without a comparison of our own, which tens of thousands of names would call half a million times.
    return [...all.keys()].sort().map((name) => all.get(name)!);
  });
}

/** The one of this name, without a look at the tens of thousands that the machine never calls where it is one of its own. */
export function traceableFunction(arch: Architecture, name: string): ListedFunction | undefined {
  const own = knownByName(arch).get(name);
  if (own !== undefined) return own;
  const declared = arch.declaredName(name);
  const isOther = textSymbol(declared) === undefined && !isNamedOnly(declared) && isKernelFunction(declared);
  return isOther ? listed(arch, declared, VMLINUX)[0] : undefined;
}

function listed(arch: Architecture, declared: string, module: string): ListedFunctions {
  const name = arch.ownName(declared);
  return name === undefined ? [] : [{ name, module }];
}

function remembered<T>(all: Map<Architecture, T>, arch: Architecture, make: () => T): T {
  let made = all.get(arch);
  if (made === undefined) all.set(arch, (made = make()));
  return made;
}

/** A function, static probe or type of a file, with addresses as its symbol table has them. */
export interface UserFile {
  readonly path: string;
  readonly symbols: readonly { readonly name: string; readonly address: number; readonly size: number }[];
  /** Where the file has what is at an address. */
  readonly fileOffset: (address: number) => number;
  readonly usdt: readonly {
    readonly provider: string;
    readonly name: string;
    readonly address: number;
    readonly semaphore: number;
    readonly operands: string;
  }[];
  readonly variables: readonly { readonly name: string; readonly address: number; readonly size: number }[];
  /** Of its debugging information; absent without. */
  readonly types?: TypeSet | undefined;
  readonly prototype: (name: string) => FunctionProtoType | undefined;
  readonly isInstruction: (address: number) => boolean;
  readonly lineAddress?: (file: string, line: number, column: number) => number | string;
}

/** What an executable or library of a scenario says about itself; undefined when it has no such file. */
export function userFile(scenario: ScenarioSpec, path: string, arch: Architecture): UserFile | undefined {
  const image = imageAt(scenario, path);
  if (image === undefined) return undefined;
  const layout = layoutOf(image);
  const { linkAddress, debug } = layout;
  const placed = ({ name, offset, size }: { name: string; offset: number; size: number }) => ({
    name,
    address: offset + linkAddress,
    size,
  });
  return {
    path: image.path,
    symbols: layout.functions.map(placed),
    fileOffset: (address) => fileOffsetOf(layout, address - linkAddress),
    usdt: layout.usdt.map(({ probe: { provider, name, operands }, offset, semaphore }) => ({
      provider,
      name,
      address: offset + linkAddress,
      semaphore: semaphore === 0 ? 0 : semaphore + linkAddress,
      // Files from outside say it in their own way.
      operands: image.layout === undefined ? arch.userCode.operands(operands) : operands,
    })),
    variables: layout.variables.map(placed),
    get types() {
      return debug?.types;
    },
    prototype: (name) => debug?.prototype(name),
    isInstruction: (address) => layout.text(arch).boundaries[address - linkAddress] === 1,
    ...(debug?.lineAddress === undefined ? {} : { lineAddress: debug.lineAddress }),
  };
}

/** Paths of a scenario's executables and libraries. */
export function userFiles(scenario: ScenarioSpec): readonly string[] {
  return [...new Set(images(scenario).map((image) => image.path))].sort();
}

/** Files that a process of the scenario has mapped. */
export function processFiles(scenario: ScenarioSpec, pid: number): readonly string[] | undefined {
  const process = scenario.processes.find((candidate) => candidate.pid === pid);
  if (process === undefined) return undefined;
  return [process.image, LIBC, ...(process.image.libraries ?? [])].map(({ path }) => path);
}

/** Files that a running process has mapped. */
export function mappedFiles(m: Machine, pid: number): readonly string[] | undefined {
  const mappings = m.tasks.get(pid)?.process?.mm.mappings;
  return mappings && [...new Set(mappings.flatMap(({ image }) => (image === null ? [] : [image.path])))];
}

export function imageAt(scenario: ScenarioSpec, path: string): Image | undefined {
  const wanted = realPath(path);
  const own = images(scenario).find((candidate) => candidate.path === path || realPath(candidate.path) === wanted);
  return own ?? scenario.outsideImage?.(path);
}

function images(scenario: ScenarioSpec): readonly Image[] {
  const programs = [...scenario.images, ...scenario.processes.map((process) => process.image), ...BASIC_COMMANDS];
  return [LIBC, ...LIBRARIES, ...programs, ...programs.flatMap((image) => image.libraries ?? [])];
}

/** /bin, /sbin and /lib are links to their namesakes in /usr; a path may begin with the folder that one is in. */
function realPath(path: string): string {
  if (path.startsWith('./')) return realPath(path.slice(2));
  return /^\/(s?bin|lib(64)?)\//.test(path) ? `/usr${path}` : path;
}
