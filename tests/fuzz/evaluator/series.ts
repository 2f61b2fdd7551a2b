import type { Type } from '../../../src/lang/types.ts';
import { elementLines } from './printed-lines.ts';

type SeriesType = Type & { readonly kind: 'tseries' };

/** The last intervals of one key: each has a place of its own, which the next that falls there takes over. */
export class SeriesElement {
  readonly intervals = new Map<bigint, { epoch: bigint; value: bigint; count: bigint }>();

  add(value: bigint, time: bigint, type: SeriesType): void {
    const epoch = time / BigInt(type.intervalNs);
    const place = epoch % BigInt(type.intervals);
    const known = this.intervals.get(place);
    if (known === undefined || known.epoch !== epoch || type.aggregation === 'none') {
      this.intervals.set(place, { epoch, value, count: 1n });
      return;
    }
    known.count += 1n;
    if (type.aggregation === 'min') known.value = known.value < value ? known.value : value;
    else if (type.aggregation === 'max') known.value = known.value > value ? known.value : value;
    else known.value = BigInt.asIntN(64, known.value + value);
  }
}

/** The intervals that lie in the window up to the newest of all keys, with their values. */
export function shownSeries(name: string, elements: ReadonlyMap<string, SeriesElement>, type: SeriesType): string {
  const all = [...elements.values()].flatMap(({ intervals }) => [...intervals.values()]);
  const newest = all.reduce((latest, { epoch }) => (epoch > latest ? epoch : latest), 0n);
  const oldest = newest - BigInt(type.intervals) + 1n;
  const lines = [...elements].map(([key, { intervals }]): [string, string] => {
    const texts = [...intervals.values()]
      .filter(({ epoch }) => epoch >= oldest)
      .sort((a, b) => Number(a.epoch - b.epoch))
      .map(({ epoch, value, count }) => `${epoch}:${type.aggregation === 'avg' ? value / count : value}`);
    return [key, texts.join(' ')];
  });
  return elementLines(name, lines);
}
