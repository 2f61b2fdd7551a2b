import { EEXIST, ENOENT } from '../errno.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { printk } from '../printk.ts';
import { LoadedModule } from './module-api.ts';
import type { ModuleSource } from './module-api.ts';

const modules = new WeakMap<Machine, Map<string, LoadedModule>>();
const counts = new WeakMap<Machine, number>();
export function loadedModules(m: Machine): Map<string, LoadedModule> {
  let map = modules.get(m);
  if (map === undefined) modules.set(m, (map = new Map()));
  return map;
}
interface ModuleObject extends KernelObject {
  readonly module: LoadedModule;
}

/** kernel/module/main.c: calls the module's init function; what it refuses is not loaded. */
const doInitModule = kernelFunction('do_init_module', 4_000, (m, mod: ModuleObject): number => {
  const { module } = mod;
  const error = module.source.init(module.api) ?? 0;
  if (error < 0) {
    loadedModules(m).delete(module.name);
    module.isLoaded = false;
  }
  return error;
});
const freeModule = kernelFunction('free_module', 6_000, (_m, mod: ModuleObject): void => {
  mod.module.isLoaded = false;
});

/** finit_module(2) on behalf of the running process: 0 or a negative error number. */
export function insertModule(m: Machine, name: string, source: ModuleSource): number {
  const loaded = loadedModules(m);
  if (loaded.has(name)) return -EEXIST;
  const index = counts.get(m) ?? 0;
  counts.set(m, index + 1);
  if (index === 0) printk(m, `${name}: loading out-of-tree module taints kernel.`);
  const module = new LoadedModule(m, name, source, index);
  loaded.set(name, module);
  return doInitModule(m, { address: m.scratch, module } as ModuleObject);
}
/** delete_module(2): the module's exit function, then its memory is gone. */
export function removeModule(m: Machine, name: string): number {
  const module = loadedModules(m).get(name);
  if (module === undefined) return -ENOENT;
  module.source.exit?.(module.api);
  loadedModules(m).delete(name);
  freeModule(m, { address: m.scratch, module } as ModuleObject);
  return 0;
}
