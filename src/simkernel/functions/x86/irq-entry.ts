import { irqEnable } from '../../cpu/local-apic.ts';
import { uprobeNotifyResume } from '../kernel/uprobes.ts';
import type { EntryPoint } from '../../cpu/deliver.ts';
import { isUserFrame } from '../../cpu/user-frame.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import { declareText } from '../../execution/text.ts';
import type { TextSymbol } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { printk } from '../../printk.ts';
import { handleEdgeIrq, handleFasteoiIrq } from '../kernel/irq-flow.ts';
import { preemptSchedule } from '../kernel/sched.ts';
import { irqEnterRcu, irqExitRcu } from '../kernel/softirq.ts';

/** pt_regs as an argument. */
export interface Registers extends KernelObject {
  readonly address: number;
}

/** kernel/entry/common.c: before user mode, whatever must be done first. */
export const exitToUserModeLoop = kernelFunction(
  'exit_to_user_mode_loop',
  15,
  (m): Result => {
    irqEnable(m);
    return userModeWork(m);
  },
  { traceable: false },
);
function userModeWork(m: Machine): Result {
  if (m.cpu.current.uprobes?.pending === true) uprobeNotifyResume(m, m.cpu.current.userRegs);
  if (m.cpu.needResched) {
    const left = preemptSchedule(m);
    return left instanceof Pending ? left.then(() => userModeWork(m)) : userModeWork(m);
  }
  return m.cpu.current.pendingSignal === 0 ? 0 : m.deliverSignal(m.cpu.current);
}
/** The end of an interrupt or exception: a program does not go on before its signals and its successor had their turn. */
export function leaveToUser(m: Machine, regs: Registers): Pending | undefined {
  if (!isUserFrame(m, regs.address)) return undefined;
  const { needResched, current } = m.cpu;
  if (!needResched && current.pendingSignal === 0 && current.uprobes?.pending !== true) return undefined;
  const left = irqentryExitToUserMode(m, regs);
  return left instanceof Pending ? left : undefined;
}
const irqentryExitToUserMode = kernelFunction(
  'irqentry_exit_to_user_mode',
  8,
  (m, _regs: Registers): Result => exitToUserModeLoop(m),
  { traceable: false },
);

/** Common shape of device and system vectors: C handler on the pushed registers, then the way back. */
export function entryPoint(name: string, run: (m: Machine, regs: Registers, vector: number) => void): EntryPoint {
  const symbol = declareText(name, { traceable: false, site: ENTRY_SITE });
  return {
    symbol,
    run(m, address, vector) {
      const regs = { address };
      const { cpu } = m;
      const { sp } = cpu;
      // run_irq_on_irqstack_cond: the outermost interrupt gets the CPU's interrupt stack; frame pointers lead back.
      if (cpu.hardirqDepth === 0 && cpu.softirqDepth === 0) cpu.sp = cpu.irqStackTop - 16;
      run(m, regs, vector);
      cpu.sp = sp;
      return leaveToUser(m, regs);
    },
  };
}
/** All asm_* stubs have the same shape (idtentry), and so the same return address. */
const ENTRY_SITE = 0x1a;

const commonInterruptInner = kernelFunction('__common_interrupt', 14, (m, _regs: Registers, vector: number): void => {
  const desc = m.cpu.vectorIrq[vector];
  if (desc === undefined) {
    printk(m, `__common_interrupt: ${m.cpu.id}.${vector} No irq handler for vector`);
    return;
  }
  desc.counts[m.cpu.id]! += 1;
  if (desc.flow === 'edge') handleEdgeIrq(m, desc);
  else handleFasteoiIrq(m, desc);
});
const commonInterrupt = kernelFunction(
  'common_interrupt',
  12,
  (m, regs: Registers, vector: number): void => {
    irqEnterRcu(m);
    commonInterruptInner(m, regs, vector);
    irqExitRcu(m);
  },
  { traceable: false },
);

export const deviceEntry: EntryPoint = entryPoint('asm_common_interrupt', (m, regs, vector) =>
  commonInterrupt(m, regs, vector),
);

/** One stub per external vector, 16 bytes each, that pushes its number and jumps to asm_common_interrupt. */
export const irqEntriesStart: TextSymbol = declareText('irq_entries_start', {
  traceable: false,
  size: 16 * (256 - 32),
});
