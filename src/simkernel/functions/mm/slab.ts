import { kernelFunction } from '../../execution/kernel-function.ts';
import { returnAddress } from '../../execution/return-address.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeText, storeWord } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import type { KmemCache } from '../../tracepoints/kmem.ts';
import { kfreeEvent, kmallocEvent, kmemCacheAllocEvent, kmemCacheFreeEvent } from '../../tracepoints/kmem.ts';
import { mightSleep } from '../kernel/atomic.ts';
import { GFP_DIRECT_RECLAIM } from './gfp.ts';
import { bug } from '../../../source/bug.ts';

export { GFP_ATOMIC, GFP_KERNEL } from './gfp.ts';

const NO_NODE = -1;
const sizes = new WeakMap<KernelObject, number>();

/** The size class that an object of this size comes from (kmalloc-8 ... kmalloc-8k); pages above. */
function kmallocSize(size: number): number {
  return size <= 8 ? 8 : 2 ** Math.ceil(Math.log2(size));
}
const kmallocNoprof = kernelFunction('__kmalloc_noprof', 45, (m, size: number, flags: number): KernelObject => {
  if ((flags & GFP_DIRECT_RECLAIM) !== 0) mightSleep(m, 'include/linux/sched/mm.h', 321);
  const object = { address: m.arena.allocate(size) };
  sizes.set(object, size);
  kmallocEvent(m, returnAddress(m), object, size, kmallocSize(size), flags, NO_NODE);
  return object;
});
/** No packet keeps more. */
const MOST_KEPT = 1664;
/** kmalloc_node_track_caller(): of `size` bytes only those at the front that anybody looks at are in guest memory. */
export const kmallocTrackCaller = kernelFunction(
  '__kmalloc_node_track_caller_noprof',
  45,
  (m, size: number, _buckets: null, flags: number, node: number, caller: KernelObject): KernelObject => {
    const kept = Math.min(size, MOST_KEPT);
    const object = { address: m.arena.allocate(kept) };
    sizes.set(object, kept);
    kmallocEvent(m, caller, object, size, kmallocSize(size), flags, node);
    return object;
  },
);
/** kmalloc(); with GFP_KERNEL only where sleeping is allowed. */
export function kmalloc(m: Machine, size: number, flags: number): KernelObject {
  return kmallocNoprof(m, size, flags);
}
export const kfree = kernelFunction('kfree', 30, (m, object: KernelObject): void => {
  const size = sizes.get(object);
  if (size === undefined) bug('kfree of what kmalloc did not give');
  kfreeEvent(m, returnAddress(m), object);
  sizes.delete(object);
  m.arena.free(object.address, size);
});

const KMEM_CACHE = structFields('kmem_cache', { name: 'name', fullSize: 'size', objectSize: 'object_size' });

/** Caches of the objects that system calls make most; the machine's own objects keep their memory themselves. */
const CACHES = {
  names_cache: 4096,
  filp: 232,
  dentry: 192,
  ext4_inode_cache: 1184,
  vm_area_struct: 192,
  mm_struct: 1408,
  task_struct: 9792,
  bio: 240,
  folio: 64,
  skbuff_head_cache: 256,
  skbuff_fclone_cache: 512,
  skbuff_small_head: 704,
} as const satisfies Readonly<Record<string, number>>;
export type CacheName = keyof typeof CACHES;

/** A cache, and the object that is being taken from it. */
interface SlabCache extends KmemCache {
  object: KernelObject | null;
}
/** struct kmem_cache by name; made when first asked for. */
export class SlabCaches {
  private readonly byName = new Map<CacheName, SlabCache>();
  private readonly variables = new Map<CacheName, number>();
  /** Image offset of a global variable that points to a cache; made when first asked for. */
  variableOf(m: Machine, name: CacheName): number {
    let at = this.variables.get(name);
    if (at === undefined) {
      at = m.arena.allocateImage(8, 8);
      storeWord(m.words, at, this.get(m, name));
      this.variables.set(name, at);
    }
    return at;
  }
  get(m: Machine, name: CacheName): SlabCache {
    let cache = this.byName.get(name);
    if (cache === undefined) {
      const { arena, words } = m;
      const address = arena.allocate(KMEM_CACHE.size, 64);
      const nameAt = arena.allocate(name.length + 1);
      storeText(arena.bytes, nameAt, name, name.length + 1);
      storeWord(words, address + KMEM_CACHE.name, { address: nameAt });
      words[(address + KMEM_CACHE.fullSize) >> 2] = CACHES[name];
      words[(address + KMEM_CACHE.objectSize) >> 2] = CACHES[name];
      cache = { address, name, objectSize: CACHES[name], object: null };
      this.byName.set(name, cache);
    }
    return cache;
  }
}

/** Takes memory for an object of a cache, whose address the caller has. */
const kmemCacheAllocNoprof = kernelFunction(
  'kmem_cache_alloc_noprof',
  24,
  (m, cache: SlabCache, flags: number): KernelObject | null => {
    kmemCacheAllocEvent(m, returnAddress(m), cache.object, cache, flags, NO_NODE);
    return cache.object;
  },
);
const kmemCacheAllocNodeNoprof = kernelFunction(
  'kmem_cache_alloc_node_noprof',
  24,
  (m, cache: SlabCache, flags: number, node: number): KernelObject | null => {
    kmemCacheAllocEvent(m, returnAddress(m), cache.object, cache, flags, node);
    return cache.object;
  },
);
const kmemCacheFreeFunction = kernelFunction(
  'kmem_cache_free',
  18,
  (m, cache: KmemCache, object: KernelObject): void => {
    kmemCacheFreeEvent(m, returnAddress(m), object, cache);
  },
);
/** Tells of an object that was made in guest memory: kmem_cache_alloc(). */
export function cacheAlloc(m: Machine, name: CacheName, object: KernelObject, flags: number): void {
  const cache = m.slabs.get(m, name);
  cache.object = object;
  kmemCacheAllocNoprof(m, cache, flags);
}
/** kmem_cache_alloc_node() */
export function cacheAllocNode(m: Machine, name: CacheName, object: KernelObject, flags: number, node: number): void {
  const cache = m.slabs.get(m, name);
  cache.object = object;
  kmemCacheAllocNodeNoprof(m, cache, flags, node);
}
export function cacheFree(m: Machine, name: CacheName, object: KernelObject): void {
  kmemCacheFreeFunction(m, m.slabs.get(m, name), object);
}
