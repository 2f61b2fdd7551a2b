import { textSymbol } from '../execution/text.ts';
import { EINVAL } from '../errno.ts';
import type { Machine } from '../machine.ts';
import { armAllKprobes, isOptimized, kprobesArmed, registeredKprobes } from '../probes/register-kprobe.ts';
import { blacklistedFunctions } from '../probes/kprobes.ts';
import { nameOf } from '../probes/symbols.ts';
import { kernelAddressOf } from './fetch-memory.ts';
import { directory } from './tree.ts';
import type { DirectoryNode, FileNode } from './tree.ts';

const hex = (offset: number): string => kernelAddressOf(offset).toString(16).padStart(16, '0');

/** Every probe: address, `k` or `r`, where, and how it is done. */
function listText(m: Machine): string {
  return registeredKprobes(m)
    .map((probe) => {
      const { kind, symbol, offset, usesFtrace, isDisabled } = probe;
      const module = symbol.module === 'vmlinux' ? '' : `${symbol.module} `;
      const notes = [
        ...(isDisabled ? ['[DISABLED]'] : []),
        ...(isOptimized(m, probe) ? ['[OPTIMIZED]'] : []),
        ...(usesFtrace ? ['[FTRACE]'] : []),
      ].join('');
      const line = `${hex(symbol.entry + offset)}  ${kind}  ${nameOf(m, symbol)}+0x${offset.toString(16)}  ${module}  ${notes}`;
      return `${line.trimEnd()}\n`;
    })
    .join('');
}
/** What may not be probed; functions that this machine does not have are there without a place. */
function blacklistText(): string {
  return blacklistedFunctions()
    .map((name) => {
      const symbol = textSymbol(name);
      const [start, end] = symbol === undefined ? [0, 0] : [symbol.entry, symbol.entry + symbol.size];
      const range = symbol === undefined ? `0x${'0'.repeat(16)}-0x${'0'.repeat(16)}` : `0x${hex(start)}-0x${hex(end)}`;
      return `${range}\t${name}\n`;
    })
    .join('');
}

/** /sys/kernel/debug/kprobes */
export function kprobesTree(m: Machine): DirectoryNode {
  const file = (read: () => string): FileNode => ({ kind: 'file', mode: 0o400, read });
  const enabled: FileNode = {
    kind: 'file',
    mode: 0o600,
    read: () => `${kprobesArmed(m) ? 1 : 0}\n`,
    write(text) {
      // kstrtobool(): the first letter decides.
      const on = /^(?:[yYtT1]|on)/i.test(text);
      if (!on && !/^(?:[nNfF0]|of)/i.test(text)) return -EINVAL;
      armAllKprobes(m, on);
      return 0;
    },
  };
  return directory({ list: file(() => listText(m)), blacklist: file(blacklistText), enabled });
}
