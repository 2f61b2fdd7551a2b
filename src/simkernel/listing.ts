import type { Architecture } from './arch/architecture.ts';
import { textSymbols } from './execution/text.ts';
import { kernelTypes } from './kernel-types.ts';
import type { FunctionProtoType, TypeSet } from '../btf/types.ts';
import { fileOffsetOf, layoutOf } from './programs/image-layout.ts';
import { BASIC_COMMANDS } from './programs/images/basic-commands.ts';
import type { Image } from './programs/image.ts';
import { LIBC } from './programs/libc.ts';
import { LIBRARIES } from './programs/libraries.ts';
import type { Machine } from './machine.ts';
import type { ScenarioSpec } from './scenarios/scenario.ts';

type ListedFunctions = readonly { readonly name: string; readonly module: string }[];
const functions = new Map<Architecture, ListedFunctions>();

/** What BTF has of raw tracepoints and of the contexts of iterators; neither is a place in the text. */
const NAMED_ONLY = /^(__probestub|bpf_iter)_/;

/** Every function that may be probed, sorted: those that the machine runs and those that it only knows by name. */
export function traceableFunctions(arch: Architecture): ListedFunctions {
  let listed = functions.get(arch);
  if (listed === undefined) {
    const modules = new Map<string, string>();
    for (const name of kernelTypes().names('function')) if (!NAMED_ONLY.test(name)) modules.set(name, 'vmlinux');
    for (const symbol of textSymbols()) {
      if (symbol.traceable) modules.set(symbol.name, symbol.module);
      else modules.delete(symbol.name);
    }
    listed = [...modules]
      .flatMap(([declared, module]) => {
        const name = arch.ownName(declared);
        return name === undefined ? [] : [{ name, module }];
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    functions.set(arch, listed);
  }
  return listed;
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
