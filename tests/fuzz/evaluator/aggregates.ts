/** What a map of one key has been given, whatever the aggregation. */
export interface Aggregate {
  count: bigint;
  sum: bigint;
  min: bigint;
  max: bigint;
  /** How often each bucket was hit, by its bounds. */
  readonly buckets: Map<string, bigint>;
}

export const emptyAggregate = (): Aggregate => ({ count: 0n, sum: 0n, min: 0n, max: 0n, buckets: new Map() });

export function add(to: Aggregate, value: bigint, bucket: string | undefined): void {
  to.min = to.count === 0n || value < to.min ? value : to.min;
  to.max = to.count === 0n || value > to.max ? value : to.max;
  to.count += 1n;
  to.sum = BigInt.asIntN(64, to.sum + value);
  if (bucket !== undefined) to.buckets.set(bucket, (to.buckets.get(bucket) ?? 0n) + 1n);
}

/** Bounds as JSON output names them: the first and the last value of the bucket. */
const bounds = (min: bigint | undefined, max: bigint | undefined): string => `${min ?? ''}..${max ?? ''}`;

/** Below zero one bucket, then single values below 2^bits, then 2^bits buckets for each power of two. */
export function powerBucket(value: bigint, bits: number): string {
  if (value < 0n) return bounds(undefined, -1n);
  if (value < 1n << BigInt(bits)) return bounds(value, value);
  const width = BigInt(value.toString(2).length - 1 - bits);
  const first = (value >> width) << width;
  return bounds(first, first + (1n << width) - 1n);
}

/** Beyond the maximum all values share a bucket with those of the last step that begins below it. */
export function linearBucket(value: bigint, min: bigint, max: bigint, step: bigint): string {
  if (value < min) return bounds(undefined, min - 1n);
  const first = min + (((value > max ? max : value) - min) / step) * step;
  return bounds(first, first + step <= max ? first + step - 1n : undefined);
}

/** What print() shows of an aggregation that no expression reads. */
export function shown(aggregate: Aggregate): string {
  const { buckets, count, sum } = aggregate;
  if (buckets.size === 0) return `count ${count} average ${sum / count} total ${sum}`;
  return [...buckets]
    .map(([range, hits]) => `${range} ${hits}`)
    .sort()
    .join(', ');
}
