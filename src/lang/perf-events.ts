export interface PerfEventRow {
  /** Short name. */
  readonly alias?: string;
  /** One sample per so many, unless the script says. */
  readonly period: number;
}

/** Software events of perf (include/uapi/linux/perf_event.h) by bpftrace's names, with its periods. */
const SOFTWARE_EVENTS = {
  'alignment-faults': { period: 1 },
  'bpf-output': { period: 1 },
  'context-switches': { alias: 'cs', period: 1000 },
  'cpu-clock': { alias: 'cpu', period: 1_000_000 },
  'cpu-migrations': { period: 1 },
  dummy: { period: 1 },
  'emulation-faults': { period: 1 },
  'major-faults': { period: 1 },
  'minor-faults': { period: 100 },
  'page-faults': { alias: 'faults', period: 100 },
  'task-clock': { period: 1 },
} as const satisfies Record<string, PerfEventRow>;

/** Hardware events likewise. */
const HARDWARE_EVENTS = {
  'backend-stalls': { period: 1_000_000 },
  'branch-instructions': { alias: 'branches', period: 100_000 },
  'branch-misses': { period: 100_000 },
  'bus-cycles': { period: 100_000 },
  'cache-misses': { period: 1_000_000 },
  'cache-references': { period: 1_000_000 },
  'cpu-cycles': { alias: 'cycles', period: 1_000_000 },
  'frontend-stalls': { period: 1_000_000 },
  instructions: { period: 1_000_000 },
  'ref-cycles': { period: 1_000_000 },
} as const satisfies Record<string, PerfEventRow>;

const TABLES = { software: SOFTWARE_EVENTS, hardware: HARDWARE_EVENTS };
export type PerfEventKind = keyof typeof TABLES;

/** The event of a name or short name. */
export function perfEvent(
  kind: PerfEventKind,
  name: string,
): { readonly name: string; readonly period: number } | undefined {
  const rows: Readonly<Record<string, PerfEventRow>> = TABLES[kind];
  const found = Object.entries(rows).find(([event, { alias }]) => event === name || alias === name);
  return found && { name: found[0], period: found[1].period };
}

/** Names and short names, sorted. */
export function perfEventNames(kind: PerfEventKind): readonly string[] {
  const rows: Readonly<Record<string, PerfEventRow>> = TABLES[kind];
  return Object.entries(rows)
    .flatMap(([name, { alias }]) => (alias === undefined ? [name] : [name, alias]))
    .sort();
}
