import { irqEnable } from '../cpu/local-apic.ts';
import { VECTORS } from '../cpu/descriptor-tables.ts';
import type { EntryPoint } from '../cpu/deliver.ts';
import { PT_REGS } from '../../btf/pt-regs.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { Result } from '../execution/pending.ts';
import { declareText } from '../execution/text.ts';
import type { TextSymbol } from '../execution/text.ts';
import { IRQ_WAKE_THREAD, IRQF_ONESHOT } from '../irq/irq-desc.ts';
import type { IrqAction, IrqDesc } from '../irq/irq-desc.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import {
  callFunctionSingleEntry,
  callFunctionSingleExit,
  irqHandlerEntry,
  irqHandlerExit,
  localTimerEntry,
  localTimerExit,
  rescheduleEntry,
  rescheduleExit,
} from '../tracepoints/irq.ts';
import { printk } from '../printk.ts';
import { noteInterrupt } from './irq-spurious.ts';
import { irqWakeThread } from './irq-thread.ts';
import { preemptSchedule, schedTtwuPending } from './sched.ts';
import { irqEnterRcu, irqExitRcu } from './softirq.ts';
import { hrtimerInterrupt } from './timer.ts';

/** pt_regs as an argument. */
interface Registers extends KernelObject {
  readonly address: number;
}

const localApicTimerInterrupt = kernelFunction(
  'local_apic_timer_interrupt',
  10,
  (m): void => hrtimerInterrupt(m, m.cpu.wheel),
  {
    traceable: false,
  },
);
const sysvecApicTimerInner = kernelFunction('__sysvec_apic_timer_interrupt', 15, (m, _regs: Registers): void => {
  localTimerEntry(m, VECTORS.localTimer);
  m.interruptCounts.localTimer[m.cpu.id]! += 1;
  localApicTimerInterrupt(m);
  localTimerExit(m, VECTORS.localTimer);
});
const sysvecApicTimerInterrupt = kernelFunction('sysvec_apic_timer_interrupt', 12, (m, regs: Registers): void => {
  irqEnterRcu(m);
  sysvecApicTimerInner(m, regs);
  irqExitRcu(m);
});

const sysvecRescheduleIpi = kernelFunction('sysvec_reschedule_ipi', 25, (m, _regs: Registers): void => {
  rescheduleEntry(m, VECTORS.reschedule);
  m.interruptCounts.reschedule[m.cpu.id]! += 1;
  m.cpu.needResched = true;
  rescheduleExit(m, VECTORS.reschedule);
});

const flushSmpCallFunctionQueue = kernelFunction('__flush_smp_call_function_queue', 25, (m, _warn: number): void =>
  schedTtwuPending(m, null),
);
const genericSmpCallFunctionSingle = kernelFunction('generic_smp_call_function_single_interrupt', 8, (m): void =>
  flushSmpCallFunctionQueue(m, 1),
);
const sysvecCallFunctionSingleInner = kernelFunction(
  '__sysvec_call_function_single',
  12,
  (m, _regs: Registers): void => {
    callFunctionSingleEntry(m, VECTORS.callFunctionSingle);
    m.interruptCounts.callFunction[m.cpu.id]! += 1;
    genericSmpCallFunctionSingle(m);
    callFunctionSingleExit(m, VECTORS.callFunctionSingle);
  },
);
const sysvecCallFunctionSingle = kernelFunction('sysvec_call_function_single', 12, (m, regs: Registers): void => {
  irqEnterRcu(m);
  sysvecCallFunctionSingleInner(m, regs);
  irqExitRcu(m);
});

const handleIrqEventPercpuInner = kernelFunction('__handle_irq_event_percpu', 15, (m, desc: IrqDesc): number => {
  let handled = 0;
  for (const action of desc.actions) {
    irqHandlerEntry(m, desc.irq, action);
    const ret = action.handler(m, action.irq, action.device);
    irqHandlerExit(m, desc.irq, action, ret);
    if ((ret & IRQ_WAKE_THREAD) !== 0) irqWakeThread(m, desc, action);
    handled |= ret;
  }
  return handled;
});
const handleIrqEventPercpu = kernelFunction('handle_irq_event_percpu', 10, (m, desc: IrqDesc): number => {
  const handled = handleIrqEventPercpuInner(m, desc);
  noteInterrupt(m, desc, handled);
  return handled;
});
const handleIrqEvent = kernelFunction('handle_irq_event', 14, (m, desc: IrqDesc): number => {
  const handled = handleIrqEventPercpu(m, desc);
  desc.lastHandled = m.cpu.time;
  return handled;
});
/** An interrupt of a disabled line is remembered and the line closed. */
function isDisabled(m: Machine, desc: IrqDesc): boolean {
  if (desc.depth === 0) return false;
  desc.pending = true;
  desc.chip.mask(m, desc);
  return true;
}
/** The chip may send the next one while the handlers run. */
const handleEdgeIrq = kernelFunction('handle_edge_irq', 22, (m, desc: IrqDesc): void => {
  if (isDisabled(m, desc)) return desc.chip.acknowledge(m, desc);
  desc.chip.acknowledge(m, desc);
  handleIrqEvent(m, desc);
});
const isOneshot = ({ flags }: IrqAction): boolean => (flags & IRQF_ONESHOT) !== 0;
/** Level-triggered lines: the end of interrupt comes last, when the device has let go of the line. */
const handleFasteoiIrq = kernelFunction('handle_fasteoi_irq', 20, (m, desc: IrqDesc): void => {
  if (!isDisabled(m, desc)) {
    if (desc.actions.some(isOneshot)) desc.chip.mask(m, desc);
    handleIrqEvent(m, desc);
    // cond_unmask_eoi_irq: unless a thread was woken, or nobody cared.
    if (desc.actions.some(isOneshot) && desc.oneshot === 0 && desc.depth === 0) desc.chip.unmask(m, desc);
  }
  desc.chip.acknowledge(m, desc);
});
const commonInterruptInner = kernelFunction('__common_interrupt', 14, (m, _regs: Registers, vector: number): void => {
  const desc = m.vectorIrq[vector];
  if (desc === undefined) {
    printk(m, `__common_interrupt: ${m.cpu.id}.${vector} No irq handler for vector`);
    return;
  }
  desc.counts[m.cpu.id]! += 1;
  if (desc.flow === 'edge') handleEdgeIrq(m, desc);
  else handleFasteoiIrq(m, desc);
});
const commonInterrupt = kernelFunction('common_interrupt', 12, (m, regs: Registers, vector: number): void => {
  irqEnterRcu(m);
  commonInterruptInner(m, regs, vector);
  irqExitRcu(m);
});

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
  if (m.cpu.needResched) {
    const left = preemptSchedule(m);
    return left instanceof Pending ? left.then(() => userModeWork(m)) : userModeWork(m);
  }
  return m.cpu.current.pendingSignal === 0 ? 0 : m.deliverSignal(m.cpu.current);
}
/** The end of an interrupt or exception: a program does not go on before its signals and its successor had their turn. */
export function leaveToUser(m: Machine, regs: Registers): Pending | undefined {
  if ((m.words[(regs.address + PT_REGS.cs) >> 2]! & 3) === 0) return undefined;
  if (!m.cpu.needResched && m.cpu.current.pendingSignal === 0) return undefined;
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
function entryPoint(name: string, run: (m: Machine, regs: Registers, vector: number) => void): EntryPoint {
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

export const deviceEntry: EntryPoint = entryPoint('asm_common_interrupt', (m, regs, vector) =>
  commonInterrupt(m, regs, vector),
);

/** Gates that always lead to the same code. */
export const SYSTEM_VECTORS: readonly (readonly [vector: number, entry: EntryPoint])[] = [
  [VECTORS.localTimer, entryPoint('asm_sysvec_apic_timer_interrupt', (m, regs) => sysvecApicTimerInterrupt(m, regs))],
  [
    VECTORS.callFunctionSingle,
    entryPoint('asm_sysvec_call_function_single', (m, regs) => sysvecCallFunctionSingle(m, regs)),
  ],
  [VECTORS.reschedule, entryPoint('asm_sysvec_reschedule_ipi', (m, regs) => sysvecRescheduleIpi(m, regs))],
];

/** One stub per external vector, 16 bytes each, that pushes its number and jumps to asm_common_interrupt. */
export const irqEntriesStart: TextSymbol = declareText('irq_entries_start', {
  traceable: false,
  size: 16 * (256 - 32),
});
