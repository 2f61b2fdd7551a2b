import type { Folio } from '../fs/folios.ts';
import { frameOf } from '../fs/folios.ts';
import type { KernelObject } from '../memory/arena.ts';
import { tracepoint } from './tracepoint.ts';
import type { Tracepoint } from './tracepoint.ts';

export const mmPageAlloc: Tracepoint<[page: Folio, order: number, gfp: number, migratetype: number]> = tracepoint(
  'kmem:mm_page_alloc',
  4,
  (f) => {
    const pfn = f.number('pfn');
    const order = f.number('order');
    const gfp = f.number('gfp_flags');
    const migratetype = f.number('migratetype');
    return (page, pageOrder, flags, type) => {
      pfn(frameOf(page));
      order(pageOrder);
      gfp(flags);
      migratetype(type);
    };
  },
);
export const mmPageFree: Tracepoint<[page: Folio, order: number]> = tracepoint('kmem:mm_page_free', 2, (f) => {
  const pfn = f.number('pfn');
  const order = f.number('order');
  return (page, pageOrder) => {
    pfn(frameOf(page));
    order(pageOrder);
  };
});

type Site = KernelObject;
/** kmem_cache, with its name for records. */
export interface KmemCache extends KernelObject {
  readonly name: string;
  readonly objectSize: number;
}

export const kmallocEvent: Tracepoint<
  [callSite: Site, object: KernelObject, requested: number, allocated: number, gfp: number, node: number]
> = tracepoint('kmem:kmalloc', 6, (f) => {
  const site = f.pointer('call_site');
  const ptr = f.pointer('ptr');
  const requestedField = f.number('bytes_req');
  const allocatedField = f.number('bytes_alloc');
  const gfp = f.number('gfp_flags');
  const nodeField = f.number('node');
  return (callSite, object, requested, allocated, flags, node) => {
    site(callSite);
    ptr(object);
    requestedField(requested);
    allocatedField(allocated);
    gfp(flags);
    nodeField(node);
  };
});
export const kfreeEvent: Tracepoint<[callSite: Site, object: KernelObject]> = tracepoint('kmem:kfree', 2, (f) => {
  const site = f.pointer('call_site');
  const ptr = f.pointer('ptr');
  return (callSite, object) => {
    site(callSite);
    ptr(object);
  };
});
export const kmemCacheAllocEvent: Tracepoint<
  [callSite: Site, object: KernelObject | null, cache: KmemCache, gfp: number, node: number]
> = tracepoint('kmem:kmem_cache_alloc', 5, (f) => {
  const site = f.pointer('call_site');
  const ptr = f.pointer('ptr');
  const name = f.text('name');
  const requested = f.number('bytes_req');
  const allocated = f.number('bytes_alloc');
  const gfp = f.number('gfp_flags');
  const nodeField = f.number('node');
  const accounted = f.number('accounted');
  return (callSite, object, cache, flags, node) => {
    site(callSite);
    ptr(object);
    name(cache.name);
    requested(cache.objectSize);
    allocated(cache.objectSize);
    gfp(flags);
    nodeField(node);
    accounted(0);
  };
});
export const kmemCacheFreeEvent: Tracepoint<[callSite: Site, object: KernelObject, cache: KmemCache]> = tracepoint(
  'kmem:kmem_cache_free',
  3,
  (f) => {
    const site = f.pointer('call_site');
    const ptr = f.pointer('ptr');
    const name = f.text('name');
    return (callSite, object, cache) => {
      site(callSite);
      ptr(object);
      name(cache.name);
    };
  },
);
