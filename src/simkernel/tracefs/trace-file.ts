import { EINVAL, ERANGE } from '../errno.ts';
import type { TraceArray } from './trace-array.ts';
import type { FileNode } from './tree.ts';

/** What one file of tracefs does for a trace array; errors are negative numbers. */
export interface TraceFile {
  readonly mode?: number;
  readonly read?: (array: TraceArray) => string;
  readonly write?: (array: TraceArray, text: string) => number;
  /** Opened for writing with O_TRUNC. */
  readonly truncate?: (array: TraceArray) => number;
  readonly stream?: (array: TraceArray) => string;
}

export function fileNode(array: TraceArray, { mode = 0o444, read, write, truncate, stream }: TraceFile): FileNode {
  return {
    kind: 'file',
    mode,
    ...(read === undefined ? {} : { read: () => read(array) }),
    ...(write === undefined ? {} : { write: (text) => write(array, text) }),
    ...(truncate === undefined ? {} : { truncate: () => truncate(array) }),
    ...(stream === undefined ? {} : { stream: () => stream(array) }),
  };
}

export const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');
/** Definitions of events, one a line; those behind `#` say nothing. */
export const eventLines = (text: string): string[] =>
  text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
/** The first error of all. */
export const each = (items: readonly string[], take: (item: string) => number): number =>
  items.reduce((error, item) => (error < 0 ? error : take(item)), 0);
/** `0` or `1`. */
export function flag(text: string, set: (on: boolean) => number | void): number {
  const value = text.trim();
  if (value !== '0' && value !== '1') return -EINVAL;
  return set(value === '1') ?? 0;
}
const WORD_LIMIT = 2n ** 64n;
/** A whole number (kstrtoul with base 10) from `least` to `most`; what takes it may refuse it with an error of its own. */
export function number(text: string, least: number, set: (value: number) => number | void, most = Infinity): number {
  const digits = text.trim().replace(/^\+/, '');
  if (!/^\d+$/.test(digits)) return -EINVAL;
  if (BigInt(digits) >= WORD_LIMIT) return -ERANGE;
  const value = Number(digits);
  return value < least || value > most ? -EINVAL : (set(value) ?? 0);
}
/** Truncating empties something and cannot fail. */
export const emptied =
  (empty: (array: TraceArray) => void) =>
  (array: TraceArray): number => {
    empty(array);
    return 0;
  };
