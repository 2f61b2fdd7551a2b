import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import type { File, FileOperations, IovIter, Kiocb } from '../../fs/file.ts';
import type { IrqDesc } from '../../irq/irq-desc.ts';
import type { Machine } from '../../machine.ts';
import { loadText } from '../../memory/arena.ts';
import { EFAULT, EINVAL } from '../../errno.ts';
import { irqSetAffinity } from './irq-manage.ts';
import { PROC_FILES } from '../fs/proc.ts';

/** A list such as `0-1,3`; undefined when it is none. */
function parseCpuList(text: string, cpus: number): readonly number[] | undefined {
  const found = new Set<number>();
  for (const part of text.trim().split(',')) {
    const range = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (range === null) return undefined;
    const first = Number(range[1]);
    const last = Number(range[2] ?? first);
    if (last < first) return undefined;
    for (let cpu = first; cpu <= last && cpu < cpus; cpu += 1) found.add(cpu);
  }
  return [...found].sort((a, b) => a - b);
}
/** A mask in hexadecimal, words of 32 bits separated by commas. */
function parseCpuMask(text: string, cpus: number): readonly number[] | undefined {
  const digits = text.trim().replace(/,/g, '');
  if (!/^[0-9a-f]{1,16}$/i.test(digits)) return undefined;
  const mask = BigInt(`0x${digits}`);
  return Array.from({ length: cpus }, (_, cpu) => cpu).filter((cpu) => ((mask >> BigInt(cpu)) & 1n) !== 0n);
}
function cpuListText(cpus: readonly number[]): string {
  const ranges: string[] = [];
  for (let i = 0; i < cpus.length;) {
    let last = i;
    while (cpus[last + 1] === cpus[last]! + 1) last += 1;
    ranges.push(last === i ? `${cpus[i]}` : `${cpus[i]}-${cpus[last]}`);
    i = last + 1;
  }
  return ranges.join(',');
}
const cpuMaskText = (cpus: readonly number[]): string => cpus.reduce((mask, cpu) => mask | (1 << cpu), 0).toString(16);

/** kernel/irq/proc.c: writing one of the two files moves the line. */
const writeIrqAffinity = kernelFunction(
  'write_irq_affinity.isra.0',
  120,
  (m, type: number, file: File, buffer: number, count: number, _pos: number): Result => {
    const from = m.cpu.current.process?.mm.find(buffer, count) ?? -1;
    if (from < 0) return -EFAULT;
    const text = loadText(m.arena.bytes, from, count);
    const cpus = type === 0 ? parseCpuMask(text, m.cpus) : parseCpuList(text, m.cpus);
    if (cpus === undefined) return -EINVAL;
    const desc = file.inode.channel as IrqDesc;
    const error = irqSetAffinity(m, desc.irq, { address: m.scratch, cpus });
    return error === 0 ? count : error;
  },
);
const irqAffinityProcWrite = kernelFunction(
  'irq_affinity_proc_write',
  10,
  (m, file: File, buffer: number, count: number, pos: number): Result =>
    writeIrqAffinity(m, 0, file, buffer, count, pos),
);
const irqAffinityListProcWrite = kernelFunction(
  'irq_affinity_list_proc_write',
  10,
  (m, file: File, buffer: number, count: number, pos: number): Result =>
    writeIrqAffinity(m, 1, file, buffer, count, pos),
);

type Write = (m: Machine, file: File, buffer: number, count: number, pos: number) => Result;
const writable = (write: Write): FileOperations => ({
  ...PROC_FILES,
  writeIter: (m: Machine, iocb: Kiocb, from: IovIter) => write(m, iocb.file, from.buffer, from.count, iocb.pos),
});
const FILES = [
  { name: 'smp_affinity', operations: writable(irqAffinityProcWrite), text: cpuMaskText },
  { name: 'smp_affinity_list', operations: writable(irqAffinityListProcWrite), text: cpuListText },
] as const;

/** /proc/irq/N with what may be told about a line, and where it goes at the moment. */
export function registerIrqProc(m: Machine, desc: IrqDesc): void {
  const directory = `/proc/irq/${desc.irq}`;
  if (m.fileSystem.find(directory) !== undefined) return;
  for (const { name, operations, text } of FILES) {
    const inode = m.fileSystem.special(`${directory}/${name}`, REGULAR_FILE, operations);
    inode.channel = desc;
    inode.contents = () => `${text(desc.affinity)}\n`;
  }
  m.fileSystem.procFile(`${directory}/effective_affinity_list`, () => `${desc.cpu}\n`);
}
const REGULAR_FILE = 0o100644;
