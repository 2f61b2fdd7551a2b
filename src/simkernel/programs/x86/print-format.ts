/** Where printf() finds what its format asks for. */
export interface FormatArguments {
  /** Integers and pointers, in order, as 64-bit words. */
  readonly integers: (index: number) => bigint;
  /** Bits of doubles, in order. */
  readonly doubles: (index: number) => bigint;
  readonly cString: (address: number) => string;
}

const CONVERSION = /%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?(hh|h|ll|l|z|j|t)?([diuxXocspfeEgG%])/g;
const BITS: Readonly<Record<string, number>> = { hh: 8, h: 16, '': 32, l: 64, ll: 64, z: 64, j: 64, t: 64 };
const RADIX: Readonly<Record<string, number>> = { x: 16, X: 16, o: 8, u: 10, d: 10, i: 10 };
const DEFAULT_PRECISION = 6;

/** What printf() prints (C11, 7.21.6.1), without wide characters, long double and %n. */
export function formatText(format: string, { integers, doubles, cString }: FormatArguments): string {
  let nextInteger = 0;
  let nextDouble = 0;
  const integer = (): bigint => integers(nextInteger++);
  return format.replace(CONVERSION, (whole, flags: string, width = '', precision, length = '', kind: string) => {
    if (kind === '%') return '%';
    const columns = width === '*' ? Number(BigInt.asIntN(32, integer())) : Number(width);
    const digits = precision === '*' ? Number(BigInt.asIntN(32, integer())) : precision;
    const hasPrecision = /\./.test(whole);
    const places = digits === undefined ? (hasPrecision ? 0 : undefined) : Number(digits);
    const text = convert(
      kind,
      length as string,
      flags,
      places,
      integer,
      () => toDouble(doubles(nextDouble++)),
      cString,
    );
    return pad(text, Math.abs(columns), flags + (columns < 0 ? '-' : ''), kind, places);
  });
}

function convert(
  kind: string,
  length: string,
  flags: string,
  precision: number | undefined,
  integer: () => bigint,
  double: () => number,
  cString: (address: number) => string,
): string {
  switch (kind) {
    case 'c':
      return String.fromCharCode(Number(integer() & 0xffn));
    case 's': {
      const address = Number(integer());
      return (address === 0 ? '(null)' : cString(address)).slice(0, precision);
    }
    case 'p': {
      const address = BigInt.asUintN(64, integer());
      return address === 0n ? '(nil)' : `0x${address.toString(16)}`;
    }
    case 'd':
    case 'i': {
      const value = BigInt.asIntN(BITS[length] ?? 32, integer());
      const digits = (value < 0n ? -value : value).toString().padStart(precision ?? 1, '0');
      return (value < 0n ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '') + digits;
    }
    case 'u':
    case 'x':
    case 'X':
    case 'o': {
      const value = BigInt.asUintN(BITS[length] ?? 32, integer());
      const digits = value.toString(RADIX[kind]).padStart(precision ?? 1, '0');
      const text = flags.includes('#') && value !== 0n ? (kind === 'o' ? `0${digits}` : `0x${digits}`) : digits;
      return kind === 'X' ? text.toUpperCase() : text;
    }
    default:
      return floatText(kind, double(), precision ?? DEFAULT_PRECISION, flags);
  }
}

function floatText(kind: string, value: number, precision: number, flags: string): string {
  const sign = value >= 0 && flags.includes('+') ? '+' : '';
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? `${sign}inf` : '-inf';
  const exponent = (text: string): string => text.replace(/e([+-])(\d)$/, 'e$10$2');
  const lower = kind.toLowerCase();
  let text: string;
  if (lower === 'f') text = value.toFixed(Math.min(precision, 100));
  else if (lower === 'e') text = exponent(value.toExponential(Math.min(precision, 100)));
  else {
    const significant = Math.max(1, precision);
    const power = value === 0 ? 0 : Number(value.toExponential(significant - 1).split('e')[1]);
    const isFixed = power >= -4 && power < significant;
    text = isFixed ? value.toFixed(significant - 1 - power) : exponent(value.toExponential(significant - 1));
    if (!flags.includes('#')) text = text.replace(/(\.\d*?)0+(?=e|$)/, '$1').replace(/\.(?=e|$)/, '');
  }
  return sign + (kind === lower ? text : text.toUpperCase());
}

function pad(text: string, columns: number, flags: string, kind: string, precision: number | undefined): string {
  if (flags.includes('-')) return text.padEnd(columns);
  const isInteger = 'diuxXo'.includes(kind);
  const isZeroed = flags.includes('0') && !'csp'.includes(kind) && !(isInteger && precision !== undefined);
  if (!isZeroed) return text.padStart(columns);
  const [, sign = '', digits = ''] = /^([-+ ]|0x)?(.*)$/.exec(text) ?? [];
  return sign + digits.padStart(columns - sign.length, '0');
}

const numbers = new DataView(new ArrayBuffer(8));
function toDouble(bits: bigint): number {
  numbers.setBigUint64(0, BigInt.asUintN(64, bits), true);
  return numbers.getFloat64(0, true);
}
