/** Folds the CPUs' elements of an aggregation (AGGREGATION_FIELDS of lang/map-layout.ts) into one number. */

/** count, sum and the buckets of histograms: one u64 each. Wraps at 64 bits. */
export function sumWords(view: DataView): bigint {
  let sum = 0n;
  for (let at = 0; at + 8 <= view.byteLength; at += 8) sum += view.getBigUint64(at, true);
  return BigInt.asUintN(64, sum);
}

/** Two fields per CPU: the value and whether it was ever set. */
function extreme(view: DataView, signed: boolean, better: (a: bigint, b: bigint) => boolean): bigint {
  let best: bigint | undefined;
  for (let at = 0; at + 16 <= view.byteLength; at += 16) {
    if (view.getBigUint64(at + 8, true) === 0n) continue;
    const value = signed ? view.getBigInt64(at, true) : view.getBigUint64(at, true);
    if (best === undefined || better(value, best)) best = value;
  }
  return best ?? 0n;
}
export const minimum = (view: DataView, signed: boolean): bigint => extreme(view, signed, (a, b) => a < b);
export const maximum = (view: DataView, signed: boolean): bigint => extreme(view, signed, (a, b) => a > b);

export interface Stats {
  readonly total: bigint;
  readonly count: bigint;
}

/** avg and stats: total and count per CPU. */
export function readStats(view: DataView, signed: boolean): Stats {
  let total = 0n;
  let count = 0n;
  for (let at = 0; at + 16 <= view.byteLength; at += 16) {
    total += view.getBigUint64(at, true);
    count += view.getBigUint64(at + 8, true);
  }
  const wrap = (value: bigint): bigint => (signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value));
  return { total: wrap(total), count: wrap(count) };
}

/** Cut towards zero. */
export function meanOf(stats: Stats): bigint {
  return stats.count > 0n ? stats.total / stats.count : 0n;
}
