import type { ProgramType } from '../abi/program-image.ts';

/** What a probe's context register points at. */
export type ContextKind = 'none' | 'pt_regs' | 'tracepoint' | 'raw_args' | 'tracing_args' | 'perf_event' | 'iter';

export interface ProbeRow {
  /** Short names. */
  readonly aliases: readonly string[];
  /** Shape of the parts behind the name, as the documentation writes them. */
  readonly target: string;
  readonly context: ContextKind;
  readonly programType: ProgramType;
  /** Shown by -l. */
  readonly listed: boolean;
  /** What `probetype` and messages say, where it is not the kind. */
  readonly typeName?: string;
  /** Among which kinds a pattern for the kind looks: `k*:vfs_read`. */
  readonly expands?: 'kernel' | 'user';
}

/** Probe kinds of bpftrace 0.27 (docs/language.md, "Probes"). */
export const PROBES = {
  begin: {
    aliases: ['BEGIN'],
    target: '',
    context: 'none',
    programType: 'raw_tracepoint',
    listed: false,
    typeName: 'special',
  },
  end: {
    aliases: ['END'],
    target: '',
    context: 'none',
    programType: 'raw_tracepoint',
    listed: false,
    typeName: 'special',
  },
  self: {
    aliases: [],
    target: 'signal:{name}',
    context: 'none',
    programType: 'raw_tracepoint',
    listed: false,
    typeName: 'special',
  },
  test: {
    aliases: [],
    target: '{name}',
    context: 'none',
    programType: 'raw_tracepoint',
    listed: false,
  },
  bench: {
    aliases: [],
    target: '{name}',
    context: 'none',
    programType: 'raw_tracepoint',
    listed: false,
    typeName: 'benchmark',
  },
  kprobe: {
    aliases: ['k'],
    target: '[{module}:]{function}[+{offset}]',
    context: 'pt_regs',
    programType: 'kprobe',
    listed: true,
    expands: 'kernel',
  },
  kretprobe: {
    aliases: ['kr'],
    target: '[{module}:]{function}',
    context: 'pt_regs',
    programType: 'kprobe',
    listed: false,
  },
  fentry: {
    aliases: ['f', 'kfunc'],
    target: '[{module}:]{function}',
    context: 'tracing_args',
    programType: 'tracing',
    listed: true,
    expands: 'kernel',
  },
  fexit: {
    aliases: ['fr', 'kretfunc'],
    target: '[{module}:]{function}',
    context: 'tracing_args',
    programType: 'tracing',
    listed: false,
  },
  tracepoint: {
    aliases: ['t'],
    target: '{category}:{name}',
    context: 'tracepoint',
    programType: 'tracepoint',
    listed: true,
    expands: 'kernel',
  },
  rawtracepoint: {
    aliases: ['rt'],
    target: '[{module}:]{name}',
    context: 'raw_args',
    programType: 'tracing',
    listed: true,
    expands: 'kernel',
  },
  uprobe: {
    aliases: ['u'],
    target: '{path}:[cpp:]{function}[+{offset}]',
    context: 'pt_regs',
    programType: 'kprobe',
    listed: true,
    expands: 'user',
  },
  uretprobe: {
    aliases: ['ur'],
    target: '{path}:[cpp:]{function}',
    context: 'pt_regs',
    programType: 'kprobe',
    listed: false,
  },
  usdt: {
    aliases: ['U'],
    target: '{path}:[{provider}:]{name}',
    context: 'pt_regs',
    programType: 'kprobe',
    listed: true,
    expands: 'user',
  },
  profile: {
    aliases: ['p'],
    target: '{unit}:{count}',
    context: 'perf_event',
    programType: 'perf_event',
    listed: false,
  },
  interval: {
    aliases: ['i'],
    target: '{unit}:{count}',
    context: 'perf_event',
    programType: 'perf_event',
    listed: false,
  },
  software: {
    aliases: ['s'],
    target: '{event}:[{count}]',
    context: 'perf_event',
    programType: 'perf_event',
    listed: true,
    expands: 'kernel',
  },
  hardware: {
    aliases: ['h'],
    target: '{event}:[{count}]',
    context: 'perf_event',
    programType: 'perf_event',
    listed: true,
    expands: 'kernel',
  },
  watchpoint: {
    aliases: ['w'],
    target: '{address}:{length}:{mode}',
    context: 'perf_event',
    programType: 'perf_event',
    listed: false,
  },
  iter: {
    aliases: ['it'],
    target: '{name}[:{pin}]',
    context: 'iter',
    programType: 'tracing',
    listed: true,
    expands: 'kernel',
  },
} as const satisfies Record<string, ProbeRow>;
export type ProbeKind = keyof typeof PROBES;

export const PROBE_KINDS = Object.keys(PROBES) as readonly ProbeKind[];

/** The kind as a row whose optional columns may be asked for. */
export function probeRow(kind: ProbeKind): ProbeRow {
  return PROBES[kind];
}

/** What `probetype` and messages call the kind. */
export function probeTypeName(kind: ProbeKind): string {
  return probeRow(kind).typeName ?? kind;
}
