import type { Cpu } from '../../cpu/cpu.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { printk } from '../../printk.ts';
import { dumpStack, hex } from '../x86/dump-stack.ts';
import type { Task } from '../../tasks/task.ts';

/*
 * preempt_count (include/linux/preempt.h): who may not be switched away from, and why.
 *
 *   bits 0..7 preempt_disable depth (spinlocks) | 8..15 softirq | 16..19 hardirq | 20..23 NMI
 */
const SOFTIRQ_SHIFT = 8;
const HARDIRQ_SHIFT = 16;
const NMI_SHIFT = 20;

function preemptCount(cpu: Cpu): number {
  return (
    cpu.preemptDepth |
    (cpu.softirqDepth << SOFTIRQ_SHIFT) |
    (cpu.hardirqDepth << HARDIRQ_SHIFT) |
    (cpu.nmiDepth << NMI_SHIFT)
  );
}
export function isAtomic(cpu: Cpu): boolean {
  return cpu.hardirqDepth !== 0 || cpu.softirqDepth !== 0 || cpu.preemptDepth !== 0 || cpu.nmiDepth !== 0;
}

/** schedule() where nobody may sleep. */
export const scheduleBug = kernelFunction('__schedule_bug', 60, (m, prev: Task): void => {
  // __schedule() itself counts for one.
  printk(m, `BUG: scheduling while atomic: ${prev.comm}/${prev.pid}/0x${hex(preemptCount(m.cpu) + 1, 8)}`);
  printk(m, 'Modules linked in:');
  dumpStack(m);
});

/** One report a second is enough (CONFIG_DEBUG_ATOMIC_SLEEP). */
const REPORT_INTERVAL_NS = 1e9;
const mightResched = kernelFunction(
  '__might_resched',
  15,
  (m, file: KernelObject & { readonly text: string }, line: number, _offsets: number): void => {
    const { cpu } = m;
    if (!isAtomic(cpu) && cpu.interruptsEnabled) return;
    if (cpu.time - m.lastSleepReport < REPORT_INTERVAL_NS) return;
    m.lastSleepReport = cpu.time;
    const { current } = cpu;
    const count = preemptCount(cpu);
    printk(m, `BUG: sleeping function called from invalid context at ${file.text}:${line}`);
    printk(
      m,
      `in_atomic(): ${count === 0 ? 0 : 1}, irqs_disabled(): ${cpu.interruptsEnabled ? 0 : 1}, non_block: 0, ` +
        `pid: ${current.pid}, name: ${current.comm}`,
    );
    printk(m, `preempt_count: ${hex(count, 1)}, expected: 0`);
    printk(m, 'RCU nest depth: 0, expected: 0');
    dumpStack(m);
  },
  { traceable: false },
);
const mightSleepAt = kernelFunction(
  '__might_sleep',
  4,
  (m, file: KernelObject & { readonly text: string }, line: number): void => mightResched(m, file, line, 0),
  { traceable: false },
);
/** might_sleep(): functions that may sleep say so first, so that a wrong caller is found even when they do not. */
export function mightSleep(m: Machine, file: string, line: number): void {
  mightSleepAt(m, { address: m.scratch, text: file }, line);
}
