import {
  controlBits,
  controlMask,
  DR6_BREAKPOINTS,
  writeDebugAddress,
  writeDebugControl,
} from '../../cpu/debug-registers.ts';
import type { BreakpointType } from '../../cpu/debug-registers.ts';
import type { Cpu } from '../../cpu/cpu.ts';
import { FLAGS } from '../../cpu/registers.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { EBUSY, EINVAL } from '../../errno.ts';

/** A watched address, as struct perf_event with its arch_hw_breakpoint: on each CPU that has it, in one of four registers. */
export interface HwBreakpoint extends KernelObject {
  /** The linear address, as halves. */
  readonly low: number;
  readonly high: number;
  readonly size: number;
  readonly type: BreakpointType;
  /** The overflow handler: runs in #DB with the registers behind (data) or at (execute) the instruction. */
  readonly hit: (m: Machine, regs: KernelObject) => void;
}

/** kernel/events/core.c */
const perfBpEvent = kernelFunction('perf_bp_event', 40, (m, bp: HwBreakpoint, data: KernelObject): void =>
  bp.hit(m, data),
);

const writeControl = (m: Machine, cpu: Cpu, n: number, bits: number): void =>
  writeDebugControl(m, cpu, (cpu.debug.control & ~controlMask(n)) | bits);

/** arch/x86/kernel/hw_breakpoint.c: puts it into a free debug register of a CPU; -EBUSY when all four are taken. */
export const archInstallHwBreakpoint = kernelFunction(
  'arch_install_hw_breakpoint',
  60,
  (m, bp: HwBreakpoint, on: number): number => {
    const cpu = m.cpuList[on]!;
    const n = cpu.breakpoints.indexOf(null);
    if (n < 0) return -EBUSY;
    const bits = controlBits(n, bp.type, bp.size);
    if (bits === undefined || (bp.low & (bp.size - 1)) !== 0) return -EINVAL;
    cpu.breakpoints[n] = bp;
    writeDebugAddress(cpu, n, bp.low, bp.high);
    writeControl(m, cpu, n, bits);
    return 0;
  },
  { traceable: false },
);
export const archUninstallHwBreakpoint = kernelFunction(
  'arch_uninstall_hw_breakpoint',
  40,
  (m, bp: HwBreakpoint, on: number): void => {
    const cpu = m.cpuList[on]!;
    const n = cpu.breakpoints.indexOf(bp);
    if (n < 0) return;
    cpu.breakpoints[n] = null;
    writeControl(m, cpu, n, 0);
  },
  { traceable: false },
);

/** The bits of DR6 that no breakpoint of the kernel's own answers for. */
export const hwBreakpointHandler = kernelFunction(
  'hw_breakpoint_handler',
  30,
  (m, regs: KernelObject, dr6: number): number => {
    const { breakpoints } = m.cpu;
    let left = dr6;
    for (let n = 0; n < breakpoints.length; n += 1) {
      const bp = breakpoints[n];
      if ((dr6 & DR6_BREAKPOINTS & (1 << n)) === 0 || bp === null || bp === undefined) continue;
      left &= ~(1 << n);
      perfBpEvent(m, bp, regs);
      // Going back to the instruction, it must not be met once more.
      const { frames } = m.arch;
      if (bp.type !== 'execute') continue;
      frames.storeFlags(m.words, regs.address, frames.loadFlags(m.words, regs.address) | FLAGS.resume);
    }
    return left;
  },
  { traceable: false },
);
