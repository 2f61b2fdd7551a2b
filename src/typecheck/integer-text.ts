import { UINT64_MAX } from './integer-limits.ts';

/** What may follow the digits: C's suffixes with the largest value of their type, and units of time in nanoseconds. */
const SUFFIXES: Readonly<Record<string, { readonly most: bigint; readonly factor: bigint }>> = {
  '': { most: UINT64_MAX, factor: 1n },
  u: { most: 0xffff_ffffn, factor: 1n },
  ul: { most: UINT64_MAX, factor: 1n },
  ull: { most: UINT64_MAX, factor: 1n },
  l: { most: UINT64_MAX >> 1n, factor: 1n },
  ll: { most: UINT64_MAX >> 1n, factor: 1n },
  ns: { most: UINT64_MAX, factor: 1n },
  us: { most: UINT64_MAX, factor: 1_000n },
  ms: { most: UINT64_MAX, factor: 1_000_000n },
  s: { most: UINT64_MAX, factor: 1_000_000_000n },
  m: { most: UINT64_MAX, factor: 60_000_000_000n },
  h: { most: UINT64_MAX, factor: 3_600_000_000_000n },
  d: { most: UINT64_MAX, factor: 86_400_000_000_000n },
};

/** Why a text is no integer. */
export type IntegerProblem = string;

/** An integer from outside the script (a parameter, an option), in the spellings of the script's own literals. */
export function parseInteger(text: string): bigint | undefined {
  const magnitude = readInteger(text.startsWith('-') ? text.slice(1) : text);
  if (typeof magnitude !== 'bigint') return undefined;
  if (!text.startsWith('-')) return magnitude;
  return magnitude > 1n << 63n ? undefined : -magnitude;
}

// As strtoull() reads it: a sign is taken, and a negative number wraps.
const SPELLINGS = /^\s*([+-]?)(0x[0-9a-f]+|0b[01]+|0[0-7]+|0|[1-9]\d*)(?:e([1-9]\d*))?(.*)$/is;

/** A non-negative integer, or what is wrong with the text, in bpftrace's words. */
export function readInteger(text: string): bigint | IntegerProblem {
  const match = SPELLINGS.exec(text.replaceAll('_', ''));
  if (match === null) return `invalid integer: ${text}`;
  const [, sign, digits, exponent, suffix] = match as unknown as [string, string, string, string | undefined, string];
  let value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (exponent !== undefined) {
    if (value < 1n || value > 9n) return `coefficient part of scientific literal must be 1-9: ${text}`;
    value = exponent.length > 2 ? UINT64_MAX + 1n : value * 10n ** BigInt(exponent);
  }
  const unit = Object.hasOwn(SUFFIXES, suffix) ? SUFFIXES[suffix] : undefined;
  if (value > UINT64_MAX) return overflow(UINT64_MAX, text);
  if (sign === '-') value = BigInt.asUintN(64, -value);
  if (unit === undefined) return `invalid trailing bytes: ${text}`;
  return value > unit.most / unit.factor ? overflow(unit.most, text) : value * unit.factor;
}

function overflow(most: bigint, text: string): IntegerProblem {
  return `overflow error, maximum value is ${most}: ${text}`;
}
