import type { Machine } from '../machine.ts';
import { textSymbols } from '../execution/text.ts';
import { SOFTIRQS } from '../functions/softirq.ts';
import { loadAverages } from '../memory/kernel-data.ts';
import { addressLow } from '../memory/arena.ts';
import type { FileSystem } from './file-system.ts';

const USER_HZ_NS = 10_000_000;

/** The files of /proc that the machine can answer from its own state. */
const PROC_FILES: { readonly [path: string]: (m: Machine) => string } = {
  '/proc/uptime': (m) => `${(m.now() / 1e9).toFixed(2)} ${((m.now() / 1e9) * m.cpus * 0.9).toFixed(2)}\n`,
  '/proc/loadavg': (m) =>
    `${loadAverages(m)
      .map((load) => load.toFixed(2))
      .join(' ')} 1/${m.tasks.size} ${Math.max(...m.tasks.keys())}\n`,
  '/proc/stat': (m) => {
    const jiffies = Math.floor(m.now() / USER_HZ_NS);
    const cpus = m.cpuList.map((cpu) => `cpu${cpu.id} 0 0 0 ${jiffies} 0 0 0 0 0 0\n`);
    const total = m.irqs.reduce((sum, desc) => sum + desc.counts.reduce((a, b) => a + b, 0), 0);
    return `cpu 0 0 0 ${jiffies * m.cpus} 0 0 0 0 0 0\n${cpus.join('')}intr ${total}\nprocesses ${m.tasks.size}\n`;
  },
  '/proc/cpuinfo': (m) =>
    m.cpuList
      .map(
        ({ id }) =>
          `processor\t: ${id}\nvendor_id\t: GenuineIntel\nmodel name\t: Simulated CPU @ 3.00GHz\ncpu MHz\t\t: 3000.000\n\n`,
      )
      .join(''),
  '/proc/meminfo': () =>
    'MemTotal:        8038820 kB\nMemFree:         5211044 kB\nMemAvailable:    6893120 kB\nCached:          1620388 kB\n',
  '/proc/net/dev': () =>
    'Inter-|   Receive |  Transmit\n face |bytes packets|bytes packets\n    lo: 184320 1204 184320 1204\n  eth0: 9123840 21840 4120832 18200\n',
  '/proc/net/if_inet6': () => '00000000000000000000000000000001 01 80 10 80       lo\n',
  '/proc/interrupts': (m) => {
    const head = `           ${m.cpuList.map(({ id }) => `CPU${id}`.padEnd(11)).join('')}\n`;
    const row = (label: string, counts: readonly number[], name: string): string =>
      `${label.padStart(4)}:${counts.map((count) => String(count).padStart(11)).join('')}  ${name}\n`;
    const lines = m.irqs.map((desc) =>
      row(
        String(desc.irq),
        desc.counts,
        `${desc.chip.name}  ${desc.hwirq}-${desc.flow}      ${desc.actions.map(({ name }) => name).join(', ')}`,
      ),
    );
    const { localTimer, reschedule, callFunction } = m.interruptCounts;
    return (
      head +
      lines.join('') +
      row('LOC', localTimer, 'Local timer interrupts') +
      row('RES', reschedule, 'Rescheduling interrupts') +
      row('CAL', callFunction, 'Function call interrupts')
    );
  },
  '/proc/softirqs': (m) => {
    const head = `                    ${m.cpuList.map(({ id }) => `CPU${id}`.padEnd(11)).join('')}\n`;
    const rows = SOFTIRQS.map(
      (name, vector) =>
        `${name.padStart(12)}:${m.softirqCounts[vector]!.map((count) => String(count).padStart(11)).join('')}\n`,
    );
    return head + rows.join('');
  },
  '/proc/kallsyms': () =>
    textSymbols()
      .map(({ name, entry }) => `ffffffff${(addressLow(entry) >>> 0).toString(16)} T ${name}\n`)
      .join(''),
};

export function addProcFiles(fileSystem: FileSystem): void {
  for (const [path, contents] of Object.entries(PROC_FILES)) fileSystem.procFile(path, contents);
}
