import type { Simulation } from './simulation.ts';

/** What a CPU mostly did in a stretch of time. */
export type CpuUse = 'idle' | 'iowait' | 'user' | 'kernel' | 'irq' | 'softirq';

/** A stretch of time on one CPU. */
export interface TimelineCell {
  readonly use: CpuUse;
  /** The part of it in which the CPU was not idle, from 0 to 1. */
  readonly busy: number;
  /** Who ran at its end; 0 for nobody. */
  readonly pid: number;
  readonly comm: string;
}

export interface TimelineView {
  readonly columnNs: number;
  /** End of the last column, since boot. */
  readonly endNs: number;
  /** For each CPU its cells, oldest first. */
  readonly cpus: readonly (readonly TimelineCell[])[];
}

const DEFAULT_COLUMN_NS = 1_000_000;
const MOST_COLUMNS = 240;
const USES = { user: 'user', nice: 'user', system: 'kernel', irq: 'irq', softirq: 'softirq' } as const;

/** What the CPUs of a machine have lately been doing, column by column of virtual time. */
export class Timeline {
  readonly #simulation: Simulation;
  #columnNs = DEFAULT_COLUMN_NS;
  #lastNs: number | undefined;
  #before: ReturnType<Simulation['activity']> = [];
  #columns: (readonly TimelineCell[])[] = [];

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** Begins anew with columns of another length. */
  restart(columnNs: number): void {
    this.#columnNs = columnNs;
    this.#columns = [];
    this.#lastNs = undefined;
  }

  /** When the machine is to be looked at next, if not later than `untilNs`. */
  sampleAt(untilNs: number): number {
    if (this.#lastNs === undefined) {
      this.#lastNs = this.#simulation.kernel.now();
      this.#before = this.#simulation.activity();
    }
    return Math.min(untilNs, this.#lastNs + this.#columnNs);
  }

  /** Looks at the machine; a column is complete when its time is over. */
  sample(): void {
    const now = this.#simulation.kernel.now();
    if (this.#lastNs === undefined || now < this.#lastNs + this.#columnNs) return;
    const after = this.#simulation.activity();
    this.#columns.push(after.map((cpu, i) => cellBetween(this.#before[i]!, cpu)));
    if (this.#columns.length > MOST_COLUMNS) this.#columns.shift();
    this.#before = after;
    this.#lastNs = now;
  }

  view(columns: number): TimelineView {
    const shown = this.#columns.slice(-columns);
    const cpus = Array.from({ length: this.#before.length }, (_, cpu) => shown.map((column) => column[cpu]!));
    return { columnNs: this.#columnNs, endNs: this.#lastNs ?? 0, cpus };
  }
}

type Activity = ReturnType<Simulation['activity']>[number];

function cellBetween(before: Activity, after: Activity): TimelineCell {
  const spent = (name: keyof Activity['times']): number => after.times[name] - before.times[name];
  const idle = spent('idle');
  const iowait = spent('iowait');
  let use: CpuUse = iowait > idle ? 'iowait' : 'idle';
  let busy = 0;
  let most = 0;
  for (const name of Object.keys(USES) as (keyof typeof USES)[]) {
    const ns = spent(name);
    busy += ns;
    if (ns <= most) continue;
    most = ns;
    use = USES[name];
  }
  const whole = busy + idle + iowait;
  return { use, busy: whole === 0 ? 0 : busy / whole, pid: after.pid, comm: after.comm };
}
