import type { Inode } from '../fs/file.ts';
import type { Machine } from '../machine.ts';
import { LoadedModule } from './module-api.ts';
import type { ModuleSource } from './module-api.ts';

const modules = new WeakMap<Machine, Map<string, LoadedModule>>();
const counts = new WeakMap<Machine, number>();
/** What is loaded, by name, in the order of loading. */
export function loadedModules(m: Machine): Map<string, LoadedModule> {
  let map = modules.get(m);
  if (map === undefined) modules.set(m, (map = new Map()));
  return map;
}
/** Makes the module that a file holds; it is not among the loaded ones yet. */
export function layOut(m: Machine, name: string, source: ModuleSource): LoadedModule {
  const index = counts.get(m) ?? 0;
  counts.set(m, index + 1);
  return new LoadedModule(m, name, source, index);
}

/** What the file of a module holds: its code, which is TypeScript. */
const files = new WeakMap<Inode, ModuleSource>();
const MODULE_FILE_BYTES = 24_576;

/** Puts the file of a module in place, unless it is there. */
export function placeModule(m: Machine, path: string, source: ModuleSource, bytes = MODULE_FILE_BYTES): void {
  const inode = m.fileSystem.find(path)?.inode ?? m.fileSystem.file(path, bytes);
  files.set(inode, source);
}
export function moduleIn(inode: Inode): ModuleSource | undefined {
  return files.get(inode);
}

/** A line for each as /proc/modules has it. */
export function modulesText(m: Machine): string {
  return [...loadedModules(m).values()]
    .map(({ name, textAddress, isOutOfTree }) => {
      const address = (textAddress >>> 0).toString(16);
      return `${name} ${MODULE_BYTES} 0 - Live 0xffffffff${address}${isOutOfTree ? ' (O)' : ''}\n`;
    })
    .join('');
}
/** What the memory of a module comes to. */
export const MODULE_BYTES = 16_384;
