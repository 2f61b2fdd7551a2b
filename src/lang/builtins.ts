import type { HelperName } from '../abi/helpers.ts';
import type { ProbeKind } from './probes.ts';
import type { AddressSpace, Type } from './types.ts';
import { UINT32, UINT64, intType } from './types.ts';

export interface BuiltinRow {
  /** Absent where it depends on the probe or the configuration. */
  readonly type?: Type;
  /** Where its bytes lie as far as reads of it go; absent: nowhere special. */
  readonly space?: AddressSpace;
  /** The helper whose result it is, unchanged. */
  readonly helper?: HelperName;
  /** Folded to a literal before code generation. */
  readonly constant?: true;
  /** Probe kinds in which it means something; absent: everywhere. */
  readonly probes?: readonly ProbeKind[];
  /** Reads the probe's context, which loop callbacks do not get. */
  readonly context?: true;
  /** Which argument of the probed function it is. */
  readonly argument?: number;
  /** What messages call it: bpftrace's library defines the plain name in terms of this one. */
  readonly internal?: string;
}

const RETURN_PROBES = ['kretprobe', 'uretprobe', 'fentry', 'fexit'] as const satisfies readonly ProbeKind[];
const ARGUMENT_PROBES = ['kprobe', 'uprobe', 'usdt', 'rawtracepoint'] as const satisfies readonly ProbeKind[];
const argument = <N extends number>(index: N) =>
  ({ type: UINT64, argument: index, probes: ARGUMENT_PROBES, context: true }) as const satisfies BuiltinRow;

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
  comm: { type: { kind: 'string', size: 16 }, space: 'kernel' },
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
  arg0: argument(0),
  arg1: argument(1),
  arg2: argument(2),
  arg3: argument(3),
  arg4: argument(4),
  arg5: argument(5),
  arg6: argument(6),
  arg7: argument(7),
  arg8: argument(8),
  arg9: argument(9),
  arg10: argument(10),
  arg11: argument(11),
} as const satisfies Record<string, BuiltinRow>;
export type BuiltinName = keyof typeof BUILTINS;

/** Builtins that code generation lowers with code of its own. */
export type BuiltinLoweredByHand = {
  [K in BuiltinName]: (typeof BUILTINS)[K] extends { helper: HelperName } | { constant: true } ? never : K;
}[BuiltinName];

/** Builtins that a literal replaces before types are found. */
export type ConstantBuiltin = {
  [K in BuiltinName]: (typeof BUILTINS)[K] extends { constant: true } ? K : never;
}[BuiltinName];

/** Builtins whose type depends on the probe or the configuration. */
export type ComputedBuiltin = {
  [K in BuiltinName]: (typeof BUILTINS)[K] extends { type: Type } | { constant: true } ? never : K;
}[BuiltinName];

const INTERNAL = '__builtin_';

/** `retval` for `__builtin_retval`: scripts may spell what bpftrace's library is made of. */
export function publicName(name: string): string {
  return name.startsWith(INTERNAL) && !isBuiltin(name) ? name.slice(INTERNAL.length) : name;
}

/** What messages call a builtin. */
export function messageName(name: string): string {
  return builtinRow(name)?.internal ?? name;
}

/** The builtin's row; undefined for what is no builtin. */
export function builtinRow(name: string): BuiltinRow | undefined {
  return isBuiltin(name) ? BUILTINS[name] : undefined;
}

export function isBuiltin(name: string): name is BuiltinName {
  return Object.hasOwn(BUILTINS, name);
}
