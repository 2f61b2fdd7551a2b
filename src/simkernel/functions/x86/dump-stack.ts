import type { AbiName } from '../../../btf/abi/abis.ts';
import { PT_REGS } from '../../../btf/pt-regs.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { textSymbolAt } from '../../execution/text.ts';
import { codeSize } from '../../probes/symbols.ts';
import type { Machine } from '../../machine.ts';
import { printk } from '../../printk.ts';
import { walkKernelStack } from '../../probes/stack.ts';
import { KERNEL_RELEASE } from '../../version.ts';

const MAX_FRAMES = 64;

export const hex = (value: number, width: number): string => (value >>> 0).toString(16).padStart(width, '0');
/** The 64-bit word at an arena offset, in hexadecimal. */
export const wordAt = (m: Machine, at: number): string => hex(m.words[(at >> 2) + 1]!, 8) + hex(m.words[at >> 2]!, 8);

/** `symbol+0xoffset/0xsize`, as %pS prints it. */
export function place(m: Machine, low: number): string {
  const offset = low & 0x7fffffff;
  const symbol = textSymbolAt(offset);
  if (symbol === undefined) return `0xffffffff${hex(low, 8)}`;
  return `${m.arch.ownName(symbol.name)}+0x${(offset - symbol.entry).toString(16)}/0x${codeSize(m, symbol).toString(16)}`;
}

/** Who runs where, as every report of the kernel begins. */
export function printOwner(m: Machine): void {
  const { current: task, id } = m.cpu;
  printk(m, `CPU: ${id} UID: ${task.uid} PID: ${task.pid} Comm: ${task.comm} Not tainted ${KERNEL_RELEASE} #1`);
}

const X86_ROWS = [
  ['ax', 'bx', 'cx'],
  ['dx', 'si', 'di'],
  ['bp', 'r8', 'r9'],
  ['r10', 'r11', 'r12'],
  ['r13', 'r14', 'r15'],
] as const;
function label(name: string): string {
  return /^r\d$/.test(name)
    ? `R0${name.slice(1)}`
    : name.startsWith('r')
      ? name.toUpperCase()
      : `R${name.toUpperCase()}`;
}
const ARM64_ROWS = Array.from({ length: 10 }, (_, i) => [29 - 3 * i, 28 - 3 * i, 27 - 3 * i]);

/** How each architecture's show_regs names registers: where the CPU was, then the general ones. */
const REPORTS: Record<
  AbiName,
  { readonly place: (m: Machine, at: number) => void; readonly registers: (m: Machine, at: number) => void }
> = {
  x86_64: {
    place(m, at) {
      printk(m, `RIP: 0010:${place(m, m.words[(at + PT_REGS.ip) >> 2]!)}`);
      printk(m, `RSP: 0018:${wordAt(m, at + PT_REGS.sp)} EFLAGS: ${hex(m.words[(at + PT_REGS.flags) >> 2]!, 8)}`);
    },
    registers(m, at) {
      for (const row of X86_ROWS) {
        printk(m, row.map((name) => `${label(name)}: ${wordAt(m, at + PT_REGS[name])}`).join(' '));
      }
    },
  },
  arm64: {
    place(m, at) {
      const { abi, words } = m;
      printk(m, `pstate: ${hex(words[(at + abi.flags) >> 2]!, 8)}`);
      printk(m, `pc : ${place(m, words[(at + abi.ip) >> 2]!)}`);
      printk(m, `lr : ${place(m, words[(at + abi.link!) >> 2]!)}`);
      printk(m, `sp : ${wordAt(m, at + abi.sp)}`);
    },
    registers(m, at) {
      for (const row of ARM64_ROWS) {
        printk(m, row.map((n) => `${`x${n}`.padEnd(3)}: ${wordAt(m, at + 8 * n)}`).join(' '));
      }
    },
  },
};
/** Where pushed registers say that the CPU was. */
export function printPlace(m: Machine, regs: number): void {
  REPORTS[m.abi.name].place(m, regs);
}
export function printRegisters(m: Machine, regs: number): void {
  REPORTS[m.abi.name].registers(m, regs);
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
      printk(m, ` ${place(m, low)}`);
      return;
    }
    printPlace(m, regs);
  });
  printk(m, inInterrupt && entry < 0 ? ' </IRQ>' : ' </TASK>');
}

const dumpStackLvl = kernelFunction(
  'dump_stack_lvl',
  400,
  (m, _level: null): void => {
    printOwner(m);
    m.traceHere();
    printCallTrace(m);
  },
  { traceable: false },
);
export const dumpStack = kernelFunction('dump_stack', 20, (m): void => dumpStackLvl(m, null), { traceable: false });
