import type { Machine } from '../machine.ts';
import { storeNumber } from '../memory/arena.ts';
import type { Cpu } from './cpu.ts';
import { PT_REGS } from '../../btf/pt-regs.ts';
import { USER_CS, USER_DS } from './registers.ts';

/** SS, RSP, RFLAGS, CS, RIP and RBP of the user program that the CPU leaves for the kernel. */
export function storeUserFrame(words: Int32Array, cpu: Cpu, regs: number): void {
  const { user } = cpu.current;
  const at = regs >> 2;
  storeNumber(words, regs + PT_REGS.bp, user?.fp ?? 0);
  storeNumber(words, regs + PT_REGS.ip, user?.ip ?? 0);
  words[at + PT_REGS.cs / 4] = USER_CS;
  words[at + PT_REGS.cs / 4 + 1] = 0;
  words[at + PT_REGS.flags / 4] = cpu.flags;
  words[at + PT_REGS.flags / 4 + 1] = 0;
  storeNumber(words, regs + PT_REGS.sp, user?.sp ?? 0);
  words[at + PT_REGS.ss / 4] = USER_DS;
  words[at + PT_REGS.ss / 4 + 1] = 0;
}

/** user_mode(get_irq_regs()): whether the interrupt being served came in user mode. */
export function irqFromUser(m: Machine, cpu: Cpu): boolean {
  return cpu.irqRegs !== 0 && (m.words[(cpu.irqRegs + PT_REGS.cs) >> 2]! & 3) !== 0;
}
