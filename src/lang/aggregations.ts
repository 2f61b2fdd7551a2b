import type { Type, TypeKind } from './types.ts';

export interface AggregationRow {
  /** Whether its first argument is the value to aggregate. */
  readonly value: boolean;
  /** Whether it takes integers only and keeps their sign in the map's type; of `first` calls the first one's alone. */
  readonly signed: boolean | 'first';
  /** Whether reading it as an integer is allowed, e.g. `(int64)@calls`. */
  readonly castable: boolean;
  /** The u64 fields of one CPU's element. */
  readonly fields: readonly string[];
  /** How a message shows the right way to assign it. */
  readonly example: string;
}

/** Functions that may only be assigned to a map, and that give the map its value type of the same name. */
export const AGGREGATIONS = {
  count: { value: false, signed: false, castable: true, fields: ['count'], example: 'count()' },
  sum: { value: true, signed: true, castable: true, fields: ['sum'], example: 'sum(retval)' },
  avg: { value: true, signed: true, castable: true, fields: ['total', 'count'], example: 'avg(retval)' },
  min: { value: true, signed: true, castable: true, fields: ['value', 'is_set'], example: 'min(retval)' },
  max: { value: true, signed: true, castable: true, fields: ['value', 'is_set'], example: 'max(retval)' },
  stats: { value: true, signed: true, castable: false, fields: ['total', 'count'], example: 'stats(arg2)' },
  hist: { value: true, signed: false, castable: false, fields: ['count'], example: 'hist(retval)' },
  lhist: { value: true, signed: false, castable: false, fields: ['count'], example: 'lhist(rand %10, 0, 10, 1)' },
  /** `meta`: avg: how many; min, max: is set; none: when (TAI ns). `epoch`: time / interval, of which the bucket is the remainder. */
  tseries: {
    value: true,
    signed: 'first',
    castable: false,
    fields: ['value', 'meta', 'epoch'],
    example: 'tseries(rand %10, 10s, 1)',
  },
} as const satisfies Partial<Record<TypeKind, AggregationRow>>;
export type AggregationName = keyof typeof AGGREGATIONS;

export function isAggregation(name: string): name is AggregationName {
  return Object.hasOwn(AGGREGATIONS, name);
}

/** Whether a map's elements of this type are what a function gathered, one for each CPU. */
export function isAggregationType(type: Type): type is Extract<Type, { kind: AggregationName }> {
  return isAggregation(type.kind);
}

export function isCastableAggregation(kind: TypeKind): boolean {
  return isAggregation(kind) && AGGREGATIONS[kind].castable;
}
