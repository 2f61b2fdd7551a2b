/** A value as the outputs see it: what is printed the same wherever it stands. Text is byte text. */
export type Primitive =
  | { readonly kind: 'none' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int'; readonly value: bigint; readonly signed: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'buffer'; readonly value: Uint8Array }
  | { readonly kind: 'array' | 'tuple'; readonly values: readonly Primitive[] }
  | { readonly kind: 'record'; readonly fields: readonly (readonly [name: string, value: Primitive])[] }
  /** Text for readers and a number for machines: enum members, pointers, bounds with units. */
  | { readonly kind: 'symbolic'; readonly symbol: string; readonly numeric: bigint };

export interface Histogram {
  readonly kind: 'histogram';
  /** Lower bound of the first bucket; absent when it has none. */
  readonly lowerBound?: Primitive;
  /** Upper bounds of the buckets; the last may have none. */
  readonly labels: readonly Primitive[];
  readonly counts: readonly bigint[];
}

export interface TimeSeries {
  readonly kind: 'time_series';
  /** Start of each interval in ns since the epoch, with its value or none. */
  readonly values: readonly { readonly timeNs: bigint; readonly value: Primitive }[];
}

/** What one element or scalar map holds. */
export type Value = Primitive | Histogram | TimeSeries;

/** A whole map, in the order in which it is printed. `stats` marks avg and stats maps, which JSON names so. */
export type MapContents =
  | { readonly kind: 'scalar'; readonly value: Value; readonly stats: boolean }
  | {
      readonly kind: 'keyed';
      readonly entries: readonly { readonly key: Primitive; readonly value: Value }[];
      readonly stats: boolean;
    };

export const signedInt = (value: bigint): Primitive => ({ kind: 'int', value: BigInt.asIntN(64, value), signed: true });
export const unsignedInt = (value: bigint): Primitive => ({
  kind: 'int',
  value: BigInt.asUintN(64, value),
  signed: false,
});
export const text = (value: string): Primitive => ({ kind: 'string', value });
