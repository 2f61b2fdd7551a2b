import { matchEnd } from './match.ts';

/** What is wrong inside a literal, by offsets from the start of the text scanned. */
export interface LiteralMistake {
  readonly message: string;
  readonly start: number;
  /** Absent: the word that starts at `start`. */
  readonly end?: number;
}

export interface ScannedInteger {
  /** As written; a wrong suffix is left out. */
  readonly digits: string;
  readonly end: number;
  readonly mistakes: readonly LiteralMistake[];
}

const HEX = /0[xX][0-9a-fA-F_]*/y;
const DECIMAL = /[0-9_]*/y;
const EXPONENT = /[eE][0-9_]*/y;
// `10UL` is one literal here and refused by its value: only lower-case suffixes are known.
const SUFFIX = /[num]s|[smhd]|[uU](?:[lL][lL]?)?|[lL][lL]?/y;
const TRAILING = /[A-Za-z_]\w*/y;

/** Reads an integer literal the way bpftrace does, also where there is none (`hash(FOO)`). */
export function scanInteger(text: string, start: number): ScannedInteger {
  const mistakes: LiteralMistake[] = [];
  let end = start;
  const take = (pattern: RegExp): void => {
    const begin = end;
    end = matchEnd(pattern, text, begin);
    if (end > begin && text[end - 1] === '_') {
      mistakes.push({ message: 'trailing underscore in integer literal', start: end - 1, end });
    }
  };
  take(HEX);
  if (end > start) {
    return { digits: text.slice(start, end), end, mistakes };
  }
  take(DECIMAL);
  take(EXPONENT);
  take(SUFFIX);
  const digits = text.slice(start, end);
  const behind = matchEnd(TRAILING, text, end);
  if (behind > end) {
    mistakes.push({ message: `invalid integer suffix '${text.slice(end, behind)}'`, start: end, end: behind });
  }
  return { digits, end: behind, mistakes };
}

const MAX_UINT64 = (1n << 64n) - 1n;

/** Largest value and multiplier of each suffix; lengths of time are in nanoseconds. */
const SUFFIXES: ReadonlyMap<string, { readonly max: bigint; readonly factor: bigint }> = new Map([
  ['', { max: MAX_UINT64, factor: 1n }],
  ['u', { max: (1n << 32n) - 1n, factor: 1n }],
  ['ul', { max: MAX_UINT64, factor: 1n }],
  ['ull', { max: MAX_UINT64, factor: 1n }],
  ['l', { max: (1n << 63n) - 1n, factor: 1n }],
  ['ll', { max: (1n << 63n) - 1n, factor: 1n }],
  ['ns', { max: MAX_UINT64, factor: 1n }],
  ['us', { max: MAX_UINT64, factor: 1_000n }],
  ['ms', { max: MAX_UINT64, factor: 1_000_000n }],
  ['s', { max: MAX_UINT64, factor: 1_000_000_000n }],
  ['m', { max: MAX_UINT64, factor: 60_000_000_000n }],
  ['h', { max: MAX_UINT64, factor: 3_600_000_000_000n }],
  ['d', { max: MAX_UINT64, factor: 86_400_000_000_000n }],
]);

const DIGITS: Readonly<Record<number, RegExp>> = { 2: /^[01]*/, 8: /^[0-7]*/, 10: /^[0-9]*/, 16: /^[0-9a-fA-F]*/ };
const PREFIXES: Readonly<Record<number, string>> = { 2: '0b', 8: '0o', 10: '', 16: '0x' };

/** The value of an integer literal (up to 2^64-1), or what is wrong with it. */
export function integerValue(literal: string): bigint | { readonly message: string } {
  const text = literal.replaceAll('_', '');
  if (/^0[xX]/.test(text)) return valueInBase(text.slice(2), 16);
  if (/^0[bB]/.test(text)) return valueInBase(text.slice(2), 2);
  if (/^0[0-7]/.test(text)) return valueInBase(text.slice(1), 8);
  // C reads `08` as the octal number 0 with something behind it.
  if (/^0\d/.test(text)) return { message: `invalid trailing bytes: ${literal}` };
  return valueInBase(text, 10, literal);
}

function valueInBase(text: string, base: number, shown = text): bigint | { readonly message: string } {
  const digits = DIGITS[base]!.exec(text)![0];
  if (digits === '') return { message: `invalid integer: ${shown}` };
  const overflow = (max: bigint) => ({ message: `overflow error, maximum value is ${max}: ${shown}` });
  let value = BigInt(PREFIXES[base]! + digits);
  if (value > MAX_UINT64) return overflow(MAX_UINT64);

  let rest = text.slice(digits.length);
  const exponent = /^[eE]([1-9]\d*)/.exec(rest);
  if (exponent !== null) {
    if (value <= 0n || value >= 10n) {
      return { message: `coefficient part of scientific literal must be 1-9: ${shown}` };
    }
    const power = Number(exponent[1]);
    if (power > 19) return overflow(MAX_UINT64);
    value *= 10n ** BigInt(power);
    if (value > MAX_UINT64) return overflow(MAX_UINT64);
    rest = rest.slice(exponent[0].length);
  }
  const suffix = SUFFIXES.get(rest);
  if (suffix === undefined) return { message: `invalid trailing bytes: ${shown}` };
  if (value > suffix.max / suffix.factor) return overflow(suffix.max);
  return value * suffix.factor;
}
