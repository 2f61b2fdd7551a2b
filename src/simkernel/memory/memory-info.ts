import type { Machine } from '../machine.ts';
import { PAGE_SIZE } from '../fs/page-cache.ts';
import { KERNEL_STACK_SIZE } from '../tasks/task.ts';
import { IMAGE_END, IMAGE_START } from './arena.ts';

/** What the machine is sold with. Guest memory holds what has bytes; pages of ordinary files are only counted. */
const RAM_BYTES = 8 * 2 ** 30;
const KIB = 1024;

/** The rows of /proc/meminfo that the machine counts, in KiB. It has no swap, no reclaim and no buffer cache. */
export function memoryInfo(m: Machine): readonly (readonly [name: string, kib: number])[] {
  const total = RAM_BYTES - (IMAGE_END - IMAGE_START);
  let cached = 0;
  let dirty = 0;
  for (const inode of m.fileSystem.cached) {
    const cache = m.fileSystem.cacheOf(inode);
    cached += cache.cachedPages * PAGE_SIZE;
    dirty += cache.dirtyPages * PAGE_SIZE;
  }
  const spaces = new Set([...m.tasks.values()].flatMap(({ process }) => (process === null ? [] : [process.mm])));
  const anonymous = [...spaces].reduce((sum, mm) => sum + mm.anonymousBytes(), 0);
  const stacks = (m.tasks.size + m.cpus) * KERNEL_STACK_SIZE;
  const heap = m.arena.heapBytes();
  const free = total - heap - cached;
  const rows: readonly (readonly [string, number])[] = [
    ['MemTotal', total],
    ['MemFree', free],
    ['MemAvailable', free + cached],
    ['Buffers', 0],
    ['Cached', cached],
    ['SwapCached', 0],
    ['SwapTotal', 0],
    ['SwapFree', 0],
    ['Dirty', dirty],
    ['AnonPages', anonymous],
    ['Slab', heap - anonymous - stacks],
    ['KernelStack', stacks],
  ];
  return rows.map(([name, bytes]) => [name, Math.floor(bytes / KIB)]);
}
