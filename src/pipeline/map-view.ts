import type { ReadMap } from '../runtime/events.ts';
import { decodeText } from '../runtime/output/byte-text.ts';
import { histogramBuckets } from '../runtime/output/histogram.ts';
import { keyText, primitiveText } from '../runtime/output/primitive-text.ts';
import { timeSeriesText } from '../runtime/output/time-series.ts';
import type { Value } from '../runtime/output/value.ts';

export interface Bucket {
  readonly interval: string;
  readonly count: number;
}

/** An element of a map as somebody who draws it wants it. */
export interface MapRow {
  /** Empty for a map without keys. */
  readonly key: string;
  readonly text: string;
  /** What bars are drawn by, where the value is a number. */
  readonly amount?: number;
  readonly buckets?: readonly Bucket[];
  /** Values that need lines of their own. */
  readonly lines?: readonly string[];
}

/** A map while its script runs: plain data, largest first. */
export interface MapView {
  readonly name: string;
  readonly rows: readonly MapRow[];
  /** How many elements there are; `rows` may hold fewer. */
  readonly size: number;
}

/** Elements that anybody could look at. */
const MOST_ROWS = 64;

export function viewMap({ name, contents }: ReadMap): MapView {
  if (contents.kind === 'scalar') return { name, rows: [viewValue('', contents.value)], size: 1 };
  const { entries } = contents;
  const shown = entries.slice(-MOST_ROWS).reverse();
  return {
    name,
    rows: shown.map(({ key, value }) => viewValue(decodeText(keyText(key)), value)),
    size: entries.length,
  };
}

const show = (value: Parameters<typeof primitiveText>[0]): string => decodeText(primitiveText(value));

function viewValue(key: string, value: Value): MapRow {
  switch (value.kind) {
    case 'histogram': {
      const buckets = histogramBuckets(value, show).map(({ interval, count }) => ({ interval, count: Number(count) }));
      const total = buckets.reduce((sum, { count }) => sum + count, 0);
      return { key, text: String(total), amount: total, buckets };
    }
    case 'time_series':
      return { key, text: '', lines: decodeText(timeSeriesText(value)).trimEnd().split('\n') };
    case 'int':
      return { key, text: show(value), amount: Number(value.value) };
    default: {
      const text = show(value);
      return text.includes('\n') ? { key, text: '', lines: text.trim().split('\n') } : { key, text };
    }
  }
}
