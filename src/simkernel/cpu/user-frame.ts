import type { Machine } from '../machine.ts';
import { KERNEL_HIGH, storeNumber } from '../memory/arena.ts';
import type { Cpu } from './cpu.ts';

/** Mode, instruction, stack and frame pointer of the user program that the CPU leaves for the kernel. */
export function storeUserFrame(m: Machine, cpu: Cpu, regs: number): void {
  const { words, abi, arch } = m;
  const { user } = cpu.current;
  storeNumber(words, regs + abi.fp, user?.fp ?? 0);
  storeNumber(words, regs + abi.ip, user?.ip ?? 0);
  storeNumber(words, regs + abi.sp, user?.sp ?? 0);
  arch.frames.storeMode(words, regs, cpu.flags, true);
}

/** The same of code of the kernel, from image offsets. */
export function storeKernelFrame(m: Machine, regs: number, ip: number, sp: number, fp: number, flags: number): void {
  const { words, abi, arch } = m;
  const at = regs >> 2;
  words[at + abi.fp / 4] = fp;
  words[at + abi.fp / 4 + 1] = KERNEL_HIGH;
  words[at + abi.ip / 4] = ip | 0x80000000;
  words[at + abi.ip / 4 + 1] = -1;
  words[at + abi.sp / 4] = sp;
  words[at + abi.sp / 4 + 1] = KERNEL_HIGH;
  arch.frames.storeMode(words, regs, flags, false);
}

/** user_mode(regs) */
export function isUserFrame(m: Machine, regs: number): boolean {
  const { at, mask, value } = m.abi.userMode;
  return (m.words[(regs + at) >> 2]! & mask) === value;
}

/** user_mode(get_irq_regs()): whether the interrupt being served came in user mode. */
export function irqFromUser(m: Machine, cpu: Cpu): boolean {
  return cpu.irqRegs !== 0 && isUserFrame(m, cpu.irqRegs);
}
