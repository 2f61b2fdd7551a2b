import { describe, expect, test } from 'vitest';
import type { MapResource } from '../../../src/lang/resources.ts';
import { INT32, INT64, UINT64, type Type } from '../../../src/lang/types.ts';
import type { MapElement } from '../../../src/runtime/maps/bpf-map.ts';
import { createJsonOutput } from '../../../src/runtime/output/json-output.ts';
import { readMap, type PrintOptions } from '../../../src/runtime/output/read-map.ts';
import { createTextOutput } from '../../../src/runtime/output/text-output.ts';
import { bytes, captureStreams, testContext } from './fixtures.ts';

function print(format: 'text' | 'json', map: MapResource, elements: readonly MapElement[], options?: PrintOptions) {
  const streams = captureStreams();
  const output = format === 'json' ? createJsonOutput(streams) : createTextOutput(streams);
  output.map(map.name, readMap(testContext(), map, elements, options));
  return streams.out();
}
const element = (key: Uint8Array, value: Uint8Array): MapElement => ({ key, value });
const name = (text: string): [string, number] => [text, 8];
const STRING8: Type = { kind: 'string', size: 8 };

/** hist() of these values on one CPU: the bucket of each, as code generation computes it. */
function histElements(bits: number, values: readonly number[], key: Uint8Array = new Uint8Array()): MapElement[] {
  const counts = new Map<number, number>();
  for (const value of values) {
    let bucket = 0;
    if (value >= 0 && value < 2 ** bits) bucket = value + 1;
    else if (value >= 0) {
      const power = Math.floor(Math.log2(value));
      bucket = ((power - bits + 1) << bits) + Math.floor(value / 2 ** (power - bits)) - 2 ** bits + 1;
    }
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  return [...counts].map(([bucket, count]) => element(Uint8Array.of(...key, ...bytes(bucket)), bytes(count, 0)));
}

describe('histograms', () => {
  const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  test('have a bar per power of two', () => {
    const map: MapResource = { name: '@h', value: { kind: 'hist', bits: 0 } };
    expect(print('text', map, histElements(0, [2, 2, 2, 4, 4, 8]))).toBe(`@h:
[2, 4)                 3 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
[4, 8)                 2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@                  |
[8, 16)                1 |@@@@@@@@@@@@@@@@@                                   |

`);
  });
  test('have 2^k bars per power of two', () => {
    const map: MapResource = { name: '@h', value: { kind: 'hist', bits: 1 } };
    expect(print('text', map, histElements(1, range(20)))).toBe(`@h:
[0]                    1 |@@@@@@@@@@@@@                                       |
[1]                    1 |@@@@@@@@@@@@@                                       |
[2]                    1 |@@@@@@@@@@@@@                                       |
[3]                    1 |@@@@@@@@@@@@@                                       |
[4, 6)                 2 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |
[6, 8)                 2 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |
[8, 12)                4 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
[12, 16)               4 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
[16, 24)               4 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|

`);
  });
  test('show negative values first and units for large bounds', () => {
    const map: MapResource = { name: '@h', value: { kind: 'hist', bits: 0 } };
    const text = print('text', map, histElements(0, [-3, 0, 20, 21]));
    expect(text.split('\n').map((line) => line.slice(0, 24))).toEqual([
      '@h:',
      '(..., 0)               1',
      '[0]                    1',
      '[1]                    0',
      '[2, 4)                 0',
      '[4, 8)                 0',
      '[8, 16)                0',
      '[16, 32)               2',
      '',
      '',
    ]);
    const large: MapResource = { name: '@h', value: { kind: 'hist', bits: 5 } };
    expect(print('text', large, histElements(5, [1000000, 1030000]))).toBe(`@h:
[976K, 992K)           1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
[992K, 1008K)          1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|

`);
  });
  test('of several keys come by their totals, the largest last', () => {
    const map: MapResource = { name: '@h', key: STRING8, value: { kind: 'hist', bits: 0 } };
    const elements = [
      ...histElements(0, [10, 10, 10], bytes(name('busy'))),
      ...histElements(0, [1], bytes(name('quiet'))),
      ...histElements(0, [1000, 1000], bytes(name('some'))),
    ];
    expect(print('text', map, elements)).toBe(`@h[quiet]:
[1]                    1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|

@h[some]:
[512, 1K)              2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|

@h[busy]:
[8, 16)                3 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|

`);
    expect(print('json', map, elements)).toBe(
      '{"type": "hist", "data": {"@h": {"quiet": [{"min": 1, "max": 1, "count": 1}], ' +
        '"some": [{"min": 512, "max": 1023, "count": 2}], "busy": [{"min": 8, "max": 15, "count": 3}]}}}\n',
    );
  });
  test('are divided by print()', () => {
    const map: MapResource = { name: '@h', value: { kind: 'hist', bits: 0 } };
    const values = [...range(40).fill(5), ...range(10).fill(9), ...range(4).fill(20)];
    expect(print('text', map, histElements(0, values), { top: 0, div: 5n })).toBe(`@h:
[4, 8)                 8 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
[8, 16)                2 |@@@@@@@@@@@@@                                       |
[16, 32)               0 |                                                    |

`);
  });
  test('that were zeroed have no lines', () => {
    const map: MapResource = { name: '@h', value: { kind: 'hist', bits: 0 } };
    const zeroed = [element(bytes(4), bytes(0, 0))];
    expect(print('text', map, zeroed)).toBe('@h:\n\n');
    expect(print('json', map, zeroed)).toBe('{"type": "hist", "data": {"@h": []}}\n');
    expect(print('text', map, [])).toBe('');
  });
  test.each<[string, [bigint, bigint, bigint], [number, number][], string[]]>([
    [
      'out of range',
      [0n, 100n, 25n],
      [
        [0, 2],
        [3, 1],
        [5, 1],
      ],
      [
        '(..., 0)               2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|',
        '[0, 25)                0 |                                                    |',
        '[25, 50)               0 |                                                    |',
        '[50, 75)               1 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |',
        '[75, 100)              0 |                                                    |',
        '[100, ...)             1 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |',
      ],
    ],
    [
      'overflow only',
      [0n, 10n, 5n],
      [[3, 1]],
      ['[10, ...)              1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|'],
    ],
    [
      'units',
      [0n, 4194304n, 524288n],
      [
        [3, 1],
        [4, 1],
      ],
      [
        '[1M, 1536K)            1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|',
        '[1536K, 2M)            1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|',
      ],
    ],
    [
      'single values',
      [0n, 4n, 1n],
      [[2, 1]],
      ['[1]                    1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|'],
    ],
  ])('with linear steps: %s', (_name, [min, max, step], buckets, lines) => {
    const map: MapResource = { name: '@l', value: { kind: 'lhist', min, max, step } };
    const elements = buckets.map(([bucket, count]) => element(bytes(bucket), bytes(count)));
    expect(print('text', map, elements)).toBe(`@l:\n${lines.join('\n')}\n\n`);
  });
  test('with linear steps in JSON have closed bounds', () => {
    const map: MapResource = { name: '@l', value: { kind: 'lhist', min: 0n, max: 30n, step: 10n } };
    const elements = [0, 2, 4].map((bucket) => element(bytes(bucket), bytes(1)));
    expect(print('json', map, elements)).toBe(
      '{"type": "hist", "data": {"@l": [{"max": -1, "count": 1},{"min": 0, "max": 9, "count": 0},' +
        '{"min": 10, "max": 19, "count": 1},{"min": 20, "max": 29, "count": 0},{"min": 30, "count": 1}]}}\n',
    );
  });
});

describe('aggregations', () => {
  test('are ordered by value, minima as unsigned numbers', () => {
    const map: MapResource = { name: '@m', key: STRING8, value: { kind: 'min', signed: true } };
    const elements = Object.entries({ a: 3, b: -5, c: 0, d: 200, e: -1 }).map(([key, value]) =>
      element(bytes(name(key)), bytes(value, 1, 0, 0)),
    );
    expect(print('text', map, elements)).toBe('@m[c]: 0\n@m[a]: 3\n@m[d]: 200\n@m[b]: -5\n@m[e]: -1\n');
  });
  test('show their top entries divided', () => {
    const map: MapResource = { name: '@s', key: INT64, value: { kind: 'sum', signed: true } };
    const elements = [1, 2, 3, 4, 5, 6].map((key) => element(bytes(key), bytes(key * 11, 0)));
    expect(print('text', map, elements, { top: 2, div: 0n })).toBe('@s[5]: 55\n@s[6]: 66\n');
    expect(print('text', map, elements, { top: 3, div: 10n })).toBe('@s[4]: 4\n@s[5]: 5\n@s[6]: 6\n');
  });
  test('of stats show their fields, and only the average is divided', () => {
    const map: MapResource = { name: '@st', key: STRING8, value: { kind: 'stats', signed: true } };
    const elements = [element(bytes(name('a')), bytes(10, 1, 0, 0)), element(bytes(name('b')), bytes(0, 0, 20, 1))];
    expect(print('text', map, elements, { top: 1, div: 10n })).toBe(
      '@st[b]: { .count = 1, .average = 2, .total = 20 }\n',
    );
    expect(print('json', map, elements)).toBe(
      '{"type": "stats", "data": {"@st": {"a": {"count": 1, "average": 10, "total": 10}, ' +
        '"b": {"count": 1, "average": 20, "total": 20}}}}\n',
    );
  });
  test('that never got a key are a JSON object only for stats', () => {
    expect(print('json', { name: '@a', key: INT64, value: { kind: 'avg', signed: true } }, [])).toBe(
      '{"type": "stats", "data": {"@a": {}}}\n',
    );
    expect(print('json', { name: '@a', key: INT64, value: { kind: 'count' } }, [])).toBe('');
  });
});

describe('keys', () => {
  test('of tuples lose their parentheses, and in JSON their spaces', () => {
    const map: MapResource = {
      name: '@c',
      key: { kind: 'tuple', elements: [STRING8, INT64] },
      value: { kind: 'count' },
    };
    const elements = [element(bytes(name('a b'), 1), bytes(2, 0)), element(bytes(name('c'), 2), bytes(1, 0))];
    expect(print('text', map, elements)).toBe('@c[c, 2]: 1\n@c[a b, 1]: 2\n');
    expect(print('json', map, elements)).toBe('{"type": "map", "data": {"@c": {"c,2": 1, "ab,1": 2}}}\n');
  });
  test('order maps whose values are no numbers', () => {
    const map: MapResource = { name: '@m', key: INT32, value: STRING8 };
    const elements = [
      element(bytes([3, 4]), bytes(name('three'))),
      element(bytes([-1, 4]), bytes(name('minus'))),
      element(bytes([20, 4]), bytes(name('twenty'))),
    ];
    expect(print('text', map, elements)).toBe('@m[-1]: minus\n@m[3]: three\n@m[20]: twenty\n');
  });
  test('of tuples order by the first element first', () => {
    const map: MapResource = { name: '@m', key: { kind: 'tuple', elements: [STRING8, INT64] }, value: STRING8 };
    const elements = [
      element(bytes(name('b'), 1), bytes(name('3'))),
      element(bytes(name('a'), 9), bytes(name('2'))),
      element(bytes(name('a'), -9), bytes(name('1'))),
    ];
    expect(print('text', map, elements)).toBe('@m[a, -9]: 1\n@m[a, 9]: 2\n@m[b, 1]: 3\n');
  });
  test('do not count for integers of 64 bits, and narrower ones keep the map order', () => {
    const of = (size: 1 | 8): string =>
      print(
        'text',
        { name: '@m', key: INT64, value: { kind: 'int', size, signed: true } },
        [3, 1, 2].map((n) => element(bytes(10 - n), bytes([n, size]))),
      );
    expect(of(8)).toBe('@m[9]: 1\n@m[8]: 2\n@m[7]: 3\n');
    expect(of(1)).toBe('@m[7]: 3\n@m[9]: 1\n@m[8]: 2\n');
  });
});

describe('time series', () => {
  const tseries = (aggregation: 'none' | 'avg' | 'sum', intervalNs: bigint, intervals: number): Type => ({
    kind: 'tseries',
    intervalNs,
    intervals,
    aggregation,
    signed: true,
  });
  const bucket = (epoch: number, value: number, meta: number, intervals: number): MapElement =>
    element(bytes(epoch % intervals), bytes(value, meta, epoch, 0, 0, 0));
  test('show gaps and where zero is', () => {
    const map: MapResource = { name: '@a', value: tseries('sum', 100_000_000n, 6) };
    const elements = [bucket(5, 21, 1, 6), bucket(8, -4, 1, 6)];
    expect(print('text', map, elements)).toBe(`@a:
             -4                                                 21
hh:mm:ss.ms  |___________________________________________________|
00:00:00.500 |       .                                           * 21
00:00:00.600 |       .                                           | -
00:00:00.700 |       .                                           | -
00:00:00.800 *       .                                           | -4
             v___________________________________________________v
             -4                                                 21

`);
  });
  test('measure the unit of microseconds in bytes', () => {
    const map: MapResource = { name: '@a', value: tseries('none', 10_000n, 5) };
    const elements = [bucket(100, -6, 1, 5), bucket(101, 0, 2, 5), bucket(102, 12, 3, 5)];
    expect(print('text', map, elements).split('\n')[2]).toBe(
      'hh:mm:ss.\xce\xbcs    |___________________________________________________|',
    );
  });
  test('of one point keep it in the middle', () => {
    const map: MapResource = { name: '@a', value: tseries('avg', 60_000_000_000n, 3) };
    expect(print('text', map, [element(bytes(0), bytes(5, 1, 60, 2, 1, 60))])).toBe(`@a:
                   2                                                   4
hh:mm:ss.ns        |___________________________________________________|
01:00:00.000000000 |                         *                         | 3
                   v___________________________________________________v
                   2                                                   4

`);
  });
  test('whose window would start before the epoch show nothing', () => {
    const map: MapResource = { name: '@a', value: tseries('none', 1_000_000_000n, 5) };
    expect(print('text', map, [bucket(3, 15, 1, 5)])).toBe('@a:\n<no data>\n');
  });
  test('in JSON leave gaps out', () => {
    const map: MapResource = { name: '@a', value: tseries('none', 1_000_000_000n, 2) };
    expect(print('json', map, [bucket(2, 5, 1, 2), bucket(3, -6, 1, 2)])).toBe(
      '{"type": "tseries", "data": {"@a": [{"interval_start":"1970-01-01 00:00:02.000000000","value":5},' +
        '{"interval_start":"1970-01-01 00:00:03.000000000","value":-6}]}}\n',
    );
  });
});

test('scalar maps print their one value', () => {
  expect(print('text', { name: '@x', value: UINT64 }, [element(bytes(0), bytes(7))])).toBe('@x: 7\n');
  expect(print('json', { name: '@x', value: UINT64 }, [element(bytes(0), bytes(9007199254740993n))])).toBe(
    '{"type": "map", "data": {"@x": "9007199254740993"}}\n',
  );
});
