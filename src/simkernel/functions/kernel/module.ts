import { EBADF, EEXIST, EFAULT, ENOENT, ENOEXEC, EPERM } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { File } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { loadText } from '../../memory/arena.ts';
import { layOut, loadedModules, moduleIn } from '../../modules/loader.ts';
import { MODULE_NAME_LEN, MODULE_STATES } from '../../modules/module-api.ts';
import type { LoadedModule, ModuleSource } from '../../modules/module-api.ts';
import { printk } from '../../printk.ts';
import { moduleFree, moduleLoad } from '../../tracepoints/module.ts';
import { CAP, mayDo } from './capability.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { currentFile } from '../fs/vfs.ts';

/* kernel/module/main.c: modules come by finit_module and go by delete_module. */

/** Checking, relocating and copying costs by the byte. */
const LOAD_NS_PER_BYTE = 1.4;
const READ_NS_PER_BYTE = 0.08;

/** struct load_info */
interface LoadInfo extends KernelObject {
  readonly name: string;
  readonly source: ModuleSource;
  readonly bytes: number;
}

/** Calls the module's init function; what that refuses is not loaded. */
const doInitModule = kernelFunction('do_init_module', 4_000, (m, mod: LoadedModule): number => {
  const error = mod.enter(() => mod.source.init(mod.api) ?? 0);
  if (error < 0) {
    loadedModules(m).delete(mod.name);
    freeModule(m, mod);
    return error;
  }
  mod.setState(MODULE_STATES.live);
  return 0;
});
const freeModule = kernelFunction('free_module', 6_000, (m, mod: LoadedModule): void => {
  moduleFree(m, mod);
  mod.release();
});

const loadModule = kernelFunction(
  'load_module',
  40_000,
  (m, info: LoadInfo, _uargs: number, _flags: number): number => {
    const loaded = loadedModules(m);
    if (loaded.has(info.name)) return -EEXIST;
    m.spend(info.bytes * LOAD_NS_PER_BYTE);
    const mod = layOut(m, info.name, info.source);
    const isTainted = [...loaded.values()].some(({ isOutOfTree }) => isOutOfTree);
    if (mod.isOutOfTree && !isTainted) printk(m, `${mod.name}: loading out-of-tree module taints kernel.`);
    loaded.set(mod.name, mod);
    moduleLoad(m, mod);
    return doInitModule(m, mod);
  },
);

const READING_MODULE = 2;
const securityKernelReadFile = kernelFunction(
  'security_kernel_read_file',
  18,
  (_m, _file: File, _id: number, _contents: number): number => 0,
);
const kernelReadFile = kernelFunction(
  'kernel_read_file',
  120,
  (m, file: File, _offset: number, _buf: null, _size: number, _fileSize: null, id: number): number => {
    const refused = securityKernelReadFile(m, file, id, 1);
    if (refused === 0) m.spend(file.inode.size * READ_NS_PER_BYTE);
    return refused === 0 ? file.inode.size : refused;
  },
);
const initModuleFromFile = kernelFunction(
  'init_module_from_file',
  60,
  (m, file: File, uargs: number, flags: number): number => {
    const bytes = kernelReadFile(m, file, 0, null, MAX_BYTES, null, READING_MODULE);
    if (bytes < 0) return bytes;
    const source = moduleIn(file.inode);
    if (source === undefined) return -ENOEXEC;
    const name = file.path.dentry.name.replace(/\.[^.]*$/, '').replace(/-/g, '_');
    return loadModule(m, { address: m.scratch, name, source, bytes }, uargs, flags);
  },
);
const MAX_BYTES = 0x7fff_ffff;
/** Loads of one file at the same time are one load; here they come one after the other. */
const idempotentInitModule = kernelFunction(
  'idempotent_init_module',
  80,
  (m, file: File, uargs: number, flags: number): number => initModuleFromFile(m, file, uargs, flags),
);
systemCall('finit_module', 60, (m, fd, uargs, flags) => {
  if (!mayDo(m, CAP.SYS_MODULE)) return -EPERM;
  const file = currentFile(m, fd);
  return file === null ? -EBADF : idempotentInitModule(m, file, uargs, flags);
});
/** Modules are files of the machine: what lies in a program's memory is none. */
systemCall('init_module', 60, (m) => (mayDo(m, CAP.SYS_MODULE) ? -ENOEXEC : -EPERM));

systemCall('delete_module', 900, (m, nameUser): number => {
  if (!mayDo(m, CAP.SYS_MODULE)) return -EPERM;
  const name = nameAt(m, nameUser);
  if (name === undefined) return -EFAULT;
  const loaded = loadedModules(m);
  const mod = loaded.get(name);
  if (mod === undefined) return -ENOENT;
  mod.setState(MODULE_STATES.going);
  mod.enter(() => mod.source.exit?.(mod.api));
  loaded.delete(name);
  freeModule(m, mod);
  return 0;
});
function nameAt(m: Machine, address: number): string | undefined {
  const at = m.cpu.current.process?.mm.find(address, 1) ?? -1;
  return at < 0 ? undefined : loadText(m.arena.bytes, at, MODULE_NAME_LEN);
}
