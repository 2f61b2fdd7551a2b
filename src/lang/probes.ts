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
  /** How messages group probe kinds ("special used here"). */
  readonly group: string;
}

/** Probe kinds of bpftrace 0.27 (docs/language.md, "Probes"). */
export const PROBES = {
  begin: {
    aliases: ['BEGIN'],
    target: '',
    context: 'none',
    programType: 'raw_tracepoint',
    listed: false,
    group: 'special',
  },
  end: {
    aliases: ['END'],
    target: '',
    context: 'none',
    programType: 'raw_tracepoint',
    listed: false,
    group: 'special',
  },
  self: {
    aliases: [],
    target: 'signal:{name}',
    context: 'none',
    programType: 'raw_tracepoint',
    listed: false,
    group: 'special',
  },
  test: {
    aliases: [],
    target: '{name}',
    context: 'none',
    programType: 'raw_tracepoint',
    listed: false,
    group: 'special',
  },
  bench: {
    aliases: [],
    target: '{name}',
    context: 'none',
    programType: 'raw_tracepoint',
    listed: false,
    group: 'special',
  },
  kprobe: {
    aliases: ['k'],
    target: '[{module}:]{function}[+{offset}]',
    context: 'pt_regs',
    programType: 'kprobe',
    listed: true,
    group: 'kprobe',
  },
  kretprobe: {
    aliases: ['kr'],
    target: '[{module}:]{function}',
    context: 'pt_regs',
    programType: 'kprobe',
    listed: false,
    group: 'kretprobe',
  },
  fentry: {
    aliases: ['f', 'kfunc'],
    target: '[{module}:]{function}',
    context: 'tracing_args',
    programType: 'tracing',
    listed: true,
    group: 'fentry',
  },
  fexit: {
    aliases: ['fr', 'kretfunc'],
    target: '[{module}:]{function}',
    context: 'tracing_args',
    programType: 'tracing',
    listed: false,
    group: 'fexit',
  },
  tracepoint: {
    aliases: ['t'],
    target: '{category}:{name}',
    context: 'tracepoint',
    programType: 'tracepoint',
    listed: true,
    group: 'tracepoint',
  },
  rawtracepoint: {
    aliases: ['rt'],
    target: '[{module}:]{name}',
    context: 'raw_args',
    programType: 'raw_tracepoint',
    listed: true,
    group: 'rawtracepoint',
  },
  uprobe: {
    aliases: ['u'],
    target: '{path}:[cpp:]{function}[+{offset}]',
    context: 'pt_regs',
    programType: 'kprobe',
    listed: true,
    group: 'uprobe',
  },
  uretprobe: {
    aliases: ['ur'],
    target: '{path}:[cpp:]{function}',
    context: 'pt_regs',
    programType: 'kprobe',
    listed: false,
    group: 'uretprobe',
  },
  usdt: {
    aliases: ['U'],
    target: '{path}:[{provider}:]{name}',
    context: 'pt_regs',
    programType: 'kprobe',
    listed: true,
    group: 'usdt',
  },
  profile: {
    aliases: ['p'],
    target: '{unit}:{count}',
    context: 'perf_event',
    programType: 'perf_event',
    listed: false,
    group: 'timer',
  },
  interval: {
    aliases: ['i'],
    target: '{unit}:{count}',
    context: 'perf_event',
    programType: 'perf_event',
    listed: false,
    group: 'timer',
  },
  software: {
    aliases: ['s'],
    target: '{event}:[{count}]',
    context: 'perf_event',
    programType: 'perf_event',
    listed: true,
    group: 'perf_event',
  },
  hardware: {
    aliases: ['h'],
    target: '{event}:[{count}]',
    context: 'perf_event',
    programType: 'perf_event',
    listed: true,
    group: 'perf_event',
  },
  watchpoint: {
    aliases: ['w'],
    target: '{address}:{length}:{mode}',
    context: 'perf_event',
    programType: 'perf_event',
    listed: false,
    group: 'watchpoint',
  },
  iter: {
    aliases: ['it'],
    target: '{name}[:{pin}]',
    context: 'iter',
    programType: 'tracing',
    listed: true,
    group: 'iter',
  },
} as const satisfies Record<string, ProbeRow>;
export type ProbeKind = keyof typeof PROBES;
