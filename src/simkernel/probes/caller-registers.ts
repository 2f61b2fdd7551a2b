import { storeKernelFrame } from '../cpu/user-frame.ts';
import { callSites } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';

/** perf_fetch_caller_regs: what the running function knows of its own registers, in memory kept for it (__perf_regs). */
export function fetchCallerRegisters(m: Machine): KernelObject {
  const { cpu, words } = m;
  const regs = m.callerRegisters;
  const at = regs >> 2;
  words.fill(0, at, at + m.abi.registersBytes / 4);
  const ip = cpu.fn.entry + (cpu.fn.sites ?? callSites(cpu.fn))[m.siteBase]!;
  storeKernelFrame(m, regs, ip, cpu.sp, cpu.fp, cpu.flags);
  return { address: regs };
}
