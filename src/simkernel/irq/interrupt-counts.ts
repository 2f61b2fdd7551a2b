const COUNTED = ['nmi', 'localTimer', 'irqWork', 'reschedule', 'callFunction', 'tlb'] as const;

/** What /proc/interrupts counts beside the lines: of each kind, one number a CPU. */
export type InterruptCounts = Readonly<Record<(typeof COUNTED)[number], number[]>>;

export function createInterruptCounts(cpus: number): InterruptCounts {
  return Object.fromEntries(COUNTED.map((kind) => [kind, new Array<number>(cpus).fill(0)])) as InterruptCounts;
}
