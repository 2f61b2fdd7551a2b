import type { RecordView } from '../print-format.ts';
import type { HistField, HistValue } from './hist-field.ts';

/** An entry of a histogram: its key, the sums of the values (hitcount first), and whose hit made it. */
export interface HistEntry {
  readonly key: readonly HistValue[];
  readonly sums: bigint[];
  readonly comm: string;
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
  add(view: RecordView): void {
    const key = this.keys.map(({ read }) => read(view));
    const name = key.join('\0');
    let entry = this.entries.get(name);
    if (entry === undefined) {
      if (this.entries.size >= this.size) {
        this.drops += 1;
        return;
      }
      const { current } = view.machine.cpu;
      const comm = current.pid === 0 ? IDLE : current.comm;
      entry = { key, sums: [0n, ...this.values.map(() => 0n)], comm };
      this.entries.set(name, entry);
    }
    this.hits += 1;
    const { sums } = entry;
    sums[0]! += 1n;
    this.values.forEach(({ read }, i) => {
      const value = read(view);
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
    const { bits, isSigned } = this.keys[at]!;
    const [first, second] = [a.key[at]!, b.key[at]!];
    if (typeof first === 'string' && typeof second === 'string') return order(first, second);
    if (typeof first !== 'bigint' || typeof second !== 'bigint') return 0;
    return isSigned ? order(BigInt.asIntN(bits, first), BigInt.asIntN(bits, second)) : order(first, second);
  }
}
const order = <T extends bigint | string>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
