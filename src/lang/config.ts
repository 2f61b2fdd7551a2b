/**
 * The options of a `config = { ... }` block and their environment variables (BPFTRACE_ + the key in capitals).
 * Defaults as in bpftrace 0.27 (docs/language.md, "Config Variables").
 */
export type ConfigRow =
  | { readonly type: 'number'; readonly default: number }
  | { readonly type: 'bool'; readonly default: boolean }
  | { readonly type: 'string' | 'license'; readonly default: string }
  | ChoiceRow;
export interface ChoiceRow {
  readonly type: 'choice';
  readonly default: string;
  readonly choices: readonly string[];
  /** What any other value is told. */
  readonly problem: string;
  /** Set where capitals matter. */
  readonly exact?: true;
  /** What else may be said, 0 and 1 among it where integers are taken (each but 0 counts as 1). */
  readonly words?: Readonly<Record<string, string>>;
}

const UNSTABLE = {
  type: 'choice',
  choices: ['enable', 'warn', 'error'],
  problem: 'Invalid value for unstable config: valid values are enable, warn, and error.',
  words: {
    1: 'enable',
    true: 'enable',
    on: 'enable',
    yes: 'enable',
    0: 'error',
    false: 'error',
    off: 'error',
    no: 'error',
  },
} as const;

export const CONFIG = {
  cache_user_symbols: {
    type: 'choice',
    default: 'PER_PROGRAM',
    choices: ['PER_PID', 'PER_PROGRAM', 'NONE'],
    problem: 'Invalid value for cache_user_symbols: valid values are PER_PID, PER_PROGRAM, and NONE.',
    words: { 1: 'PER_PROGRAM', 0: 'NONE' },
  },
  cpp_demangle: { type: 'bool', default: true },
  lazy_symbolication: { type: 'bool', default: true },
  license: { type: 'license', default: 'GPL' },
  log_size: { type: 'number', default: 1_000_000 },
  max_bpf_progs: { type: 'number', default: 1024 },
  max_cat_bytes: { type: 'number', default: 10_240 },
  max_map_keys: { type: 'number', default: 4096 },
  max_probes: { type: 'number', default: 1024 },
  max_strlen: { type: 'number', default: 1024 },
  missing_probes: {
    type: 'choice',
    default: 'error',
    choices: ['ignore', 'warn', 'error'],
    problem: 'Invalid value for missing_probes: valid values are ignore, warn, and error.',
  },
  on_stack_limit: { type: 'number', default: 32 },
  perf_rb_pages: { type: 'number', default: 64 },
  stack_mode: {
    type: 'choice',
    default: 'bpftrace',
    choices: ['bpftrace', 'raw', 'perf', 'build_id'],
    problem: 'Invalid value for stack_mode: valid values are bpftrace, raw, perf, and build_id.',
    exact: true,
  },
  str_trunc_trailer: { type: 'string', default: '..' },
  print_maps_on_exit: { type: 'bool', default: true },
  // As where bpftrace is built with blazesym, which everybody's packages are.
  use_blazesym: { type: 'bool', default: true },
  show_debug_info: { type: 'bool', default: true },
  unstable_import_statement: { ...UNSTABLE, default: 'error' },
  unstable_tseries: { ...UNSTABLE, default: 'warn' },
  unstable_typeinfo: { ...UNSTABLE, default: 'error' },
  unstable_dw_ustack: { ...UNSTABLE, default: 'warn' },
} as const satisfies Record<string, ConfigRow>;
export type ConfigName = keyof typeof CONFIG;

type ValueOf<Row> = Row extends { type: 'number' } ? number : Row extends { type: 'bool' } ? boolean : string;
export type Config = { readonly [K in ConfigName]: ValueOf<(typeof CONFIG)[K]> };

export type UnstableOption = Extract<ConfigName, `unstable_${string}`>;

/** What messages call the feature that each `unstable_` option allows. */
export const UNSTABLE_FEATURES: Readonly<Record<UnstableOption, string>> = {
  unstable_import_statement: 'import statements',
  unstable_tseries: 'tseries',
  unstable_typeinfo: 'typeinfo',
  unstable_dw_ustack: 'dw_ustack (DWARF stack unwinding)',
};
