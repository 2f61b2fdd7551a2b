import { kernelFunction } from '../execution/kernel-function.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { mightSleep } from './atomic.ts';

/** include/linux/gfp_types.h: whether the allocator may wait for memory. */
export const GFP_ATOMIC = 0x820;
export const GFP_KERNEL = 0xcc0;
const GFP_DIRECT_RECLAIM = 0x400;

const sizes = new WeakMap<KernelObject, number>();

const kmallocNoprof = kernelFunction('__kmalloc_noprof', 45, (m, size: number, flags: number): KernelObject => {
  if ((flags & GFP_DIRECT_RECLAIM) !== 0) mightSleep(m, 'include/linux/sched/mm.h', 321);
  const object = { address: m.arena.allocate(size) };
  sizes.set(object, size);
  return object;
});
/** kmalloc(); with GFP_KERNEL only where sleeping is allowed. */
export function kmalloc(m: Machine, size: number, flags: number): KernelObject {
  return kmallocNoprof(m, size, flags);
}
export const kfree = kernelFunction('kfree', 30, (m, object: KernelObject): void => {
  const size = sizes.get(object);
  if (size === undefined) throw new Error('kfree of what kmalloc did not give');
  sizes.delete(object);
  m.arena.free(object.address, size);
});
