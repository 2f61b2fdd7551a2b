import { signedInt, type Histogram, type Primitive } from './value.ts';

const UNITS = ['', 'K', 'M', 'G', 'T', 'P', 'E'] as const;

/**
 * Upper bound of bucket `index` of a histogram with 2^bits buckets per power of two. Up to 2 * 2^bits each bucket is one
 * value and the bound is the index itself; above, bounds carry the unit of the largest 2^10 that they contain.
 */
function powerLabel(index: number, bits: number): Primitive {
  const perPower = 1 << bits;
  if (index <= perPower * 2) return signedInt(BigInt(index));
  const multiple = BigInt(perPower + (index & (perPower - 1)));
  const power = (index >> bits) - 1;
  const unit = Math.floor(power / 10);
  const symbol = `${multiple << BigInt(power - unit * 10)}${UNITS[unit]!}`;
  return { kind: 'symbolic', symbol, numeric: BigInt.asUintN(64, multiple << BigInt(power)) };
}

/** Buckets as bpftrace counts them: it looks at their low 32 bits to find the first and the last used one. */
function usedRange(counts: readonly bigint[]): { first: number; last: number } | undefined {
  const used = (count: bigint): boolean => BigInt.asIntN(32, count) > 0n;
  const first = counts.findIndex(used);
  return first < 0 ? undefined : { first, last: counts.findLastIndex(used) };
}

/** hist(): counts by bucket number, where bucket 0 holds negative values. */
export function powerHistogram(counts: readonly bigint[], bits: number, div: bigint): Histogram {
  const range = usedRange(counts);
  if (range === undefined) return { kind: 'histogram', labels: [], counts: [] };
  const labels: Primitive[] = [];
  for (let i = range.first; i <= range.last; i++) labels.push(powerLabel(i, bits));
  return {
    kind: 'histogram',
    ...(range.first === 0 ? {} : { lowerBound: powerLabel(range.first - 1, bits) }),
    labels,
    counts: counts.slice(range.first, range.last + 1).map((count) => count / div),
  };
}

const KILO = 1024;
const MEGA = 1024 * 1024;

/** Bounds have units only if the step is a multiple of 1024. */
function linearLabel(bound: number, step: number): Primitive {
  if (step % KILO !== 0) return signedInt(BigInt(bound));
  let symbol = String(bound);
  if (bound !== 0 && bound % MEGA === 0) symbol = `${bound / MEGA}M`;
  else if (bound !== 0 && bound % KILO === 0) symbol = `${bound / KILO}K`;
  return { kind: 'symbolic', symbol, numeric: BigInt.asUintN(64, BigInt(bound)) };
}

/** lhist(): bucket 0 holds values below `min`, the last those from `max` on. */
export function linearHistogram(counts: readonly bigint[], min: number, max: number, step: number): Histogram {
  const range = usedRange(counts);
  if (range === undefined) return { kind: 'histogram', labels: [], counts: [] };
  const labels: Primitive[] = [];
  for (let i = range.first; i <= range.last; i++) {
    if (min + i * step <= max) labels.push(linearLabel(min + i * step, step));
  }
  return {
    kind: 'histogram',
    ...(range.first === 0 ? {} : { lowerBound: linearLabel(min + (range.first - 1) * step, step) }),
    labels,
    counts: counts.slice(range.first, range.last + 1),
  };
}

const BAR_WIDTH = 52;
const HEADER_WIDTH = 16;
const COUNT_WIDTH = 8;

/** The buckets of a histogram with the intervals that they count, `[4K, 8K)`. */
export function histogramBuckets(
  { labels, counts, lowerBound }: Histogram,
  show: (value: Primitive) => string,
): readonly { readonly interval: string; readonly count: bigint }[] {
  return counts.map((count, i) => ({
    interval: bucketText(i === 0 ? lowerBound : labels[i - 1], labels[i], show),
    count,
  }));
}

/** The lines of a histogram, each with its newline. */
export function histogramText(histogram: Histogram, show: (value: Primitive) => string): string {
  const { counts } = histogram;
  const largest = Math.fround(Number(counts.reduce((a, b) => (a > b ? a : b), 0n)));
  let result = '';
  for (const { interval, count } of histogramBuckets(histogram, show)) {
    // In float arithmetic, as bpftrace computes it: the bar is cut, not rounded.
    const share = largest === 0 ? 0 : Math.fround(Math.fround(Number(count)) / largest);
    const bar = '@'.repeat(Math.trunc(Math.fround(share * BAR_WIDTH)));
    result += `${interval.padEnd(HEADER_WIDTH)}${String(count).padStart(COUNT_WIDTH)} |${bar.padEnd(BAR_WIDTH)}|\n`;
  }
  return result;
}

function bucketText(
  low: Primitive | undefined,
  high: Primitive | undefined,
  show: (value: Primitive) => string,
): string {
  if (low === undefined) return `(..., ${high === undefined ? '' : show(high)})`;
  if (high === undefined) return `[${show(low)}, ...)`;
  const single = low.kind === 'int' && high.kind === 'int' && low.value + 1n === high.value;
  return single ? `[${show(low)}]` : `[${show(low)}, ${show(high)})`;
}
