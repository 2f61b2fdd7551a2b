import { textSymbols } from './execution/text.ts';
import { kernelTypes } from './kernel-types.ts';
import { imageSymbolOffset, FUNCTION_BYTES } from './programs/image.ts';
import type { Image } from './programs/image.ts';
import { LIBC } from './programs/libc.ts';
import { LIBRARIES } from './programs/libraries.ts';
import type { ScenarioSpec } from './scenarios/scenario.ts';

let functions: readonly { readonly name: string; readonly module: string }[] | undefined;

/** Every function that may be probed, sorted: those that the machine runs and those that it only knows by name. */
export function traceableFunctions(): readonly { readonly name: string; readonly module: string }[] {
  if (functions === undefined) {
    const modules = new Map<string, string>();
    for (const name of kernelTypes().names('function'))
      if (!name.startsWith('__probestub_')) modules.set(name, 'vmlinux');
    for (const symbol of textSymbols()) {
      if (symbol.traceable) modules.set(symbol.name, symbol.module);
      else modules.delete(symbol.name);
    }
    functions = [...modules].map(([name, module]) => ({ name, module })).sort((a, b) => (a.name < b.name ? -1 : 1));
  }
  return functions;
}

const CGROUP_ROOT = '/sys/fs/cgroup';
/** Id (inode number) of the root of the cgroup v2 tree on Linux. */
const ROOT_CGROUP = 1n;

/** Id of the cgroup with this folder: every task of the machine is in the root. */
export function cgroupId(path: string): bigint | undefined {
  return path.replace(/\/+$/, '') === CGROUP_ROOT ? ROOT_CGROUP : undefined;
}

/** Functions of an executable or library of a scenario; undefined when it has no such file. */
export function userSymbols(
  scenario: ScenarioSpec,
  path: string,
): readonly { readonly name: string; readonly address: number; readonly size: number }[] | undefined {
  const image = images(scenario).find((candidate) => candidate.path === realPath(path));
  return image?.symbols.map((name) => ({ name, address: imageSymbolOffset(image, name), size: FUNCTION_BYTES }));
}

/** Paths of a scenario's executables and libraries. */
export function userFiles(scenario: ScenarioSpec): readonly string[] {
  return [...new Set(images(scenario).map((image) => image.path))].sort();
}

function images(scenario: ScenarioSpec): readonly Image[] {
  return [LIBC, ...LIBRARIES, ...scenario.images, ...scenario.processes.map((process) => process.image)];
}

/** /bin, /sbin and /lib are links to their namesakes in /usr. */
function realPath(path: string): string {
  return /^\/(s?bin|lib(64)?)\//.test(path) ? `/usr${path}` : path;
}
