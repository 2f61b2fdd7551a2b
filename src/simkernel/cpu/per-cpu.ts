import { PER_CPU_SECTION } from '../../btf/decode.ts';
import { kernelTypes } from '../kernel-types.ts';
import type { Machine } from '../machine.ts';
import { addressHigh, addressLow, storeNumber } from '../memory/arena.ts';
import type { KernelObject } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import { RQ } from '../tasks/run-queue.ts';
import type { Cpu } from './cpu.ts';
import { PAGE_SIZE } from '../memory/sizes.ts';

/** Where the variables that the machine keeps up to date lie in each CPU's area. */
export const PER_CPU = structFields(PER_CPU_SECTION, {
  runqueues: 'runqueues',
  processCounts: 'process_counts',
  number: 'cpu_number',
  ownOffset: 'this_cpu_off',
  currentTask: 'current_task',
  ksoftirqd: 'ksoftirqd',
});

/** The section in the image, whose addresses symbols have; the copies that programs use are elsewhere. */
export function allocatePerCpuSection(m: Pick<Machine, 'arena'>): number {
  return m.arena.allocateImage(PER_CPU.size, PAGE_SIZE);
}

/** setup_per_cpu_areas: one CPU's copy of all variables. */
export function createPerCpuArea(m: Machine, id: number): number {
  const area = m.arena.allocate(PER_CPU.size, PAGE_SIZE);
  m.words[(area + PER_CPU.number) >> 2] = id;
  const distance = (addressHigh(area) - addressHigh(m.perCpuSection)) * 2 ** 32;
  storeNumber(
    m.words,
    area + PER_CPU.ownOffset,
    distance + (addressLow(area) >>> 0) - (addressLow(m.perCpuSection) >>> 0),
  );
  return area;
}

/** `current`, and what the run queue says of it. Tasks lie in the heap: upper halves stay what they are from the beginning. */
export function storeCurrent(words: Int32Array, cpu: Cpu, task: KernelObject): void {
  words[(cpu.perCpu + PER_CPU.currentTask) >> 2] = task.address;
  words[(cpu.runQueue.address + RQ.current) >> 2] = task.address;
}

/** nr_processes() is the sum over all CPUs: a process may end on another CPU than it began on. */
export function countProcess(m: Machine, by: 1 | -1): void {
  m.words[(m.cpu.perCpu + PER_CPU.processCounts) >> 2]! += by;
}

/** Offset in the section of a kernel address; undefined outside. */
function placeInSection(m: Machine, low: number, high: number): number | undefined {
  const offset = (low & 0x7fff_ffff) - m.perCpuSection;
  return high === -1 && offset >= 0 && offset < PER_CPU.size ? offset : undefined;
}

/** per_cpu_ptr(): arena offset of a CPU's copy of the variable with this address, 0 when there is no such CPU. */
export function perCpuCopy(m: Machine, low: number, high: number, cpu: number): number {
  const offset = placeInSection(m, low, high);
  const owner = m.cpuList[cpu];
  return offset === undefined || owner === undefined ? 0 : owner.perCpu + offset;
}

/** Address of the variable with this number in BTF. */
export function perCpuVariable(m: Machine, id: number): { readonly low: number; readonly high: number } | undefined {
  const variable = kernelTypes().perCpuVariable(id);
  if (variable === undefined) return undefined;
  const at = m.perCpuSection + variable.offset;
  return { low: addressLow(at), high: addressHigh(at) };
}

/** Image offset of a variable of that name. */
export function perCpuSymbol(m: Machine, name: string): number | undefined {
  const variable = kernelTypes().perCpuVariable(name);
  return variable === undefined ? undefined : m.perCpuSection + variable.offset;
}

/** The variable at an address of the section. */
export function perCpuSymbolAt(
  m: Machine,
  low: number,
  high: number,
): { readonly name: string; readonly offset: number } | undefined {
  const at = placeInSection(m, low, high);
  if (at === undefined) return undefined;
  const before = (kernelTypes().dataSection(PER_CPU_SECTION) ?? []).filter(({ offset }) => offset <= at);
  const last = before.reduce((a, b) => (b.offset > a.offset ? b : a), before[0]!);
  return last === undefined ? undefined : { name: last.name, offset: at - last.offset };
}
