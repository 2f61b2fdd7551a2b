import { deliver } from '../../cpu/deliver.ts';
import { VECTORS } from '../../cpu/descriptor-tables.ts';
import type { Machine } from '../../machine.ts';
import { addressLow, KERNEL_HIGH } from '../../memory/arena.ts';
import { X86_PF_WRITE } from '../../cpu/page-fault-code.ts';

/** The running kernel code touches an address at which nothing is mapped: #PF, which does not come back. */
export function faultAt(m: Machine, address: number, write: boolean): void {
  m.cpu.cr2 = address;
  deliver(m, m.cpu, VECTORS.pageFault, 0, write ? X86_PF_WRITE : 0);
}

/** Reads 64 bits through a kernel pointer, as a driver does without looking. */
export function readKernelWord(m: Machine, address: number): number {
  const high = Math.floor(address / 4294967296) | 0;
  const at = high === KERNEL_HIGH || high === -1 ? m.arena.kernelAddress(addressLow(address | 0), high, 8) : -1;
  if (at < 0) faultAt(m, address, false);
  return (m.words[at >> 2]! >>> 0) + m.words[(at >> 2) + 1]! * 4294967296;
}
