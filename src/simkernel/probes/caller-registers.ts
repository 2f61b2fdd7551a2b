import { PT_REGS, PT_REGS_SIZE } from '../../btf/pt-regs.ts';
import { KERNEL_CS, KERNEL_DS } from '../cpu/registers.ts';
import { callSites } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { KERNEL_HIGH } from '../memory/arena.ts';

/** perf_fetch_caller_regs: what the running function knows of its own registers, in memory kept for it (__perf_regs). */
export function fetchCallerRegisters(m: Machine): KernelObject {
  const { cpu, words } = m;
  const regs = m.callerRegisters;
  const at = regs >> 2;
  words.fill(0, at, at + PT_REGS_SIZE / 4);
  const ip = cpu.fn.entry + (cpu.fn.sites ?? callSites(cpu.fn))[0]!;
  const pairs = [
    [PT_REGS.bp, cpu.fp, KERNEL_HIGH],
    [PT_REGS.ip, ip | 0x80000000, -1],
    [PT_REGS.cs, KERNEL_CS, 0],
    [PT_REGS.flags, cpu.flags, 0],
    [PT_REGS.sp, cpu.sp, KERNEL_HIGH],
    [PT_REGS.ss, KERNEL_DS, 0],
  ] as const;
  for (const [offset, low, high] of pairs) {
    words[at + offset / 4] = low;
    words[at + offset / 4 + 1] = high;
  }
  return { address: regs };
}
