import type { Cpu } from '../cpu/cpu.ts';
import { storeKernelFrame } from '../cpu/user-frame.ts';
import type { Machine } from '../machine.ts';

/** pt_regs below a place of the stack, as code that is called instead of an exception builds them. */
export function storeRegisters(m: Machine, cpu: Cpu, sp: number, ip: number): number {
  const { words, abi } = m;
  const regs = (sp - 64 - abi.registersBytes) & ~15;
  words.set(cpu.registers, regs >> 2);
  storeKernelFrame(m, regs, ip, sp, cpu.fp, cpu.flags);
  words[(regs + abi.original) >> 2] = -1;
  words[((regs + abi.original) >> 2) + 1] = -1;
  return regs;
}
