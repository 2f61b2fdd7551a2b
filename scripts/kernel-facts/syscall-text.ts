import { SYSCALL_BLOCKS } from './syscall-numbers.ts';
import type { Format } from './tracepoint-text.ts';

/** One line a system call: number, name (`name:entry` where they differ) and, in C, its parameters. */
export function encodeSyscalls(formats: readonly Format[]): string {
  const parameters = new Map<string, string>();
  for (const { category, name, fields } of formats) {
    if (category !== 'syscalls' || !name.startsWith('sys_enter_')) continue;
    // __syscall_nr leads; the strings that the record copies from user memory follow the arguments.
    const own = fields.slice(1).filter((field) => !field.type.startsWith('__data_loc'));
    parameters.set(name.slice('sys_enter_'.length), own.map((field) => `${field.type} ${field.name}`).join(', '));
  }
  const lines: string[] = [];
  for (const { first, names } of SYSCALL_BLOCKS) {
    names
      .trim()
      .split(/\s+/)
      .forEach((word, i) => {
        const entry = word.split(':').at(-1)!;
        const text = parameters.get(entry);
        parameters.delete(entry);
        // A number without tracepoints is a call that this kernel does not have.
        if (text !== undefined) lines.push(`${first + i}\t${word}\t${text}`);
      });
  }
  if (parameters.size > 0) throw new Error(`no number for ${[...parameters.keys()].join(' ')}`);
  return `${lines.join('\n')}\n`;
}
