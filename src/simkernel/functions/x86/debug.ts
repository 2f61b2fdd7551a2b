import { DR6_BREAKPOINTS, DR6_RESERVED, DR6_STEP, writeDebugControl } from '../../cpu/debug-registers.ts';
import type { EntryPoint } from '../../cpu/deliver.ts';
import { FLAGS } from '../../cpu/registers.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { declareText } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { printk } from '../../printk.ts';
import { dumpStack, hex } from './dump-stack.ts';
import { hwBreakpointHandler } from './hw-breakpoint.ts';
import { leaveToUser } from './irq-entry.ts';
import { isUser } from './oops.ts';
import { forceSig } from '../kernel/signal.ts';
import { SIGTRAP } from '../../tasks/signals.ts';

/** Somebody who single-steps: takes the bits of DR6 that are his, returns the others. */
export type DebugNotifier = (m: Machine, regs: KernelObject, dr6: number) => number;

/** Reads DR6 and clears it: what it says must not be taken for the next trap's. */
function takeStatus(m: Machine): number {
  const { debug } = m.cpu;
  const { status } = debug;
  debug.status = DR6_RESERVED;
  return status ^ DR6_RESERVED;
}
const notifyDebug = kernelFunction(
  'notify_debug',
  15,
  (m, regs: KernelObject, dr6: number): number => {
    let left = hwBreakpointHandler(m, regs, dr6);
    for (const notify of m.debugNotifiers) left = notify(m, regs, left);
    return left;
  },
  { traceable: false },
);

/** In the kernel only kprobes step and only perf sets breakpoints: other steps are reported and come to an end. */
const excDebugKernel = kernelFunction(
  'exc_debug_kernel',
  25,
  (m, regs: KernelObject, dr6: number): void => {
    const { cpu } = m;
    // local_db_save: what the handlers touch does not trap.
    const { control } = cpu.debug;
    writeDebugControl(m, cpu, 0);
    cpu.nmiDepth += 1;
    const left = notifyDebug(m, regs, dr6);
    if ((left & DR6_STEP) !== 0) {
      const { words, abi } = m;
      const { frames } = m.arch;
      printk(m, `WARNING: single step in kernel mode at ${hex(words[(regs.address + abi.ip) >> 2]!, 8)}`);
      dumpStack(m);
      frames.storeFlags(words, regs.address, frames.loadFlags(words, regs.address) & ~FLAGS.trap);
    }
    cpu.nmiDepth -= 1;
    writeDebugControl(m, cpu, control);
  },
  { traceable: false },
);
/** A program gets SIGTRAP for what nobody else has asked for. */
const excDebugUser = kernelFunction(
  'exc_debug_user',
  25,
  (m, regs: KernelObject, dr6: number): void => {
    const left = notifyDebug(m, regs, dr6);
    if ((left & (DR6_STEP | DR6_BREAKPOINTS)) !== 0) forceSig(m, SIGTRAP);
  },
  { traceable: false },
);

/** Vector 1: single steps and the breakpoints of the debug registers. */
export const debugEntry: EntryPoint = {
  symbol: declareText('asm_exc_debug', { traceable: false, site: 0x26 }),
  run(m, address) {
    const regs = { address };
    const dr6 = takeStatus(m);
    if (!isUser(m, regs)) {
      excDebugKernel(m, regs, dr6);
      return undefined;
    }
    excDebugUser(m, regs, dr6);
    return leaveToUser(m, regs);
  },
};
