import type { Machine } from '../machine.ts';
import { KERNEL_STACK_SIZE } from '../tasks/task.ts';
import { IMAGE_END, IMAGE_START } from './arena.ts';
import { Zone } from './zone.ts';
import { PAGE_SIZE } from './sizes.ts';

/** What the machine is sold with, unless the scenario says otherwise. */
const RAM_BYTES = 8 * 2 ** 30;
const KIB = 1024;
const ZONE_BYTES = 1664;

/** The machine's memory less the kernel's image; everything in guest memory is the kernel's share. */
export function createZone(m: Machine): Zone {
  const bytes = (m.scenario.memoryBytes ?? RAM_BYTES) - (IMAGE_END - IMAGE_START);
  const swap = m.scenario.swapBytes ?? 0;
  return new Zone(m.arena.allocate(ZONE_BYTES, 64), bytes, swap, () => m.arena.heapBytes() / PAGE_SIZE);
}

/** The rows of /proc/meminfo that the machine counts, in KiB. It has no buffer cache. */
export function memoryInfo(m: Machine): readonly (readonly [name: string, kib: number])[] {
  const { zone } = m;
  const pages = (count: number): number => count * PAGE_SIZE;
  const spaces = new Set([...m.tasks.values()].flatMap(({ process }) => (process === null ? [] : [process.mm])));
  const kept = [...spaces].reduce((sum, mm) => sum + mm.anonymousBytes(), 0);
  const stacks = (m.tasks.size + m.cpus) * KERNEL_STACK_SIZE;
  const heap = m.arena.heapBytes();
  const rows: readonly (readonly [string, number])[] = [
    ['MemTotal', pages(zone.managed)],
    ['MemFree', pages(zone.free)],
    ['MemAvailable', pages(zone.free + zone.filePages)],
    ['Buffers', pages(zone.bufferPages)],
    ['Cached', pages(zone.filePages)],
    ['SwapCached', 0],
    ['SwapTotal', pages(zone.swapSlots)],
    ['SwapFree', pages(zone.swapSlots - zone.swapUsed)],
    ['Dirty', pages(zone.dirtyPages)],
    ['Writeback', pages(zone.writebackPages)],
    ['AnonPages', kept + pages(zone.anonymousPages)],
    ['Slab', heap - kept - stacks],
    ['KernelStack', stacks],
  ];
  return rows.map(([name, bytes]) => [name, Math.floor(bytes / KIB)]);
}
