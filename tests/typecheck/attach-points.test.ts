import { expect, test } from 'vitest';
import { checkText, messages } from './check-text.ts';

test.each<[string, readonly string[]]>([
  ['begin', ['begin']],
  ['BEGIN, end', ['begin', 'end']],
  ['kprobe:vfs_read', ['kprobe:vfs_read']],
  ['k:vfs_*', ['kprobe:vfs_*']],
  ['k:vmlinux:vfs_*', ['kprobe:vmlinux:vfs_open', 'kprobe:vmlinux:vfs_read', 'kprobe:vmlinux:vfs_write']],
  ['f:vfs_read', ['fentry:vmlinux:vfs_read']],
  ['t:syscalls:sys_e*_openat', ['tracepoint:syscalls:sys_enter_openat', 'tracepoint:syscalls:sys_exit_openat']],
  ['interval:s:1', ['interval:s:1']],
  ['interval:1s', ['interval:us:1000000']],
  ['profile:hz:99', ['profile:hz:99']],
])('%s attaches as %j', (attachPoint, expected) => {
  expect(checkText(`${attachPoint} { @ = 1 }`).typed!.probes.map((probe) => probe.probeName)).toEqual(expected);
});

test.each<[string, string]>([
  ['interval:s:0', 'interval frequency should be a positive integer'],
  ['profile:hz:-5', 'profile frequency should be a positive integer'],
  ['profile:*', '* is not an accepted unit of time'],
  ['software:faults:-1', 'software count should be a positive integer'],
  ['hardware:cycles:-1', 'hardware frequency should be a positive integer'],
  ['software:faults:', 'Invalid count for software probe: invalid integer: '],
  ['software:fault*', 'wildcards are not allowed for software probe type'],
  ['uprobe:/bin/sh:0', 'uprobe should be attached to a function and/or address'],
  ['usdt:/no/such:a:b', "usdt target file '/no/such' does not exist or is not executable"],
  ['iter:nothing', 'iter nothing not available for your kernel version.'],
  ['kprobe:vfs_read$', 'positional parameter is not valid: invalid integer: '],
  ['interval:min:1', 'min is not an accepted unit of time'],
  ['kprob:x', 'Invalid probe type: kprob'],
  ['kprobe:a:b:c', 'kprobe probe type requires 1 or 2 arguments, found 3'],
  ['kprobe:vfs_read+x', 'Invalid offset: invalid integer: x'],
  ['kretprobe:vfs_read+4', 'Offset not allowed'],
  ['tracepoint:syscalls:nope', 'No matches for tracepoint syscalls:nope.'],
  ['software:nope:1', 'nope is not a software probe'],
  ['iter:task*', 'iter probe type does not support wildcards'],
])('%s: %s', (attachPoint, expected) => {
  expect(messages(`${attachPoint} { @ = 1 }`)).toContain(`error at ${attachPoint}: ${expected}`);
});

test.each<[string, string]>([
  ['interval:s:1b', 'Invalid rate of interval probe: invalid trailing bytes: 1b'],
  ['interval:s:x', 'Invalid rate of interval probe: invalid integer: x'],
  ['interval:99', 'Invalid rate of interval probe. Minimum is 1000 or 1us. Found: 99 nanoseconds'],
  ['watchpoint:0x10:8x:w', 'Invalid length argument: invalid trailing bytes: 8x'],
  ['profile::99', 'profile probe must have unit of time'],
  ['kprobe:', 'kprobes should be attached to a function or an address'],
  ['tracepoint::x', 'tracepoint probe must have a target'],
  ['bench:', 'bench probes must have a name'],
  ['fentry:bpf', "the 'bpf' variant of this probe requires a bpf program name and optional bpf program id"],
  ['fentry:a:b:c', "Only the 'bpf' variant of this probe supports 4 arguments"],
  ['uprobe:/bin/none:main', "uprobe target file '/bin/none' does not exist or is not executable"],
  ['uprobe:/bin/sh:go:main', 'unsupported language type: go'],
  ['uprobe:*@main.c:1', 'Cannot use wildcards with source code location'],
  ['uprobe:/bin/sh@main.c:1', "No DWARF debug info found for '/bin/sh', cannot attach by source code location."],
  ['uprobe:/bin/sh@main.c:x', 'Invalid line number: invalid integer: x'],
  ['kprobe:nomodule:vfs_read', 'specified module nomodule in probe kprobe:nomodule:vfs_read is not loaded.'],
  ['rawtracepoint:xfs:sched_switch', 'No matches for rawtracepoint xfs:sched_switch.'],
])('%s is refused: %s', (attachPoint, expected) => {
  expect(messages(`${attachPoint} { @ = 1 }`).join('\n')).toContain(expected);
});

test('an attach point without a kind is none', () => {
  expect(messages('::vfs_read { @ = 1 }').join()).toContain('No attach points for probe');
});
