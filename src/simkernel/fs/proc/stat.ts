import { CPU_TIMES, cpuTimes } from '../../cpu/accounting.ts';
import type { CpuTime } from '../../cpu/accounting.ts';
import { archInterruptRows } from './interrupts.ts';
import type { Machine } from '../../machine.ts';
import { runningTasks, totalForks } from '../../memory/kernel-data.ts';
import { SECOND } from '../../time/units.ts';

/** USER_HZ is 100. */
const CLOCK_TICK_NS = 10_000_000;
/** steal, guest and guest_nice: there is no hypervisor below and no virtual machine inside. */
const NEVER = ' 0 0 0';

const sum = (counts: Iterable<number>): number => {
  let total = 0;
  for (const count of counts) total += count;
  return total;
};

function perCpuTimes(m: Machine): readonly Float64Array[] {
  return m.cpuList.map((cpu) => cpuTimes(cpu, m.now()));
}
const column = (name: CpuTime): number => CPU_TIMES.indexOf(name);

export function statText(m: Machine): string {
  const times = perCpuTimes(m);
  const total = CPU_TIMES.map((_, use) => sum(times.map((cpu) => cpu[use]!)));
  const ticks = (row: Iterable<number>): string =>
    Array.from(row, (ns) => Math.floor(ns / CLOCK_TICK_NS)).join(' ') + NEVER;
  const lines = m.irqs.at(-1)?.irq ?? -1;
  const byLine = Array.from({ length: lines + 1 }, (_, irq) =>
    sum(m.irqs.find((desc) => desc.irq === irq)?.counts ?? []),
  );
  const arch = sum(archInterruptRows(m).flatMap(({ counts }) => counts));
  const softirqs = m.softirqCounts.map(sum);
  return (
    `cpu  ${ticks(total)}\n` +
    times.map((row, id) => `cpu${id} ${ticks(row)}\n`).join('') +
    `intr ${[sum(byLine) + arch, ...byLine].join(' ')}\n` +
    `ctxt ${sum(m.cpuList.map(({ runQueue }) => runQueue.switches))}\n` +
    `btime ${Math.floor(m.bootTimeNs / SECOND)}\n` +
    `processes ${totalForks(m)}\n` +
    `procs_running ${runningTasks(m)}\n` +
    `procs_blocked ${sum(m.cpuList.map(({ runQueue }) => runQueue.ioWaiters))}\n` +
    `softirq ${[sum(softirqs), ...softirqs].join(' ')}\n`
  );
}

/** Seconds since boot, and what all CPUs together were idle without waiting for a disk. */
export function uptimeText(m: Machine): string {
  const hundredths = (ns: number): string => (Math.floor(ns / CLOCK_TICK_NS) / 100).toFixed(2);
  const idle = sum(perCpuTimes(m).map((times) => times[column('idle')]!));
  return `${hundredths(m.now())} ${hundredths(idle)}\n`;
}
