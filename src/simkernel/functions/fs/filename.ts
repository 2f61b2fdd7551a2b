import { EFAULT } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { loadText, storeText, storeWord } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import { GFP_KERNEL } from '../mm/gfp.ts';
import { cacheAlloc, cacheFree } from '../mm/slab.ts';

export const PATH_MAX = 4096;
const FILENAME = structFields('filename', { name: 'name' });

/** A `const char *` of the kernel's with the text that is there. */
export interface CString extends KernelObject {
  readonly path: string;
}
/** struct filename: a path name copied from user space. */
export interface Filename extends KernelObject {
  readonly path: string;
  /** The text, as functions take it that want a `const char *`. */
  readonly name: CString;
}

export const getname = kernelFunction('getname_flags', 70, (m, filename: number, _flags: number): Filename | number => {
  const from = m.cpu.current.process?.mm.find(filename, 1) ?? -1;
  if (from < 0) return -EFAULT;
  return makeFilename(m, loadText(m.arena.bytes, from, PATH_MAX));
});
function makeFilename(m: Machine, path: string): Filename {
  const address = m.arena.allocate(FILENAME.size + path.length + 1);
  const name = { address: address + FILENAME.size, path };
  storeText(m.arena.bytes, name.address, path, path.length + 1);
  storeWord(m.words, address + FILENAME.name, name);
  const filename = { address, path, name };
  cacheAlloc(m, 'names_cache', filename, GFP_KERNEL);
  return filename;
}
/** A path of the kernel's own. */
export const getnameKernel = kernelFunction('getname_kernel', 55, (m, filename: CString): Filename =>
  makeFilename(m, filename.path),
);
export const putname = kernelFunction('putname', 12, (m, name: Filename): void => {
  cacheFree(m, 'names_cache', name);
  m.arena.free(name.address, FILENAME.size + name.path.length + 1);
});
