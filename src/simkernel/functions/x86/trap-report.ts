import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { printk } from '../../printk.ts';
import { wordAt } from './dump-stack.ts';

export const trim = (digits: string): string => digits.replace(/^0+(?=.)/, '');

/** ` in name[offset,start+size]`: the mapping that the instruction pointer is in. */
function mappingText(m: Machine, ip: number): string {
  const mapping = m.cpu.current.process?.mm.mappingAt(ip);
  if (mapping === undefined || mapping.image === null) return '';
  const { image, start, size } = mapping;
  const name = image.path.slice(image.path.lastIndexOf('/') + 1);
  return ` in ${name}[${(ip - start).toString(16)},${start.toString(16)}+${size.toString(16)}]`;
}
/** What show_signal tells about a program that dies of a trap. */
export function printTrap(m: Machine, regs: KernelObject, what: string, error: number): void {
  const { current: task } = m.cpu;
  const at = regs.address;
  printk(
    m,
    `traps: ${task.comm}[${task.pid}] ${what} ip:${trim(wordAt(m, at + m.abi.ip))} ` +
      `sp:${trim(wordAt(m, at + m.abi.sp))} error:${error.toString(16)}${mappingText(m, task.user?.ip ?? 0)}`,
  );
}
