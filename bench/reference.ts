/*
 * Times as they would be on a quiet host. CPU time of the process is what counts, not the wall clock, which also measures the
 * neighbours; but these take caches and clock speed away too, in bursts, so one figure says little. Work that is the same in
 * every round is therefore cut into slices, each slice counts with its fastest round, and the sum is scaled by the fastest
 * run of a loop of additions: 300 million take 130 ms on ours when it is quiet. The fastest round also leaves out what a
 * first round has: the compiler's and the collector's threads, whose time is the process's as well.
 */
const ADDITIONS = 3_000_000;
const ADDITIONS_MS = (130 * ADDITIONS) / 3e8;

export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

let fastest = Infinity;
/** Runs the reference loop once; to be called between slices. */
export function runReference(): void {
  const started = cpuMs();
  let sum = 0;
  for (let i = 0; i < ADDITIONS; i += 1) sum = (sum + i) | 0;
  if (sum === 1) console.log(sum);
  fastest = Math.min(fastest, cpuMs() - started);
}
/** How many times slower the host is now than when it is quiet. */
export function slowness(): number {
  return fastest / ADDITIONS_MS;
}

/** The same work in several rounds: per slice, the fastest. */
export class Slices {
  private readonly fastest: number[] = [];
  private firstMs = 0;
  private round = 0;

  /** Begins another round. */
  restart(): void {
    this.round += 1;
  }
  time(index: number, work: () => void): void {
    const started = cpuMs();
    work();
    const ms = cpuMs() - started;
    if (this.round <= 1) this.firstMs += ms;
    this.fastest[index] = Math.min(this.fastest[index] ?? Infinity, ms);
    runReference();
  }
  /** Milliseconds of slices from one to another, as on a quiet host. */
  ms(from = 0, to = this.fastest.length): number {
    return this.fastest.slice(from, to).reduce((sum, ms) => sum + ms, 0) / slowness();
  }
  /** The first round, with everything that is compiled in it; the neighbours are in it too. */
  get firstRoundMs(): number {
    return this.firstMs / slowness();
  }
}
