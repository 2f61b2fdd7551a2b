import type { TypedProgram } from '../../../src/lang/typed-program.ts';
import type { Type } from '../../../src/lang/types.ts';
import { type Aggregate, add, emptyAggregate, linearBucket, powerBucket } from './aggregates.ts';
import { shownMap } from './printed-lines.ts';
import { SeriesElement, shownSeries } from './series.ts';
import { type Value, fit, integer } from './values.ts';

export interface Element {
  readonly key: Value;
  readonly value: Value;
}

/** The maps of a script: elements by the text of their keys. */
export class Store {
  readonly #typed: TypedProgram;
  readonly #maps = new Map<string, Map<string, Element>>();
  readonly #aggregates = new Map<string, Map<string, Aggregate>>();
  readonly #series = new Map<string, Map<string, SeriesElement>>();

  constructor(typed: TypedProgram) {
    this.#typed = typed;
  }

  map(name: string): Map<string, Element> {
    return entry(this.#maps, name, () => new Map<string, Element>());
  }

  /** Gives one value to an aggregating map. */
  aggregate(name: string, key: string, value: bigint): void {
    const type = this.#valueType(name);
    if (type.kind === 'tseries') {
      const time = this.map('clock').get('')?.value as bigint;
      const elements = entry(this.#series, name, () => new Map<string, SeriesElement>());
      entry(elements, key, () => new SeriesElement()).add(value, time, type);
    } else add(entry(this.#elements(name), key, emptyAggregate), value, bucketOf(type, value));
  }

  /** What an expression reads of an aggregating map. */
  aggregated(name: string, key: string): bigint {
    const { count, sum, min, max } = this.#elements(name).get(key) ?? emptyAggregate();
    const type = this.#valueType(name);
    switch (type.kind) {
      case 'count':
        return count;
      case 'sum':
        return fit(sum, integer(type));
      case 'min':
        return min;
      case 'max':
        return max;
      case 'avg':
        return count === 0n ? 0n : fit(sum, integer(type)) / count;
      default:
        throw new Error(`@${name} is no aggregation`);
    }
  }

  /** What print() shows of an aggregating map. */
  shown(name: string): string {
    const type = this.#valueType(name);
    return type.kind === 'tseries'
      ? shownSeries(name, this.#series.get(name) ?? new Map(), type)
      : shownMap(name, this.#elements(name));
  }

  #valueType(name: string): Type {
    return this.#typed.maps.get(name)!.value;
  }

  #elements(name: string): Map<string, Aggregate> {
    return entry(this.#aggregates, name, () => new Map<string, Aggregate>());
  }
}

function entry<T>(map: Map<string, T>, key: string, make: () => T): T {
  let found = map.get(key);
  if (found === undefined) map.set(key, (found = make()));
  return found;
}

/** The bucket that a value goes into, where the map has any. */
function bucketOf(type: Type, value: bigint): string | undefined {
  if (type.kind === 'hist') return powerBucket(value, type.bits);
  return type.kind === 'lhist' ? linearBucket(value, type.min, type.max, type.step) : undefined;
}
