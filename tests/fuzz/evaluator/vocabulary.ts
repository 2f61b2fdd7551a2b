export type Kind = 'int' | 'bool' | 'string' | 'pair' | 'nested' | 'record' | 'bytes' | 'text';

export interface Scope {
  readonly variables: { readonly name: string; readonly kind: Kind; readonly constant?: true }[];
}

export const INT_TYPES = ['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'] as const;
export const NUMBERS = [
  '0',
  '1',
  '2',
  '3',
  '7',
  '100',
  '127',
  '128',
  '255',
  '256',
  '32767',
  '65535',
  '65536',
  '1000003',
  '0x1f',
  '1e3',
  '1_000',
  '(LIMIT + 0)',
  '(int64)GREEN',
];
export const LARGE = [
  '2147483647',
  '2147483648',
  '4294967295',
  '4294967296',
  '9223372036854775807',
  '0x123456789abcdef',
];
export const TEXTS = ['', 'a', 'ab', 'abc', 'hello', 'hellp', 'a longer text', 'abcabcabd'];
export const ARITHMETIC = ['+', '-', '*', '/', '%', '&', '|', '^'];
export const COMPARISONS = ['==', '!=', '<', '>', '<=', '>='];
export const COMPOUND = ['+=', '-=', '*=', '&=', '|=', '^='];

/** Key types of the maps that scripts use, by name: values are 64-bit integers. */
export const MAPS: Readonly<Record<string, Kind>> = { i: 'int', s: 'string', p: 'pair', d: 'nested' };
/** What every script begins with: macros and a function to call. */
export const PREAMBLE = `macro mix(a, b) { let $t = (int64)(a); $t = $t * 3; $t ^ (int64)(b) }
macro bump($x) { $x = $x + (typeof($x))1; }
macro tally(@m, k) { @m[(int64)k] += 3; @m[(int64)k] }
fn choose($a: int64, $b: int64): int64 { if ($a > $b) { return $a - $b; } return $b + 1; }
fn weigh($s: string[16], $n: uint8): uint64 { if ($s == "abc" || $n > 200) { return 3; } return strlen($s) + $n; }
fn climb($n: int32, $up: bool): int32 {
  $sum = (int32)0;
  for ($i : 0..6) {
    if ((int32)$i == $n) { return $sum; }
    if ($up) { $sum += (int32)$i; } else { $sum -= 2; }
  }
  return $sum * 2;
}
`;
/** Maps of one element for each of a few keys, by name: how a value gets in. */
export const KEYED_AGGREGATIONS: Readonly<Record<string, string>> = {
  kcount: 'count()',
  ksum: 'sum',
  kmin: 'min',
  kmax: 'max',
  kavg: 'avg',
};
/** Maps that only printing shows, by name: what follows the value. */
export const PRINTED: Readonly<Record<string, readonly [call: string, more: string]>> = {
  hist: ['hist', ''],
  hist2: ['hist', ', 2'],
  lhist: ['lhist', ', 3, 100, 7'],
  stats: ['stats', ''],
};
/** Time series of one interval, which a map of the script stands in for: `@clock` is the time. */
export const SERIES: Readonly<Record<string, string>> = {
  last: '',
  sums: ', "sum"',
  least: ', "min"',
  most: ', "max"',
  means: ', "avg"',
};
/** Maps of one integer, by name: its type. */
export const SCALARS: Readonly<Record<string, string>> = { x: 'int64', u: 'uint64', n: 'uint8', w: 'int16' };
/** Specifiers of integers. */
export const SPECIFIERS = [
  '%lld',
  '%d',
  '%u',
  '%x',
  '%lx',
  '%llu',
  '%hhd',
  '%hd',
  '%hx',
  '%8d',
  '%-7ld',
  '%05u',
  '%3hhu',
];
/** Folding that does not depend on the order in which a loop visits a map. */
export const COMMUTATIVE = ['+=', '^=', '|=', '&='];

/** One element of each map, which tells its types. */
export const FIRST_ELEMENTS: Readonly<Record<string, string>> = {
  i: '@i[(int64)0] = (int64)0;',
  s: '@s["a longer text"] = (int64)0;',
  p: '@p[((int64)0, "a longer text")] = (int64)0;',
  v: '@v[(int64)0] = ((int64)0, "a longer text");',
  d: '@d[((int8)0, ("a longer text", (int32)0))] = (int64)0;',
};
export const HEAD = `#define LIMIT 42
enum color { RED = 3, GREEN = 250, BLUE };
config = { print_maps_on_exit = false; max_map_keys = 64; unstable_tseries = true }
`;

/** No window of a time series reaches back to the beginning of time. */
export const FIRST_TICK = 10_000;

/** Aggregations, by name. */
export const AGGREGATIONS: Readonly<Record<string, string>> = {
  count: 'count()',
  sum: 'sum',
  min: 'min',
  max: 'max',
  avg: 'avg',
  usum: 'sum',
  umax: 'max',
  uavg: 'avg',
  bmin: 'min',
};
/** What these take where it is not int64. */
export const AGGREGATED_TYPES: Readonly<Record<string, string>> = {
  usum: 'uint64',
  umax: 'uint32',
  uavg: 'uint16',
  bmin: 'int8',
};

export function aggregate(call: string, value: string): string {
  return call.endsWith(')') ? call : `${call}(${value})`;
}

export const tseries = (name: string, value: string): string => `tseries(${value}, 1us, 3${SERIES[name]})`;
