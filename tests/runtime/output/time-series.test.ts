import { expect, test } from 'vitest';
import { reduceInterval } from '../../../src/runtime/output/time-series.ts';

type Cpu = readonly [value: bigint, meta: bigint, epoch: bigint];

function bucket(...cpus: readonly Cpu[]): DataView {
  return new DataView(BigInt64Array.from(cpus.flat()).buffer);
}

const typeOf = (
  aggregation: 'none' | 'avg' | 'sum' | 'min' | 'max',
  signed = true,
): Parameters<typeof reduceInterval>[0] => ({
  kind: 'tseries',
  aggregation,
  signed,
  intervalNs: 100n,
  intervals: 5,
});

test.each<[string, Parameters<typeof typeOf>[0], Cpu[], { epoch: bigint; value: bigint }]>([
  [
    'only the latest interval counts',
    'sum',
    [
      [1n, 0n, 3n],
      [2n, 0n, 4n],
      [5n, 0n, 4n],
    ],
    { epoch: 4n, value: 7n },
  ],
  [
    'without aggregation the latest assignment wins',
    'none',
    [
      [1n, 20n, 4n],
      [2n, 10n, 4n],
    ],
    { epoch: 4n, value: 1n },
  ],
  [
    'avg divides the total of all CPUs',
    'avg',
    [
      [-9n, 2n, 4n],
      [2n, 1n, 4n],
    ],
    { epoch: 4n, value: -2n },
  ],
  [
    'min and max compare signed numbers',
    'min',
    [
      [-1n, 0n, 4n],
      [1n, 0n, 4n],
    ],
    { epoch: 4n, value: -1n },
  ],
  [
    'a CPU that never used the bucket does not count',
    'max',
    [
      [0n, 0n, 0n],
      [-7n, 0n, 4n],
    ],
    { epoch: 4n, value: -7n },
  ],
  ['what only interval 0 filled is 0', 'none', [[5n, 1n, 0n]], { epoch: 0n, value: 0n }],
])('%s', (_, aggregation, cpus, interval) => {
  expect(reduceInterval(typeOf(aggregation), bucket(...cpus))).toEqual(interval);
});
