import { kernelFunction } from '../../execution/kernel-function.ts';
import { leave } from '../../execution/hand-over.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import { Dentry, NegativeDentry } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { GFP_KERNEL } from '../mm/gfp.ts';
import { cacheAlloc } from '../mm/slab.ts';

/* fs/dcache.c: names that were looked up, and those that are looked up for the first time. */

export type Found = Dentry | NegativeDentry | null;
export type LookedUp = Dentry | NegativeDentry | number;
/** A name that is looked up: struct qstr. */
export type QStr = KernelObject & { readonly text: string };

/** What the dentry cache has under a name; a name that is only on the disk is not found. */
export function inCache(dir: Dentry, name: string): Found {
  const child = dir.children.get(name);
  if (child !== undefined) return child.hashed ? child : null;
  return dir.absent.get(name) ?? null;
}
const innerDLookup = kernelFunction('__d_lookup', 24, (_m, parent: Dentry, name: QStr): Found =>
  inCache(parent, name.text),
);
export const dLookup = kernelFunction('d_lookup', 12, (m, parent: Dentry, name: QStr): Found =>
  innerDLookup(m, parent, name),
);
const dAllocParallel = kernelFunction(
  'd_alloc_parallel',
  90,
  (m, parent: Dentry, name: QStr): Dentry | NegativeDentry => {
    const dentry = parent.children.get(name.text) ?? new NegativeDentry(m, name.text, parent);
    cacheAlloc(m, 'dentry', dentry, GFP_KERNEL);
    return dentry;
  },
);
/** Asks the file system for a name that the cache does not know; it is cached from then on, even when there is no such file. */
export function lookupOnDisk(m: Machine, dir: Dentry, name: string, qstr: KernelObject): Result<LookedUp> {
  const dentry = dAllocParallel(m, dir, { address: qstr.address, text: name });
  const looked = dir.inode.inodeOperations?.lookup(m, dir.inode, dentry, 0) ?? 0;
  const add = (status: number): LookedUp => {
    if (status !== 0) return status;
    if (dentry instanceof Dentry) dentry.hashed = true;
    leave(m, dir.inode);
    return dentry;
  };
  return looked instanceof Pending ? looked.then(add) : add(looked);
}
