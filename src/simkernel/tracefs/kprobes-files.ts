import { textSymbols } from '../execution/text.ts';
import { FENTRY_OFFSET } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import { directory } from './tree.ts';
import type { DirectoryNode, FileNode } from './tree.ts';
import { kernelAddressOf } from './fetch-args.ts';

const hex = (offset: number): string => kernelAddressOf(offset).toString(16).padStart(16, '0');

/** Every probe: address, `k` or `r`, where, and how it is done. */
function listText(m: Machine): string {
  const lines: string[] = [];
  for (const symbol of textSymbols()) {
    const hooks = m.functionHooks.get(symbol.index);
    if (hooks === undefined) continue;
    const line = (type: string, offset: number, note: string): void => {
      const module = symbol.module === 'vmlinux' ? '' : `${symbol.module} `;
      lines.push(
        `${hex(symbol.entry + offset)}  ${type}  ${symbol.name}+0x${offset.toString(16)}  ${module}  ${note}\n`,
      );
    };
    for (let i = 0; i < hooks.entry.length; i += 1) line('k', FENTRY_OFFSET, '[FTRACE]');
    for (let i = 0; i < hooks.returns.length; i += 1) line('r', FENTRY_OFFSET, '[FTRACE]');
    for (const offset of hooks.breakpoints)
      for (let i = 0; i < (m.breakpoints.get(symbol.entry + offset)?.length ?? 0); i += 1) line('k', offset, '');
  }
  return lines.map((text) => `${text.trimEnd()}\n`).join('');
}
/** What may not be probed: the machinery of probes itself, and entry code. */
function blacklistText(): string {
  return textSymbols()
    .filter(({ traceable }) => !traceable)
    .map(({ name, entry, size }) => `0x${hex(entry)}-0x${hex(entry + size)}\t${name}\n`)
    .join('');
}

/** /sys/kernel/debug/kprobes */
export function kprobesTree(m: Machine): DirectoryNode {
  const file = (read: () => string): FileNode => ({ kind: 'file', mode: 0o400, read });
  return directory({ list: file(() => listText(m)), blacklist: file(blacklistText), enabled: file(() => '1\n') });
}
