import type { Disk } from '../../block/disk.ts';
import type { Machine } from '../../machine.ts';
import { MS } from '../../time/units.ts';

/** Nothing is discarded on the machine's disks. */
const DISCARDS = '0 0 0 0';

/** A line as Documentation/admin-guide/iostats.rst has it: reads, writes, what is under way and for how long, discards, flushes. */
function line(m: Machine, disk: Disk): string {
  const { stats, activity, major, minor, name } = disk;
  const ms = (ns: number): number => Math.floor(ns / MS);
  const transfers = [stats.read, stats.write].map(
    ({ requests, merges, sectors, ns }) => `${requests} ${merges} ${sectors} ${ms(ns)}`,
  );
  const all = ms(stats.read.ns + stats.write.ns + stats.flush.ns);
  const busy = `${activity.requests} ${ms(activity.busyUntil(m.now()))} ${all}`;
  const flushes = `${stats.flush.requests} ${ms(stats.flush.ns)}`;
  return `${String(major).padStart(4)} ${String(minor).padStart(7)} ${name} ${transfers.join(' ')} ${busy} ${DISCARDS} ${flushes}\n`;
}
export function diskStatsText(m: Machine): string {
  return m.disks.map((disk) => line(m, disk)).join('');
}
