import { kernelFunction } from './execution/kernel-function.ts';
import { createIrqWork, irqWorkQueue } from './functions/kernel/irq-work.ts';
import type { IrqWork } from './functions/kernel/irq-work.ts';
import { wakeUpProcess } from './functions/kernel/sched.ts';
import type { Machine } from './machine.ts';
import { tracepoint } from './tracepoints/tracepoint.ts';
import type { Tracepoint } from './tracepoints/tracepoint.ts';
import type { KernelObject } from './memory/arena.ts';

const console: Tracepoint<[text: KernelObject & { readonly text: string }, length: number]> = tracepoint(
  'printk:console',
  2,
  (f) => {
    const msg = f.text('msg');
    return (text, _length) => msg(text.text);
  },
);

/** A line of the kernel log. */
export interface LogLine {
  readonly timeNs: number;
  readonly text: string;
}

/** Writes lines to the kernel log, where dmesg finds them. */
export function printk(m: Machine, text: string): void {
  const timeNs = m.now();
  for (const line of text.split('\n')) {
    m.kernelLog.push({ timeNs, text: line });
    console(m, { address: m.scratch, text: `${line}\n` }, line.length + 1);
  }
  if (m.kernelLogReaders.length > 0) wakeUpKlogd(m, PRINTK_PENDING_WAKEUP);
}

/** Whoever waits for the log is woken from an irq_work: printk() is called where nobody may be. */
const wakeUpKlogdWorkFunc = kernelFunction('wake_up_klogd_work_func', 12, (m, _work: IrqWork): void => {
  for (const reader of m.kernelLogReaders.splice(0)) wakeUpProcess(m, reader);
});
const PRINTK_PENDING_WAKEUP = 1;
const wakeUpKlogd = kernelFunction('__wake_up_klogd', 15, (m, _val: number): void => {
  const work = (m.cpu.klogdWork ??= createIrqWork(m, wakeUpKlogdWorkFunc));
  irqWorkQueue(m, work);
});

const SECONDS_WIDTH = 12;
/** As dmesg prints it. */
export function formatLogLine({ timeNs, text }: LogLine): string {
  return `[${(timeNs / 1e9).toFixed(6).padStart(SECONDS_WIDTH)}] ${text}\n`;
}
