import * as numbers from './errno.ts';

let byNumber: ReadonlyMap<number, string> | undefined;

/** `ENOENT` of -2. */
export function errnoName(negative: number): string {
  byNumber ??= new Map(
    Object.entries(numbers).flatMap(([name, value]) => (typeof value === 'number' ? [[value, name]] : [])),
  );
  return byNumber.get(-negative) ?? `ERRNO_${-negative}`;
}
