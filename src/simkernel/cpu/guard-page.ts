import type { TextSymbol } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import { KERNEL_STACK_SIZE } from '../tasks/task.ts';
import type { Cpu } from './cpu.ts';
import { deliver } from './deliver.ts';
import { VECTORS } from './descriptor-tables.ts';

/** Stacks of the kernel lie on multiples of their size (those of exceptions too, though they are smaller): an address tells its stack. */
export const STACK_MASK = -KERNEL_STACK_SIZE;

/**
 * A call reaches below the stack, where no page is mapped: the push faults, and so does the push of the page fault's own
 * frame. A fault that cannot be delivered is a double fault, which has a stack of its own.
 */
export function hitGuardPage(m: Machine, cpu: Cpu, callee: TextSymbol, below: number): void {
  cpu.guardPageHit = below;
  cpu.fn = callee;
  deliver(m, cpu, VECTORS.doubleFault, callee.entry + m.arch.kernelCode.stackLowered(callee.traceable), 0);
}
