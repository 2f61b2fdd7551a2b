import { PT_REGS } from '../../btf/pt-regs.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { textSymbolAt } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import { printk } from '../printk.ts';
import { walkKernelStack } from '../probes/stack.ts';
import { KERNEL_RELEASE } from '../version.ts';

const MAX_FRAMES = 64;

export const hex = (value: number, width: number): string => (value >>> 0).toString(16).padStart(width, '0');
/** The 64-bit word at an arena offset, in hexadecimal. */
export const wordAt = (m: Machine, at: number): string => hex(m.words[(at >> 2) + 1]!, 8) + hex(m.words[at >> 2]!, 8);

/** `symbol+0xoffset/0xsize`, as %pS prints it. */
export function place(low: number): string {
  const offset = low & 0x7fffffff;
  const symbol = textSymbolAt(offset);
  if (symbol === undefined) return `0xffffffff${hex(low, 8)}`;
  return `${symbol.name}+0x${(offset - symbol.entry).toString(16)}/0x${symbol.size.toString(16)}`;
}

/** Who runs where, as every report of the kernel begins. */
export function printOwner(m: Machine): void {
  const { current: task, id } = m.cpu;
  printk(m, `CPU: ${id} UID: ${task.uid} PID: ${task.pid} Comm: ${task.comm} Not tainted ${KERNEL_RELEASE} #1`);
}

/**
 * The call trace from where `m.trace` points. What an interrupt does stands between <IRQ> and </IRQ>, then comes the place
 * that it interrupted and the rest of the task's own stack.
 */
export function printCallTrace(m: Machine): void {
  const frames: { readonly low: number; readonly regs: number }[] = [];
  walkKernelStack(m, (low, regs) => {
    frames.push({ low, regs });
    return frames.length < MAX_FRAMES;
  });
  const inInterrupt = m.cpu.hardirqDepth + m.cpu.softirqDepth > 0;
  // The innermost entry stub that leads to the task's stack.
  const entry = inInterrupt ? frames.findLastIndex(({ regs }) => regs !== 0) - 1 : -1;
  printk(m, 'Call Trace:');
  printk(m, inInterrupt ? ' <IRQ>' : ' <TASK>');
  frames.forEach(({ low, regs }, i) => {
    if (inInterrupt && i === entry) {
      printk(m, ' </IRQ>');
      printk(m, ' <TASK>');
    }
    if (regs === 0) {
      printk(m, ` ${place(low)}`);
      return;
    }
    printk(m, `RIP: 0010:${place(low)}`);
    printk(m, `RSP: 0018:${wordAt(m, regs + PT_REGS.sp)} EFLAGS: ${hex(m.words[(regs + PT_REGS.flags) >> 2]!, 8)}`);
  });
  printk(m, inInterrupt && entry < 0 ? ' </IRQ>' : ' </TASK>');
}

const dumpStackLvl = kernelFunction('dump_stack_lvl', 400, (m, _level: null): void => {
  printOwner(m);
  m.traceHere();
  printCallTrace(m);
});
export const dumpStack = kernelFunction('dump_stack', 20, (m): void => dumpStackLvl(m, null));
