import { bug } from '../../source/bug.ts';
import type { Type } from '../../lang/types.ts';
import { primitiveText } from './primitive-text.ts';
import { splitTime, strftime } from './time-format.ts';
import { signedInt, unsignedInt, type Primitive, type TimeSeries } from './value.ts';

type TimeSeriesType = Type & { kind: 'tseries' };

/** A bucket's latest interval over all CPUs, as its number and value: interval 0 with value 0 if no CPU used another. */
export function reduceInterval(type: TimeSeriesType, view: DataView): { epoch: bigint; value: bigint } {
  const wrap = (value: bigint): bigint => (type.signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value));
  let latest: { epoch: bigint; value: bigint; meta: bigint } | undefined;
  for (let at = 0; at + 24 <= view.byteLength; at += 24) {
    const value = wrap(view.getBigUint64(at, true));
    const meta = wrap(view.getBigUint64(at + 8, true));
    const epoch = view.getBigUint64(at + 16, true);
    if (epoch === 0n || (latest !== undefined && epoch < latest.epoch)) continue;
    if (latest === undefined || epoch > latest.epoch) {
      latest = { epoch, value, meta };
      continue;
    }
    switch (type.aggregation) {
      case 'none':
        // The most recent assignment wins; `meta` is when it was.
        if (meta > latest.meta) latest = { epoch, value, meta };
        break;
      case 'avg':
        latest = { epoch, value: wrap(latest.value + value), meta: wrap(latest.meta + meta) };
        break;
      case 'sum':
        latest = { ...latest, value: wrap(latest.value + value) };
        break;
      case 'min':
        if (value < latest.value) latest = { ...latest, value };
        break;
      case 'max':
        if (value > latest.value) latest = { ...latest, value };
        break;
    }
  }
  if (latest === undefined) return { epoch: 0n, value: 0n };
  const isMean = type.aggregation === 'avg' && latest.meta !== 0n;
  return { epoch: latest.epoch, value: isMean ? latest.value / latest.meta : latest.value };
}

/** The intervals from a key's first one in the window to the window's end, which is the newest interval of the map. */
export function buildTimeSeries(
  type: TimeSeriesType,
  intervals: ReadonlyMap<bigint, bigint>,
  newest: bigint,
): TimeSeries {
  const number = type.signed ? signedInt : unsignedInt;
  // The window's start wraps below zero, and is then behind its end: nothing is shown.
  const start = BigInt.asUintN(64, newest - BigInt(type.intervals) + 1n);
  let first = newest;
  for (const epoch of intervals.keys()) if (epoch >= start && epoch < first) first = epoch;
  const values: { timeNs: bigint; value: Primitive }[] = [];
  if (start <= newest) {
    for (let epoch = first; epoch <= newest; epoch++) {
      const value = intervals.get(epoch);
      values.push({ timeNs: epoch * type.intervalNs, value: value === undefined ? { kind: 'none' } : number(value) });
    }
  }
  return { kind: 'time_series', values };
}

const GRAPH_WIDTH = 53;
const LABEL_WIDTH = 21;

/** Precision of the times by the length of an interval; the unit's name is its header (μ is two bytes). */
const PRECISIONS = [
  { fromNs: 1_000_000_000n, unit: 's', digits: 0 },
  { fromNs: 1_000_000n, unit: 'ms', digits: 3 },
  { fromNs: 1_000n, unit: '\xce\xbcs', digits: 6 },
  { fromNs: 0n, unit: 'ns', digits: 9 },
] as const;

/** The graph, each line with its newline; widths count bytes. */
export function timeSeriesText(series: TimeSeries): string {
  const { values } = series;
  const front = values[0];
  const back = values.at(-1);
  if (front === undefined || back === undefined) return '<no data>';

  let [low, high] = bounds(values.map((point) => point.value));
  const signed = values.some((point) => point.value.kind === 'int' && point.value.signed);
  if (low === high) {
    if (low > (signed ? -(1n << 63n) : 0n)) low--;
    if (high < (signed ? (1n << 63n) - 1n : (1n << 64n) - 1n)) high++;
  }
  const intervalNs = (back.timeNs - front.timeNs) / BigInt(Math.max(1, values.length - 1));
  const { unit, digits } = PRECISIONS.find((row) => intervalNs >= row.fromNs) ?? bug('negative interval');
  const timeWidth = 'hh:mm:ss'.length + (digits === 0 ? 0 : 1 + digits);
  const header = digits === 0 ? 'hh:mm:ss' : `hh:mm:ss.${unit}`;
  const ruler = `${String(low).padEnd(LABEL_WIDTH)}${String(high).padStart(GRAPH_WIDTH - LABEL_WIDTH)}\n`;
  const margin = ' '.repeat(timeWidth + 1);

  let result = margin + ruler;
  result += `${header.padEnd(timeWidth + 1)}|${'_'.repeat(GRAPH_WIDTH - 2)}|\n`;
  const zero = low < 0n && high > 0n ? position(GRAPH_WIDTH, low, 0n, high) : 0;
  for (const { timeNs, value } of values) {
    const line = [...`|${' '.repeat(GRAPH_WIDTH - 2)}|`];
    if (zero > 0) line[zero] = '.';
    let label = '-';
    if (value.kind === 'int') {
      const at = low === high ? Math.trunc(GRAPH_WIDTH / 2) : position(GRAPH_WIDTH - 1, low, value.value, high);
      line[Math.max(0, Math.min(GRAPH_WIDTH - 1, at))] = '*';
      label = primitiveText(value);
    }
    result += `${clockText(timeNs, digits)} ${line.join('')} ${label}\n`;
  }
  result += `${margin}v${'_'.repeat(GRAPH_WIDTH - 2)}v\n`;
  return result + margin + ruler;
}

function bounds(values: readonly Primitive[]): [low: bigint, high: bigint] {
  const numbers = values.flatMap((value) => (value.kind === 'int' ? [value.value] : []));
  const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
  const most = (a: bigint, b: bigint): bigint => (a > b ? a : b);
  const first = numbers[0] ?? bug('time series without a value');
  return [numbers.reduce(least, first), numbers.reduce(most, first)];
}

/** In float arithmetic, as bpftrace computes it: the column is cut, not rounded. */
function position(width: number, low: bigint, value: bigint, high: bigint): number {
  const float = (number: bigint): number => Math.fround(Number(number));
  return Math.trunc(Math.fround(Math.fround(width * float(value - low)) / float(high - low)));
}

function clockText(timeNs: bigint, digits: number): string {
  const { seconds, rest } = splitTime(timeNs);
  const clock = strftime('%H:%M:%S', seconds);
  return digits === 0 ? clock : `${clock}.${String(rest).padStart(9, '0').slice(0, digits)}`;
}
