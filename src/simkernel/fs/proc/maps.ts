import type { Machine } from '../../machine.ts';
import { PAGE_SIZE } from '../../memory/sizes.ts';
import { layoutOf } from '../../programs/image-layout.ts';
import type { Mapping } from '../../tasks/address-space.ts';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../../tasks/mman.ts';
import type { Task } from '../../tasks/task.ts';
import { fileName } from '../d-path.ts';
import type { Inode } from '../file.ts';

/** Where the name of what is mapped begins (fs/proc/task_mmu.c). */
const NAME_COLUMN = 73;
const KIB = 1024;

/** What a line says of an area beside its addresses. */
interface Shown {
  readonly protection: number;
  readonly shared: boolean;
  readonly fileOffset: number;
  readonly inode: Inode | undefined;
  readonly name: string;
}
const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0');

/** Text of a program, its data right behind, the stack, the heap, or what mmap() was told. */
function shownOf(m: Machine, task: Task, mapping: Mapping): Shown {
  const { mm } = task.process!;
  const { image, area, start, size } = mapping;
  const own = { protection: PROT_READ | PROT_WRITE, shared: false, fileOffset: 0, inode: undefined };
  if (area !== null) {
    const { file, protection, shared, pgoff } = area;
    if (file === null) return { ...own, protection, shared, name: start === mm.breakStart ? '[heap]' : '' };
    return { protection, shared, fileOffset: pgoff * PAGE_SIZE, inode: file.inode, name: fileName(m, file) };
  }
  const before = mm.mappings.find((other) => other.image !== null && other.start + other.size === start);
  const of = image ?? before?.image ?? null;
  if (of !== null) {
    const { segments } = layoutOf(of);
    const segment = segments.find(({ executable }) => executable === (image !== null));
    const inode = m.fileSystem.find(of.path)?.inode;
    const protection = image === null ? PROT_READ | PROT_WRITE : PROT_READ | PROT_EXEC;
    const fileOffset = Math.floor((segment?.fileOffset ?? 0) / PAGE_SIZE) * PAGE_SIZE;
    return { protection, shared: false, fileOffset, inode, name: of.path };
  }
  if (mm.stackTop > start && mm.stackTop <= start + size) return { ...own, name: '[stack]' };
  if (start === mm.uprobesAt) return { ...own, protection: PROT_EXEC, name: '[uprobes]' };
  return { ...own, name: '[heap]' };
}

/** Areas of memory that touch are one where no file is behind them, as vma_merge() makes them. */
function merged(m: Machine, task: Task): readonly (Shown & { readonly start: number; end: number })[] {
  const areas: (Shown & { readonly start: number; end: number })[] = [];
  const mappings = [...(task.process?.mm.mappings ?? [])].filter(({ size }) => size > 0);
  for (const mapping of mappings.sort((a, b) => a.start - b.start)) {
    const shown = shownOf(m, task, mapping);
    const last = areas.at(-1);
    const isSame =
      last?.end === mapping.start &&
      last.inode === undefined &&
      shown.inode === undefined &&
      last.name === shown.name &&
      last.protection === shown.protection;
    if (isSame) last.end += mapping.size;
    else areas.push({ ...shown, start: mapping.start, end: mapping.start + mapping.size });
  }
  return areas;
}
/** /proc/PID/maps. */
export function mapsText(m: Machine, task: Task): string {
  return merged(m, task)
    .map(({ start, end, protection, shared, fileOffset, inode, name }) => {
      const letters = [PROT_READ, PROT_WRITE, PROT_EXEC].map((bit, i) => ((protection & bit) === 0 ? '-' : 'rwx'[i]!));
      const device = inode?.sb.device ?? 0;
      const front =
        `${hex(start, 8)}-${hex(end, 8)} ${letters.join('')}${shared ? 's' : 'p'} ` +
        `${hex(fileOffset, 8)} ${hex(device >>> 20, 2)}:${hex(device & 0xfffff, 2)} ${inode?.ino ?? 0}`;
      return `${name === '' ? `${front} ` : front.padEnd(NAME_COLUMN) + name}\n`;
    })
    .join('');
}

/** Sizes of an address space in KiB, by the names of /proc/PID/status, in their order. */
export function memorySizes({ process }: Task): readonly (readonly [name: string, kib: number])[] {
  if (process === null) return [];
  const { mm, image } = process;
  const sum = (wanted: (mapping: Mapping) => boolean): number =>
    mm.mappings.reduce((bytes, mapping) => (wanted(mapping) ? bytes + mapping.size : bytes), 0) / KIB;
  const pages = (count: number): number => (count * PAGE_SIZE) / KIB;
  const stack = sum(({ start, size }) => mm.stackTop > start && mm.stackTop <= start + size);
  const text = sum((mapping) => mapping.image === image);
  return [
    ['VmSize', pages(mm.totalPages)],
    ['VmRSS', pages(mm.residentAnonymous + mm.residentFile)],
    ['RssAnon', pages(mm.residentAnonymous)],
    ['RssFile', pages(mm.residentFile)],
    ['VmData', sum(({ image: of }) => of === null) - stack],
    ['VmStk', stack],
    ['VmExe', text],
    ['VmLib', sum((mapping) => mapping.image !== null && mapping.image !== image)],
    ['VmSwap', pages(mm.swapped)],
  ];
}
