/** What the events of probes are made of. */
interface ProbeKindRow {
  /** That a definition begins with; those of one letter are told apart by their places. */
  readonly letters: string;
  /** Who complains in error_log. */
  readonly location: string;
  /** The group of events whose definition does not name one. */
  readonly group: string;
  /** How many calls it follows at a time may be said (`r5:`). */
  readonly takesMaxActive: boolean;
  /** What its arguments are read from: registers, the arguments of a function or tracepoint as such, a record. */
  readonly reads: 'registers' | 'arguments' | 'record';
}

/** Breakpoints in kernel and programs, ends of functions (fprobe), tracepoints without an event, and events themselves. */
export const PROBE_KINDS = {
  kprobe: { letters: 'pr', location: 'trace_kprobe', group: 'kprobes', takesMaxActive: true, reads: 'registers' },
  uprobe: { letters: 'pr', location: 'trace_uprobe', group: 'uprobes', takesMaxActive: false, reads: 'registers' },
  fprobe: { letters: 'f', location: 'trace_fprobe', group: 'fprobes', takesMaxActive: true, reads: 'arguments' },
  tprobe: { letters: 't', location: 'trace_fprobe', group: 'tracepoints', takesMaxActive: false, reads: 'arguments' },
  eprobe: { letters: 'e', location: 'event_probe', group: 'eprobes', takesMaxActive: false, reads: 'record' },
} as const satisfies Record<string, ProbeKindRow>;
export type ProbeKind = keyof typeof PROBE_KINDS;
export const PROBE_KIND_NAMES = Object.keys(PROBE_KINDS) as readonly ProbeKind[];
