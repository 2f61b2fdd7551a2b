import type { LoadedModule } from '../modules/module-api.ts';
import { tracepoint } from './tracepoint.ts';
import type { Tracepoint } from './tracepoint.ts';

/** include/linux/panic.h */
const TAINT_OOT_MODULE = 1 << 12;

export const moduleLoad: Tracepoint<[mod: LoadedModule]> = tracepoint('module:module_load', 1, (f) => {
  const taints = f.number('taints');
  const name = f.text('name');
  return (mod) => {
    taints(mod.isOutOfTree ? TAINT_OOT_MODULE : 0);
    name(mod.name);
  };
});
export const moduleFree: Tracepoint<[mod: LoadedModule]> = tracepoint('module:module_free', 1, (f) => {
  const name = f.text('name');
  return (mod) => name(mod.name);
});
