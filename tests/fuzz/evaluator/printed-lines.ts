import { shown, type Aggregate } from './aggregates.ts';

interface Bucket {
  readonly min?: number | string;
  readonly max?: number | string;
  readonly count: number;
}
interface Stats {
  readonly count: number | string;
  readonly average: number | string;
  readonly total: number | string;
}
interface Point {
  readonly interval_start: string;
  readonly value: number | string;
}
type SeriesMap = Readonly<Record<string, readonly Point[]>>;
type Maps = Readonly<Record<string, Readonly<Record<string, readonly Bucket[] | Stats>>>>;

/** What a session printed as JSON, in the words of the evaluator: text as it is, maps by key, without empty buckets. */
export function printedLines(json: string): string {
  return json
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { type, data } = JSON.parse(quoted(line)) as { readonly type: string; readonly data: unknown };
      if (type === 'printf') return data as string;
      if (type === 'value') return `${valueText(data)}\n`;
      // What divides by zero is reported, too.
      if (type === 'tseries') return seriesText(data as Readonly<Record<string, SeriesMap>>);
      return type === 'hist' || type === 'stats' ? mapText(data as Maps) : '';
    })
    .join('');
}

/** Numbers with more digits than JSON's can keep become text. */
const quoted = (line: string): string => line.replace(/([[,:] ?)(-?\d{16,})(?=[,}\]])/g, '$1"$2"');

/** A value without the names of its members. */
function valueText(data: unknown): string {
  return typeof data === 'object' && data !== null ? `[${Object.values(data).map(valueText).join()}]` : String(data);
}

/** Intervals of a microsecond each, within the first second: their number is in the digits of their start. */
function seriesText(maps: Readonly<Record<string, SeriesMap>>): string {
  return Object.entries(maps)
    .map(([name, elements]) =>
      elementLines(
        name.slice(1),
        Object.entries(elements).map(([key, points]) => [key, points.map(pointText).join(' ')]),
      ),
    )
    .join('');
}

const pointText = ({ interval_start: start, value }: Point): string =>
  `${Number(start.slice(-9)) / 1000}:${BigInt(value)}`;

function mapText(maps: Maps): string {
  return Object.entries(maps)
    .map(([name, elements]) =>
      elementLines(
        name.slice(1),
        Object.entries(elements).map(([key, value]) => [key, 'total' in value ? statsText(value) : bucketText(value)]),
      ),
    )
    .join('');
}

/** BigInt() keeps the digits that a number of JSON shows. */
const statsText = ({ count, average, total }: Stats): string =>
  `count ${BigInt(count)} average ${BigInt(average)} total ${BigInt(total)}`;

const bound = (value: number | string | undefined): string => (value === undefined ? '' : String(BigInt(value)));

function bucketText(buckets: readonly Bucket[]): string {
  return buckets
    .filter(({ count }) => count > 0)
    .map(({ min, max, count }) => `${bound(min)}..${bound(max)} ${count}`)
    .sort()
    .join(', ');
}

/** The elements of a map that was printed. */
export function shownMap(name: string, elements: ReadonlyMap<string, Aggregate>): string {
  return elementLines(
    name,
    [...elements].map(([key, element]) => [key, shown(element)]),
  );
}

/** The lines of a map's elements, in an order that does not depend on the map's. */
export function elementLines(name: string, elements: readonly (readonly [string, string])[]): string {
  return elements
    .map(([key, text]) => `@${name}[${key}] ${text}\n`)
    .sort()
    .join('');
}
