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
}

const SECONDS_WIDTH = 12;
/** As dmesg prints it. */
export function formatLogLine({ timeNs, text }: LogLine): string {
  return `[${(timeNs / 1e9).toFixed(6).padStart(SECONDS_WIDTH)}] ${text}\n`;
}
