import { formatGfpFlags } from './gfp-flags.ts';
import { bufferText, hexByte, primitivePieces, primitiveText } from './primitive-text.ts';
import type { Primitive } from './value.ts';

interface Conversion {
  readonly left: boolean;
  readonly plus: boolean;
  readonly alternate: boolean;
  readonly zeros: boolean;
  readonly width: number;
  readonly length: string;
  readonly specifier: string;
}

/** A printf format cut at its conversions: one more fragment than conversions. */
export interface FormatString {
  readonly fragments: readonly string[];
  readonly conversions: readonly Conversion[];
}

/** The flags come in this order only; `*` takes no argument and means nothing; a precision is read and ignored. */
const CONVERSION = /%(-?)(\+?)( ?)(#?)(0?)(\*|\d+)?(?:\.(?:\*|\d+))?([hlLjzt]*)([diouxXeEfFGaAcspn%]|gr|g|rh|rx|r)/g;

/** Parses a format in byte text. */
export function parseFormat(format: string): FormatString {
  const fragments: string[] = [];
  const conversions: Conversion[] = [];
  let fragment = '';
  let end = 0;
  for (const match of format.matchAll(CONVERSION)) {
    const [whole, left, plus, , alternate, zeros, width, length, specifier] = match;
    fragment += format.slice(end, match.index);
    end = match.index + whole.length;
    if (specifier === '%') {
      fragment += '%';
      continue;
    }
    fragments.push(fragment);
    fragment = '';
    conversions.push({
      left: left !== '',
      plus: plus !== '',
      alternate: alternate !== '',
      zeros: zeros !== '',
      width: width === undefined || width === '*' ? 0 : Number(width),
      length: length ?? '',
      specifier: specifier ?? '',
    });
  }
  fragments.push(fragment + format.slice(end));
  return { fragments, conversions };
}

export function applyFormat(format: FormatString, args: readonly Primitive[]): string {
  let result = '';
  args.forEach((arg, i) => {
    result += format.fragments[i]! + convert(format.conversions[i]!, arg);
  });
  return result + format.fragments.at(-1)!;
}

/** Bits of an integer conversion by its length modifier; without one it is an int. */
const LENGTH_BITS: Readonly<Record<string, number>> = { hh: 8, h: 16, l: 64, ll: 64, j: 64, z: 64, t: 64 };

function convert(conversion: Conversion, arg: Primitive): string {
  const { specifier } = conversion;
  const bits = LENGTH_BITS[conversion.length] ?? 32;
  switch (specifier) {
    case 'd':
    case 'i':
      return convertInteger(conversion, arg, (n) => signed(BigInt.asIntN(bits, n), conversion.plus));
    case 'u':
      return convertInteger(conversion, arg, (n) => String(BigInt.asUintN(bits, n)));
    case 'o':
      return convertInteger(conversion, arg, (n) => radix(BigInt.asUintN(bits, n), 8, conversion.alternate ? '0' : ''));
    case 'x':
      return convertInteger(conversion, arg, (n) =>
        radix(BigInt.asUintN(bits, n), 16, conversion.alternate ? '0x' : ''),
      );
    case 'X':
      return convertInteger(conversion, arg, (n) =>
        radix(BigInt.asUintN(bits, n), 16, conversion.alternate ? '0x' : '').toUpperCase(),
      );
    case 'p':
      return convertInteger(conversion, arg, (n) => radix(BigInt.asUintN(64, n), 16, '0x'));
    case 'c':
      return convertInteger(conversion, arg, (n) => String.fromCharCode(Number(BigInt.asUintN(8, n))));
    case 'gr': {
      const number = arg.kind === 'bool' ? undefined : numberOf(arg);
      return number === undefined
        ? `!{invalid GFP flags conversion: ${primitiveText(arg)}}`
        : pad(conversion, formatGfpFlags(number));
    }
    case 'r':
      return pad(conversion, arg.kind === 'buffer' ? bufferText(arg.value) : primitiveText(arg));
    case 'rx':
      return pad(conversion, hexBuffer(arg, '\\x', ''));
    case 'rh':
      return pad(conversion, hexBuffer(arg, '', ' '));
    default: {
      const [first = '', ...rest] = primitivePieces(arg);
      const isNumber = arg.kind === 'int' && arg.signed && arg.value >= 0n;
      return pad(conversion, conversion.plus && isNumber ? `+${first}` : first) + rest.join('');
    }
  }
}

function convertInteger(conversion: Conversion, arg: Primitive, digits: (value: bigint) => string): string {
  const value = numberOf(arg);
  if (value === undefined) return `!{invalid integer conversion: ${primitiveText(arg)}}`;
  return pad(conversion, digits(value));
}

function numberOf(arg: Primitive): bigint | undefined {
  switch (arg.kind) {
    case 'int':
      return arg.value;
    case 'bool':
      return arg.value ? 1n : 0n;
    case 'symbolic':
      return arg.numeric;
    default:
      return undefined;
  }
}

function signed(value: bigint, plus: boolean): string {
  return plus && value >= 0n ? `+${value}` : String(value);
}

/** Zero carries no prefix, as with C++ streams. */
function radix(value: bigint, base: number, prefix: string): string {
  return (value === 0n ? '' : prefix) + value.toString(base);
}

function hexBuffer(arg: Primitive, escape: string, separator: string): string {
  if (arg.kind !== 'buffer') return primitiveText(arg);
  return [...arg.value].map((byte) => escape + hexByte(byte)).join(separator);
}

/** Zeros fill on either side, before a sign too: they are only the fill character of a C++ stream. */
function pad(conversion: Conversion, text: string): string {
  const fill = conversion.zeros ? '0' : ' ';
  return conversion.left ? text.padEnd(conversion.width, fill) : text.padStart(conversion.width, fill);
}
