import type { HelperName } from '../abi/helpers.ts';
import type { UnstableOption } from './config.ts';
import type { ProbeKind } from './probes.ts';
import type { AddressSpace, IntSize, Type } from './types.ts';
import { BOOL, INT32, INT64, UINT32, UINT64, VOID } from './types.ts';

/**
 * What an argument must be; `any` is checked by the function's own rules, `map_or_value` is a whole map or anything else, and
 * a mode is a bare word that names no value.
 */
export type ParameterKind =
  'any' | 'int' | 'string' | 'pointer' | 'map' | 'map_or_value' | 'key' | 'timestamp_mode' | 'stack_mode' | 'pid_mode';

export interface ParameterRow {
  readonly kind: ParameterKind;
  /** Only a literal will do. */
  readonly literal?: true;
  /** An integer of another size is brought to this one before the call. */
  readonly size?: IntSize;
  /** The literal may be longer than other strings: it never reaches the program. */
  readonly long?: true;
}

export interface FunctionRow {
  /** How many arguments a call takes. */
  readonly arity: readonly [least: number, most: number];
  readonly params: readonly ParameterRow[];
  /** `computed` where it depends on the arguments or the configuration. */
  readonly returns: Type | 'computed';
  /** The helper that does it, called with the arguments as they are. */
  readonly helper?: HelperName;
  /** Gone before code generation. */
  readonly constant?: true;
  /** Needs --unsafe. */
  readonly unsafe?: true;
  /** bpftrace writes it in its own language: a macro, which shows in where some warnings point. */
  readonly library?: true;
  /** Probe kinds that it works in; absent: all. */
  readonly probes?: readonly ProbeKind[];
  /** With at least so many arguments its map must be one with keys. */
  readonly keyedFrom?: number;
  /** With at most so many arguments its map must be one without keys. */
  readonly scalarUpTo?: number;
  /** Where the address that it yields leads: `probe` is where the probe's arguments lead. Absent: nowhere special. */
  readonly space?: AddressSpace | 'probe';
  /** Reads the probe's context, which loop callbacks do not get. */
  readonly context?: true;
  /** The configuration must allow it. */
  readonly unstable?: UnstableOption;
}

const ANY = { kind: 'any' } as const satisfies ParameterRow;
const INT = { kind: 'int' } as const satisfies ParameterRow;
const INT_LITERAL = { kind: 'int', literal: true } as const satisfies ParameterRow;
const STRING = { kind: 'string' } as const satisfies ParameterRow;
const STRING_LITERAL = { kind: 'string', literal: true } as const satisfies ParameterRow;
const FORMAT = { kind: 'string', literal: true, long: true } as const satisfies ParameterRow;
const POINTER = { kind: 'pointer' } as const satisfies ParameterRow;
const MAP = { kind: 'map' } as const satisfies ParameterRow;
const MAP_OR_VALUE = { kind: 'map_or_value' } as const satisfies ParameterRow;
const KEY = { kind: 'key' } as const satisfies ParameterRow;
const STACK_MODE = { kind: 'stack_mode' } as const satisfies ParameterRow;
const PID_MODE = { kind: 'pid_mode' } as const satisfies ParameterRow;

const MANY = 128;
const TEXT: Type = { kind: 'string', size: 64 };
const REGISTER_PROBES = [
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
] as const satisfies readonly ProbeKind[];
const SIGNAL_PROBES = [
  'kprobe',
  'kretprobe',
  'uprobe',
  'uretprobe',
  'usdt',
  'tracepoint',
  'profile',
  'fentry',
  'fexit',
  'rawtracepoint',
] as const satisfies readonly ProbeKind[];
const TRACING_PROBES = ['fentry', 'fexit', 'iter', 'rawtracepoint'] as const satisfies readonly ProbeKind[];
const USER_PROBES = ['uprobe', 'uretprobe', 'usdt'] as const satisfies readonly ProbeKind[];

/** Functions of the language and its standard library (docs/stdlib.md of bpftrace 0.27). */
export const FUNCTIONS = {
  // Output and other work of user space.
  printf: { arity: [1, MANY], params: [FORMAT], returns: VOID },
  errorf: { arity: [1, MANY], params: [FORMAT], returns: VOID },
  warnf: { arity: [1, MANY], params: [FORMAT], returns: VOID },
  debugf: { arity: [1, MANY], params: [STRING_LITERAL], returns: VOID },
  system: { arity: [1, MANY], params: [STRING_LITERAL], returns: VOID, unsafe: true },
  cat: { arity: [1, MANY], params: [STRING_LITERAL], returns: VOID },
  print: { arity: [1, 3], params: [MAP_OR_VALUE, INT_LITERAL, INT_LITERAL], returns: VOID },
  join: { arity: [1, 2], params: [ANY, STRING_LITERAL], returns: VOID },
  time: { arity: [0, 1], params: [STRING_LITERAL], returns: VOID },
  exit: { arity: [0, 1], params: [INT], returns: VOID },
  fail: { arity: [1, MANY], params: [STRING_LITERAL], returns: VOID, constant: true },
  // Maps.
  clear: { arity: [1, 1], params: [MAP], returns: VOID },
  zero: { arity: [1, 1], params: [MAP], returns: VOID },
  delete: { arity: [1, 2], params: [MAP, KEY], returns: BOOL, library: true, keyedFrom: 2, scalarUpTo: 1 },
  has_key: { arity: [2, 2], params: [MAP, KEY], returns: BOOL, library: true, keyedFrom: 2 },
  find: { arity: [3, 3], params: [MAP, KEY, ANY], returns: 'computed', library: true, keyedFrom: 3 },
  /** Of a map or of a stack. */
  len: { arity: [1, 1], params: [MAP_OR_VALUE], returns: INT64, library: true, keyedFrom: 1 },
  is_scalar: { arity: [1, 1], params: [MAP], returns: BOOL, constant: true },
  // Aggregations: calls stand only as the value of an assignment to a map.
  count: { arity: [0, 0], params: [], returns: VOID },
  sum: { arity: [1, 1], params: [ANY], returns: VOID },
  avg: { arity: [1, 1], params: [ANY], returns: VOID },
  min: { arity: [1, 1], params: [ANY], returns: VOID },
  max: { arity: [1, 1], params: [ANY], returns: VOID },
  stats: { arity: [1, 1], params: [ANY], returns: VOID },
  hist: { arity: [1, 2], params: [INT, INT_LITERAL], returns: VOID },
  lhist: { arity: [4, 4], params: [INT, INT_LITERAL, INT_LITERAL, INT_LITERAL], returns: VOID },
  tseries: {
    arity: [3, 4],
    params: [INT, INT_LITERAL, INT_LITERAL, STRING_LITERAL],
    returns: VOID,
    unstable: 'unstable_tseries',
  },
  // Text and bytes.
  str: { arity: [1, 2], params: [ANY, INT], returns: 'computed' },
  buf: { arity: [1, 2], params: [ANY, INT], returns: 'computed' },
  path: {
    arity: [1, 2],
    params: [ANY, INT_LITERAL],
    returns: 'computed',
  },
  strncmp: { arity: [3, 3], params: [STRING, STRING, INT_LITERAL], returns: UINT64 },
  strlen: { arity: [1, 1], params: [ANY], returns: UINT64, library: true },
  strstr: { arity: [2, 2], params: [ANY, ANY], returns: INT32, library: true },
  strcontains: { arity: [2, 2], params: [ANY, ANY], returns: BOOL, library: true },
  str_concat: { arity: [2, 2], params: [ANY, ANY], returns: { kind: 'string', size: 1024 }, library: true },
  strerror: { arity: [1, 1], params: [INT], returns: TEXT, library: true },
  signal_name: { arity: [1, 1], params: [INT], returns: TEXT, library: true },
  syscall_name: { arity: [1, 1], params: [INT], returns: TEXT, library: true },
  strftime: { arity: [2, 2], params: [STRING_LITERAL, INT], returns: 'computed' },
  macaddr: { arity: [1, 1], params: [ANY], returns: { kind: 'mac' } },
  ntop: { arity: [1, 2], params: [ANY, ANY], returns: { kind: 'inet' } },
  /** Yields the literal's address as a byte array; the argument stays a literal. */
  pton: { arity: [1, 1], params: [ANY], returns: 'computed' },
  bswap: { arity: [1, 1], params: [ANY], returns: 'computed' },
  memcmp: { arity: [3, 3], params: [ANY, ANY, INT], returns: INT32, library: true },
  // Addresses, symbols, stacks, registers.
  ksym: { arity: [1, 1], params: [ANY], returns: { kind: 'ksym' } },
  usym: { arity: [1, 1], params: [{ kind: 'any', size: 8 }], returns: { kind: 'usym' } },
  kaddr: { arity: [1, 1], params: [STRING_LITERAL], returns: UINT64, constant: true, space: 'kernel' },
  uaddr: {
    arity: [1, 1],
    params: [STRING_LITERAL],
    returns: 'computed',
    probes: USER_PROBES,
    library: true,
    context: true,
  },
  percpu_kaddr: { arity: [1, 2], params: [STRING_LITERAL, { kind: 'int', size: 4 }], returns: UINT64, space: 'kernel' },
  reg: {
    arity: [1, 1],
    params: [STRING_LITERAL],
    returns: UINT64,
    probes: REGISTER_PROBES,
    space: 'probe',
    context: true,
  },
  kstack: { arity: [0, 2], params: [STACK_MODE, ANY], returns: 'computed' },
  ustack: { arity: [0, 2], params: [STACK_MODE, ANY], returns: 'computed' },
  /** As ustack(), by DWARF's tables: the machine's user stacks are complete either way. */
  dw_ustack: {
    arity: [0, 2],
    params: [STACK_MODE, ANY],
    returns: 'computed',
    library: true,
    unstable: 'unstable_dw_ustack',
  },
  kptr: { arity: [1, 1], params: [ANY], returns: 'computed' },
  uptr: { arity: [1, 1], params: [ANY], returns: 'computed' },
  // Time and tasks.
  nsecs: { arity: [0, 1], params: [{ kind: 'timestamp_mode' }], returns: 'computed' },
  pid: { arity: [0, 1], params: [PID_MODE], returns: UINT32 },
  tid: { arity: [0, 1], params: [PID_MODE], returns: UINT32 },
  comm: { arity: [1, 1], params: [ANY], returns: TEXT, library: true },
  cgroupid: { arity: [1, 1], params: [FORMAT], returns: UINT64 },
  cgroup_path: { arity: [1, 2], params: [INT, STRING], returns: { kind: 'cgroup_path' } },
  // Acting on the system.
  signal: { arity: [1, 1], params: [ANY], returns: VOID, unsafe: true, probes: SIGNAL_PROBES, library: true },
  signal_thread: { arity: [1, 1], params: [ANY], returns: VOID, unsafe: true, probes: SIGNAL_PROBES, library: true },
  override: { arity: [1, 1], params: [INT], returns: VOID, unsafe: true, probes: ['kprobe'], library: true },
  write_user: { arity: [3, 3], params: [ANY, ANY, INT], returns: BOOL, unsafe: true, library: true },
  unwatch: { arity: [1, 1], params: [INT], returns: VOID },
  skboutput: { arity: [4, 4], params: [STRING_LITERAL, POINTER, INT, INT], returns: UINT32, probes: TRACING_PROBES },
  socket_cookie: { arity: [1, 1], params: [POINTER], returns: UINT64, probes: TRACING_PROBES },
  // Compile time.
  is_literal: { arity: [1, 1], params: [ANY], returns: BOOL, constant: true },
  kfunc_exist: { arity: [1, 1], params: [STRING_LITERAL], returns: BOOL, constant: true },
  kfunc_allowed: { arity: [1, 1], params: [STRING_LITERAL], returns: BOOL, constant: true },
  getopt: { arity: [1, 3], params: [STRING_LITERAL, ANY, STRING_LITERAL], returns: 'computed', constant: true },
} as const satisfies Record<string, FunctionRow>;
export type FunctionName = keyof typeof FUNCTIONS;

/** Functions that code generation owes a lowering. */
export type LoweredByHand = {
  [K in FunctionName]: (typeof FUNCTIONS)[K] extends { helper: HelperName } | { constant: true } ? never : K;
}[FunctionName];

/** Functions whose result inference works out: each owes a rule. */
export type ComputedFunction = {
  [K in FunctionName]: (typeof FUNCTIONS)[K] extends { returns: 'computed' }
    ? (typeof FUNCTIONS)[K] extends { constant: true }
      ? never
      : K
    : never;
}[FunctionName];

export function isFunction(name: string): name is FunctionName {
  return Object.hasOwn(FUNCTIONS, name);
}

/** The function's row; undefined for what is no function. */
export function functionRow(name: string): FunctionRow | undefined {
  return isFunction(name) ? FUNCTIONS[name] : undefined;
}

/** Whether the first argument may be a whole map. */
export function takesMap(name: string): boolean {
  const kind = functionRow(name)?.params[0]?.kind;
  return kind === 'map' || kind === 'map_or_value';
}

const MODES: ReadonlySet<ParameterKind> = new Set(['timestamp_mode', 'stack_mode', 'pid_mode']);

/** Whether bare words among the arguments name modes. */
export function takesMode(name: string): boolean {
  return functionRow(name)?.params.some((parameter) => MODES.has(parameter.kind)) ?? false;
}
