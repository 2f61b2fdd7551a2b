import type { Amount } from '../../simkernel/time/amount.ts';
import { parsed, wholeNumber } from './schema.ts';
import type { Shape } from './schema.ts';

/** Units by what they measure; the first is the unit of the result. */
const TIME_UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, min: 60e9 };
const SIZE_UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

function parseQuantity(word: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(word);
  if (match === null) return undefined;
  const [, digits, unit] = match;
  // A bare number has no unit but for bytes and for nothing at all.
  if (unit === '') return digits === '0' || Object.hasOwn(units, 'B') ? Math.round(Number(digits)) : undefined;
  return Object.hasOwn(units, unit!) ? Math.round(Number(digits) * units[unit!]!) : undefined;
}

function parseAmount(word: string, units: Readonly<Record<string, number>>): Amount | undefined {
  const one = (part: string): number | undefined => parseQuantity(part.trim(), units);
  const range = /^(.+?)\s+to\s+(.+)$/.exec(word);
  if (range !== null) {
    const [low, high] = [one(range[1]!), one(range[2]!)];
    return low === undefined || high === undefined || high < low ? undefined : { kind: 'between', low, high };
  }
  const qualified = /^(about|mean)\s+(.+)$/.exec(word);
  if (qualified !== null) {
    const value = one(qualified[2]!);
    if (value === undefined) return undefined;
    return qualified[1] === 'about' ? { kind: 'about', median: value } : { kind: 'mean', mean: value };
  }
  const value = one(word);
  return value === undefined ? undefined : { kind: 'exactly', value };
}

const TIME_EXAMPLES = `for example 40us, 2.5ms, 10s (units: ${Object.keys(TIME_UNITS).join(', ')})`;
const SIZE_EXAMPLES = `for example 512, 4 KiB, 1.5 GiB (units: ${Object.keys(SIZE_UNITS).join(', ')})`;
const VARYING = 'or varying: "about X", "mean X", "X to Y"';

export const duration = parsed('a time', TIME_EXAMPLES, (word) => parseQuantity(word, TIME_UNITS));
export const size = parsed('a size', SIZE_EXAMPLES, (word) => parseQuantity(word, SIZE_UNITS));
export const durationAmount: Shape<Amount> = parsed('a time', `${TIME_EXAMPLES}; ${VARYING}`, (word) =>
  parseAmount(word, TIME_UNITS),
);
export const sizeAmount: Shape<Amount> = parsed('a size', `${SIZE_EXAMPLES}; ${VARYING}`, (word) =>
  parseAmount(word, SIZE_UNITS),
);
export const countAmount: Shape<Amount> = parsed('a number', `for example 4; ${VARYING}`, (word) =>
  parseAmount(word, { B: 1 }),
);
/** `30%` or `0.3`, as a part of 1. */
export const part = parsed('a part of the whole', 'for example 25% or 0.25', (word) => {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(word);
  if (match === null) return undefined;
  const value = Number(match[1]) / (match[2] === '%' ? 100 : 1);
  return value <= 1 ? value : undefined;
});
export const times = wholeNumber(1, 1_000_000_000);
