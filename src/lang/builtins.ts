import type { HelperName } from '../abi/helpers.ts';
import type { ProbeKind } from './probes.ts';
import type { Type } from './types.ts';
import { UINT32, UINT64, intType } from './types.ts';

export interface BuiltinRow {
  /** Absent where it depends on the probe or the configuration. */
  readonly type?: Type;
  /** The helper whose result it is, unchanged. */
  readonly helper?: HelperName;
  /** Folded to a literal before code generation. */
  readonly constant?: true;
  /** Probe kinds in which it means something; absent: everywhere. */
  readonly probes?: readonly ProbeKind[];
  /** Reads the probe's context, which loop callbacks do not get. */
  readonly context?: true;
  /** What messages call it: bpftrace's library defines the plain name in terms of this one. */
  readonly internal?: string;
}

const RETURN_PROBES = ['kretprobe', 'uretprobe', 'fentry', 'fexit'] as const satisfies readonly ProbeKind[];
const ARGUMENT_PROBES = ['kprobe', 'uprobe', 'usdt', 'rawtracepoint'] as const satisfies readonly ProbeKind[];
const argument = { type: UINT64, probes: ARGUMENT_PROBES, context: true } as const satisfies BuiltinRow;

/** Bare words with a value (docs/language.md and docs/stdlib.md of bpftrace 0.27). `name()` means the same. */
export const BUILTINS = {
  pid: { type: UINT32 },
  tid: { type: UINT32 },
  uid: { type: UINT64 },
  gid: { type: UINT64 },
  nsecs: { type: UINT64, helper: 'ktime_get_boot_ns' },
  elapsed: { type: UINT64 },
  cpu: { type: UINT64, helper: 'get_smp_processor_id' },
  ncpus: { type: UINT64, constant: true },
  numaid: { type: UINT64, helper: 'get_numa_node_id' },
  rand: { type: UINT64, helper: 'get_prandom_u32' },
  cgroup: { type: UINT64, helper: 'get_current_cgroup_id' },
  comm: { type: { kind: 'string', size: 16 } },
  curtask: {},
  username: { type: { kind: 'username' } },
  jiffies: { type: UINT64 },
  usermode: { type: intType(1, false), context: true },
  cpid: { type: UINT64, constant: true },
  ctx: { context: true },
  args: { context: true, probes: ['tracepoint', 'rawtracepoint', 'fentry', 'fexit', 'uprobe'] },
  retval: { internal: '__builtin_retval', context: true, probes: RETURN_PROBES },
  func: {
    internal: '__builtin_func',
    context: true,
    probes: ['kprobe', 'kretprobe', 'uprobe', 'uretprobe', 'fentry', 'fexit'],
  },
  probe: { constant: true },
  probetype: { constant: true },
  config: { constant: true },
  kstack: { context: true },
  ustack: { context: true },
  dw_ustack: { internal: '__builtin_dw_ustack', context: true },
  __builtin_arch: { constant: true },
  __builtin_safe_mode: { constant: true },
  arg0: argument,
  arg1: argument,
  arg2: argument,
  arg3: argument,
  arg4: argument,
  arg5: argument,
  arg6: argument,
  arg7: argument,
  arg8: argument,
  arg9: argument,
} as const satisfies Record<string, BuiltinRow>;
export type BuiltinName = keyof typeof BUILTINS;

/** Builtins that code generation lowers with code of its own. */
export type BuiltinLoweredByHand = {
  [K in BuiltinName]: (typeof BUILTINS)[K] extends { helper: HelperName } | { constant: true } ? never : K;
}[BuiltinName];

const INTERNAL = '__builtin_';

/** `retval` for `__builtin_retval`: scripts may spell what bpftrace's library is made of. */
export function publicName(name: string): string {
  return name.startsWith(INTERNAL) && !isBuiltin(name) ? name.slice(INTERNAL.length) : name;
}

/** What messages call a builtin. */
export function messageName(name: BuiltinName): string {
  const row: BuiltinRow = BUILTINS[name];
  return row.internal ?? name;
}

export function isBuiltin(name: string): name is BuiltinName {
  return Object.hasOwn(BUILTINS, name);
}
