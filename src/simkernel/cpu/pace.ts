import type { Random } from '../time/random.ts';

const PACES = 64;
/** Kernel code takes this much longer or shorter than declared, by how warm the caches are. */
const SLOWEST_WARM = 0.7;
const MEDIAN = 0.95;
const SPREAD = 0.3;

/** The moods of the caches, drawn anew for every system call: xorshift32 over a table of log-normal factors. */
export class Paces {
  private readonly factors: Float64Array;
  private state: number;

  constructor(random: Random) {
    this.state = random.bits() | 1;
    this.factors = Float64Array.from({ length: PACES }, () => Math.max(SLOWEST_WARM, random.logNormal(MEDIAN, SPREAD)));
  }
  next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return this.factors[x & (PACES - 1)]!;
  }
}
