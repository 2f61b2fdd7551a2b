import type { EntryPoint } from '../../cpu/deliver.ts';
import { isUserFrame } from '../../cpu/user-frame.ts';
import { MachineHalted, TaskDied } from '../../execution/halt.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { KernelFunction } from '../../execution/kernel-function.ts';
import type { Pending } from '../../execution/pending.ts';
import { declareText } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import { KERNEL_HIGH } from '../../memory/arena.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { KERNEL_STACK_SIZE } from '../../tasks/task.ts';
import { printk } from '../../printk.ts';
import { hex, place, printCallTrace, printOwner, printPlace, printRegisters, wordAt } from './dump-stack.ts';
import { printTrap, trim } from './trap-report.ts';
import { leaveToUser } from './irq-entry.ts';
import { forceSig } from '../kernel/signal.ts';
import { SIGTRAP, SIGSEGV } from '../../tasks/signals.ts';

export const isUser = (m: Machine, regs: KernelObject): boolean => isUserFrame(m, regs.address);

/** Prints why, and stops the machine for good. */
const panic = kernelFunction('vpanic', 0, (m, reason: KernelObject & { readonly text: string }): never => {
  printk(m, `Kernel panic - not syncing: ${reason.text}`);
  printk(m, `---[ end Kernel panic - not syncing: ${reason.text} ]---`);
  throw new MachineHalted(`Kernel panic - not syncing: ${reason.text}`);
});
function panicWith(m: Machine, text: string): never {
  return panic(m, { address: m.scratch, text });
}

/** The oops: what is known about the machine, and the end of whoever ran, or of everything. */
export const die: KernelFunction<
  [reason: KernelObject & { readonly text: string }, regs: KernelObject, error: number],
  never
> = kernelFunction(
  'die',
  200,
  (m, reason: KernelObject & { readonly text: string }, regs: KernelObject, error: number): never => {
    const { cpu } = m;
    const { current: task } = cpu;
    const { words } = m;
    const at = regs.address;
    m.oopses += 1;
    printk(m, `Oops: ${reason.text}: ${hex(error & 0xffff, 4)} [#${m.oopses}] SMP NOPTI`);
    printOwner(m);
    printPlace(m, at);
    printRegisters(m, at);
    m.traceFrom(words[(at + m.abi.ip) >> 2]!, words[(at + m.abi.fp) >> 2]!, 0);
    printCallTrace(m);
    printk(m, '---[ end trace 0000000000000000 ]---');
    if (cpu.hardirqDepth > 0 || cpu.softirqDepth > 0) panicWith(m, 'Fatal exception in interrupt');
    if (task === cpu.idle) panicWith(m, 'Attempted to kill the idle task!');
    if (task.pid === 1) panicWith(m, `Attempted to kill init! exitcode=0x${hex(SIGSEGV, 8)}`);
    throw new TaskDied(SIGSEGV);
  },
);
/** arch/x86/kernel/traps.c: a program gets SIGSEGV, the kernel an oops. */
const excGeneralProtection = kernelFunction(
  'exc_general_protection',
  60,
  (m, regs: KernelObject, error: number): void => {
    const name = error === 0 ? 'general protection fault' : 'segment-related general protection fault';
    if (!isUser(m, regs)) die(m, { address: m.scratch, text: name }, regs, error);
    printTrap(m, regs, 'general protection fault', error);
    forceSig(m, SIGSEGV);
  },
  { traceable: false },
);

/** arch/x86/kernel/dumpstack.c: says which stack was too small; the task that filled its own dies of it, an interrupt takes the machine along. */
const handleStackOverflow = kernelFunction(
  'handle_stack_overflow',
  40,
  (
    m,
    regs: KernelObject,
    faultAddress: number,
    info: KernelObject & { readonly name: string; readonly end: number },
  ): never => {
    const at = (offset: number): string => hex(KERNEL_HIGH, 8) + hex(offset, 8);
    printk(
      m,
      `BUG: ${info.name} stack guard page was hit at ${at(faultAddress)} (stack is ${at(info.address)}..${at(info.end - 1)})`,
    );
    die(m, { address: m.scratch, text: 'stack guard page' }, regs, 0);
    return panicWith(m, `${info.name} stack guard hit`);
  },
  { traceable: false },
);

const excDoubleFault = kernelFunction(
  'exc_double_fault',
  60,
  (m, regs: KernelObject, error: number): void => {
    const { cpu } = m;
    const { guardPageHit: hit } = cpu;
    if (hit !== 0) {
      cpu.guardPageHit = 0;
      const { stack, stackTop } = cpu.current;
      const isTask = hit < stack && hit >= stack - KERNEL_STACK_SIZE;
      const end = isTask ? stackTop : cpu.irqStackTop;
      handleStackOverflow(m, regs, hit, { address: end - KERNEL_STACK_SIZE, name: isTask ? 'TASK' : 'IRQ', end });
    }
    printk(m, `traps: PANIC: double fault, error_code: 0x${error.toString(16)}`);
    printOwner(m);
    if (isUser(m, regs)) printk(m, `RIP: 0033:0x${trim(wordAt(m, regs.address + m.abi.ip))}`);
    else printk(m, `RIP: 0010:${place(m, m.words[(regs.address + m.abi.ip) >> 2]!)}`);
    panicWith(m, 'Machine halted.');
  },
  { traceable: false },
);

/** A breakpoint that no probe of ours owns, in a program. */
export function trapUser(m: Machine): void {
  forceSig(m, SIGTRAP);
}

function entry(name: string, handler: (m: Machine, regs: KernelObject, error: number) => void): EntryPoint {
  return {
    symbol: declareText(name, { traceable: false, site: 0x26 }),
    run(m: Machine, address): Pending | undefined {
      const regs = { address };
      handler(m, regs, m.words[(address + m.abi.original) >> 2]!);
      return leaveToUser(m, regs);
    },
  };
}
export const generalProtectionEntry = entry('asm_exc_general_protection', (m, regs, error) =>
  excGeneralProtection(m, regs, error),
);
export const doubleFaultEntry = entry('asm_exc_double_fault', (m, regs, error) => excDoubleFault(m, regs, error));
