import type { AbiName } from '../../../btf/abi/abis.ts';
import { textSymbols } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import { addressLow } from '../../memory/arena.ts';
import { loadAverages, runningTasks } from '../../memory/kernel-data.ts';
import { memoryInfo } from '../../memory/memory-info.ts';
import { modulesText } from '../../modules/loader.ts';
import { HOST_NAME, KERNEL_RELEASE, KERNEL_VERSION } from '../../version.ts';
import type { FileSystem } from '../file-system.ts';
import { diskStatsText } from './diskstats.ts';
import { interruptsText, softirqsText } from './interrupts.ts';
import { fileSystemsText, mountsText } from './mounts.ts';
import { inet6Text, netDevText } from './net.ts';
import { statText, uptimeText } from './stat.ts';
import { addSettings } from './sysctl.ts';

/** The files of /proc that the machine answers from its own state; what it does not count it does not have. */
const PROC_FILES: { readonly [path: string]: (m: Machine) => string } = {
  '/proc/uptime': uptimeText,
  '/proc/stat': statText,
  '/proc/loadavg': (m) => {
    const loads = loadAverages(m).map((load) => (load / 100).toFixed(2));
    return `${loads.join(' ')} ${runningTasks(m)}/${m.tasks.size} ${m.lastPid}\n`;
  },
  '/proc/diskstats': diskStatsText,
  '/proc/meminfo': (m) =>
    memoryInfo(m)
      .map(([name, kib]) => `${`${name}:`.padEnd(16)}${String(kib).padStart(8)} kB\n`)
      .join(''),
  '/proc/cpuinfo': cpuInfoText,
  '/proc/net/dev': netDevText,
  '/proc/net/if_inet6': inet6Text,
  '/proc/interrupts': interruptsText,
  '/proc/softirqs': softirqsText,
  '/proc/kallsyms': kallsymsText,
  '/proc/filesystems': fileSystemsText,
  '/proc/modules': modulesText,
  '/proc/mounts': mountsText,
  '/proc/version': () => `Linux version ${KERNEL_RELEASE} (${HOST_NAME}) ${KERNEL_VERSION}\n`,
};

/** One package with a core for each CPU, numbered as their local APICs are; the model is what we call ourselves. */
type CpuRow = readonly [name: string, value: string | number];
/** What each architecture tells of a CPU. */
const CPU_ROWS: Record<AbiName, (id: number, count: number) => readonly CpuRow[]> = {
  x86_64: (id, count) => [
    ['vendor_id\t', 'GenuineIntel'],
    ['model name\t', 'Simulated CPU'],
    ['physical id\t', 0],
    ['siblings\t', count],
    ['core id\t\t', id],
    ['cpu cores\t', count],
    ['apicid\t\t', id],
    ['initial apicid\t', id],
  ],
  arm64: () => [
    ['BogoMIPS\t', '50.00'],
    ['Features\t', 'fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics paca pacg bti'],
    ['CPU implementer\t', '0x41'],
    ['CPU architecture', 8],
    ['CPU variant\t', '0x0'],
    ['CPU part\t', '0x000'],
    ['CPU revision\t', 0],
  ],
};
function cpuInfoText(m: Machine): string {
  return m.cpuList
    .map(({ id }) => {
      const rows = [['processor\t', id] as const, ...CPU_ROWS[m.abi.name](id, m.cpus)];
      return `${rows.map(([name, value]) => `${name}: ${value}\n`).join('')}\n`;
    })
    .join('');
}

/** Functions of the text, then global variables: everything that has an address. */
function kallsymsText(m: Machine): string {
  const line = (offset: number, type: string, name: string): string =>
    `ffffffff${(addressLow(offset) >>> 0).toString(16).padStart(8, '0')} ${type} ${name}\n`;
  const variables = Object.entries(m.globals).sort(([, a], [, b]) => a - b);
  return (
    textSymbols()
      .map((symbol) => {
        const name = m.arch.ownName(symbol.name);
        return name === undefined ? '' : line(symbol.entry, 'T', name);
      })
      .join('') + variables.map(([name, at]) => line(at, 'B', name)).join('')
  );
}

export function addProcFiles(fileSystem: FileSystem): void {
  for (const [path, contents] of Object.entries(PROC_FILES)) fileSystem.procFile(path, contents);
  addSettings(fileSystem);
}
