import { expect, test } from 'vitest';
import { PROBE_KINDS, PROBES } from '../../src/lang/probes.ts';
import type { ProbeKind } from '../../src/lang/probes.ts';
import type { StructType } from '../../src/btf/types.ts';
import type { Target } from '../../src/lang/target.ts';
import { messages, target } from './check-text.ts';

/** A probe of each kind that the small machine of these tests has. */
const ATTACH_POINTS: Record<ProbeKind, string> = {
  begin: 'begin',
  end: 'end',
  self: 'self:signal:SIGUSR1',
  test: 'test:one',
  bench: 'bench:one',
  kprobe: 'kprobe:vfs_read',
  kretprobe: 'kretprobe:vfs_read',
  fentry: 'fentry:vfs_read',
  fexit: 'fexit:vfs_read',
  tracepoint: 'tracepoint:syscalls:sys_enter_openat',
  rawtracepoint: 'rawtracepoint:sched_switch',
  uprobe: 'uprobe:/bin/sh:main',
  uretprobe: 'uretprobe:/bin/sh:main',
  usdt: 'usdt:/bin/sh:work:started',
  profile: 'profile:hz:99',
  interval: 'interval:s:1',
  software: 'software:cpu-clock:100',
  hardware: 'hardware:cycles:1000',
  watchpoint: 'watchpoint:0x10000000:8:w',
  iter: 'iter:task',
};
const ALL: readonly ProbeKind[] = PROBE_KINDS;
const RETURN: readonly ProbeKind[] = ['kretprobe', 'uretprobe', 'fentry', 'fexit'];
const ARGUMENTS: readonly ProbeKind[] = ['kprobe', 'uprobe', 'usdt', 'rawtracepoint'];
const REGISTERS: readonly ProbeKind[] = [
  'kprobe',
  'kretprobe',
  'uprobe',
  'uretprobe',
  'usdt',
  'profile',
  'interval',
  'software',
  'hardware',
  'watchpoint',
];
const TRACING: readonly ProbeKind[] = ['fentry', 'fexit', 'iter', 'rawtracepoint'];
const withContext = ALL.filter(
  (kind) => PROBES[kind].programType === 'kprobe' || PROBES[kind].programType === 'perf_event' || kind === 'iter',
);
/** What the kind is called in the message about args. */
const TYPE_NAMES: Partial<Record<ProbeKind, string>> = {
  begin: 'special',
  end: 'special',
  self: 'special',
  bench: 'benchmark',
};

const vfsRead = target.types.function('vfs_read')!;
const iterator: StructType = { kind: 'struct', name: 'bpf_iter__task', size: 8, members: [] };
/** The small machine with what iterators, raw tracepoints and static probes need. */
const machine: Target = {
  ...target,
  types: { ...target.types, struct: (name) => (name === iterator.name ? iterator : target.types.struct(name)) },
  rawTracepoint: () => vfsRead.parameters,
  userFile(path) {
    const file = target.userFile(path);
    const started = { provider: 'work', name: 'started', address: 0x1010, semaphore: 0, operands: '8@%rdi' };
    return file && { ...file, prototype: () => vfsRead, usdt: [started] };
  },
};

/** By bpftrace 0.27: Builtins, PreExpansionBuiltins and CallPreCheck, AttachPoint::check_available. */
test.each<[builtin: string, allowed: readonly ProbeKind[], message: (kind: ProbeKind) => string]>([
  ...[
    'pid',
    'tid',
    'uid',
    'gid',
    'comm',
    'cpu',
    'nsecs',
    'elapsed',
    'rand',
    'curtask',
    'cgroup',
    'probe',
    'kstack',
    'ustack',
  ].map((name): [string, readonly ProbeKind[], () => string] => [name, ALL, () => '']),
  ...['kstack(perf)', 'ustack(perf, 3)', 'kstack(raw)', 'ustack(raw)', 'ustack(build_id)', 'ksym(1)', 'usym(1)'].map(
    (call): [string, readonly ProbeKind[], () => string] => [call, ALL, () => ''],
  ),
  ['kstack(build_id)', [], () => "'build_id' stack mode can only be used for ustack"],
  [
    'retval',
    RETURN,
    (kind) =>
      "The retval builtin can only be used with 'kretprobe' and 'uretprobe' and 'fentry' probes" +
      (kind === 'tracepoint' ? ' (try to use args.ret instead)' : ''),
  ],
  ['arg0', ARGUMENTS, () => "The arg0 builtin can only be used with 'kprobes', 'uprobes' and 'usdt' probes"],
  [
    'func',
    ['kprobe', 'kretprobe', 'uprobe', 'uretprobe', 'fentry', 'fexit'],
    (kind) => `The func builtin can not be used with '${kind}' probes`,
  ],
  [
    'args',
    ['tracepoint', 'rawtracepoint', 'fentry', 'fexit', 'uprobe'],
    (kind) =>
      `The args builtin can only be used with tracepoint, rawtracepoint, fentry/fexit, and uprobe probes (${TYPE_NAMES[kind] ?? kind} used here)`,
  ],
  [
    'ctx',
    withContext,
    (kind) =>
      kind === 'tracepoint'
        ? 'Use args instead of ctx in tracepoint'
        : `The ctx builtin can not be used with '${kind}' probes`,
  ],
  ['reg("ip")', REGISTERS, (kind) => `reg can not be used with "${kind}" probes`],
  ['socket_cookie((struct sock *)1)', TRACING, (kind) => `socket_cookie can not be used with "${kind}" probes`],
  [
    'path(curtask)',
    ['fentry', 'fexit', 'iter'],
    () => "The path function can only be used with 'fentry', 'fexit', 'iter' probes",
  ],
])('%s is there in the probes that have it, and elsewhere refused in words', (builtin, allowed, message) => {
  for (const kind of ALL) {
    const found = messages(`${ATTACH_POINTS[kind]} { $x = ${builtin}; }`, { target: machine });
    const about = found.filter((text) => text.startsWith(`error at ${builtin}:`) || text.includes('stack mode'));
    expect([kind, about.map((text) => text.slice(text.indexOf(': ') + 2))]).toEqual([
      kind,
      allowed.includes(kind) ? [] : [message(kind)],
    ]);
  }
});
