import type { HistVariable } from './hist-data.ts';
import type { HistField, HistHit, HistValue } from './hist-field.ts';

/** An entry of a histogram: its key, the sums of the values (hitcount first), and whose hit made it. */
export interface HistEntry {
  readonly key: readonly HistValue[];
  readonly sums: bigint[];
  readonly comm: string;
  readonly variables: Map<HistVariable, HistValue>;
  /** Those that no expression has used up. */
  readonly unread: Set<HistVariable>;
}
/** A field to sort by: 0 is the hit count, then come the other values, then the keys. */
export interface SortKey {
  readonly index: number;
  readonly isDescending: boolean;
}

const IDLE = '<idle>';

/** struct tracing_map: entries by key, as many as were asked for; hits of others are dropped. */
export class HistMap {
  readonly keys: readonly HistField[];
  /** Besides the hit count. */
  readonly values: readonly HistField[];
  readonly sort: readonly SortKey[];
  readonly size: number;
  hits = 0;
  drops = 0;
  private readonly entries = new Map<string, HistEntry>();

  constructor(keys: readonly HistField[], values: readonly HistField[], sort: readonly SortKey[], size: number) {
    this.keys = keys;
    this.values = values;
    this.sort = sort;
    this.size = size;
  }
  keyOf(hit: HistHit): readonly HistValue[] {
    return this.keys.map(({ read }) => read(hit));
  }
  /** The entry of a key, also of another histogram's. */
  find(key: readonly HistValue[]): HistEntry | undefined {
    return this.entries.get(key.join('\0'));
  }
  /** The same, made where there is none yet; undefined: there are too many, and the hit is lost. */
  insert(key: readonly HistValue[], { view }: HistHit): HistEntry | undefined {
    let entry = this.find(key);
    if (entry === undefined) {
      if (this.entries.size >= this.size) {
        this.drops += 1;
        return undefined;
      }
      const { current } = view.machine.cpu;
      const comm = current.pid === 0 ? IDLE : current.comm;
      const sums = [0n, ...this.values.map(() => 0n)];
      entry = { key, sums, comm, variables: new Map(), unread: new Set() };
      this.entries.set(key.join('\0'), entry);
    }
    this.hits += 1;
    return entry;
  }
  sum(entry: HistEntry, hit: HistHit): void {
    const { sums } = entry;
    sums[0]! += 1n;
    this.values.forEach(({ read }, i) => {
      const value = read(hit);
      if (typeof value === 'bigint') sums[i + 1] = BigInt.asUintN(64, sums[i + 1]! + value);
    });
  }
  clear(): void {
    this.entries.clear();
    this.hits = 0;
    this.drops = 0;
  }
  sorted(): readonly HistEntry[] {
    return [...this.entries.values()].sort((a, b) => {
      for (const { index, isDescending } of this.sort) {
        const order = this.compare(a, b, index);
        if (order !== 0) return isDescending ? -order : order;
      }
      return 0;
    });
  }
  private compare(a: HistEntry, b: HistEntry, index: number): number {
    const at = index - a.sums.length;
    if (at < 0) return order(a.sums[index]!, b.sums[index]!);
    const { size, isSigned } = this.keys[at]!;
    const [first, second] = [a.key[at]!, b.key[at]!];
    if (typeof first === 'string' && typeof second === 'string') return order(first, second);
    if (typeof first !== 'bigint' || typeof second !== 'bigint') return 0;
    return isSigned ? order(BigInt.asIntN(8 * size, first), BigInt.asIntN(8 * size, second)) : order(first, second);
  }
}
const order = <T extends bigint | string>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
