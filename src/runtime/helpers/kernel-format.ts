import type { Arena } from '../arena.ts';
import { ERRNO } from '../errno.ts';
import type { Kernel } from '../kernel.ts';

/** Most arguments that a format may have (kernel/bpf/helpers.c, MAX_BPRINTF_VARARGS). */
const MAX_ARGUMENTS = 12;
/** Longest string behind %s or %ks that is shown (MAX_BPRINTF_BUF shared by all). */
const MAX_STRING = 512;

/** A conversion of the kernel's format language: what stands between % and the letter, and how wide its number is. */
const CONVERSION = /^%([-+ #0]*)(\d*)(?:(s)|(c)|p([KxsSB]|[ku]s|i4|I4|i6|I6)?|(l{0,2})([diuxX]))/;

/** An argument as its low and high halves. */
export type FormatArgument = readonly [low: number, high: number];

interface Conversion {
  readonly flags: string;
  readonly width: number;
  readonly kind: 'string' | 'character' | 'pointer' | 'number';
  /** What follows %p: `ks` and `us` are strings in the kernel and in user space, `s`, `S`, `B` symbols. */
  readonly pointer: string;
  readonly wide: boolean;
  readonly letter: string;
}

export interface FormatHost {
  readonly kernel: Kernel;
  readonly arena: Arena;
  readonly scratch: number;
}

/** Cuts a format into text and conversions; -EINVAL for what bpf_bprintf_prepare refuses. */
function parse(format: string): (string | Conversion)[] | number {
  // Printable ASCII and white space only.
  if (/[^\x20-\x7e\t\n\v\f\r]/.test(format)) return -ERRNO.EINVAL;
  const parts: (string | Conversion)[] = [];
  let rest = format;
  while (rest !== '') {
    const plain = /^(?:[^%]|%%)+/.exec(rest);
    if (plain !== null) {
      parts.push(plain[0].replaceAll('%%', '%'));
      rest = rest.slice(plain[0].length);
      continue;
    }
    const match = CONVERSION.exec(rest);
    if (match === null) return -ERRNO.EINVAL;
    const [whole, flags = '', width = '', string, character, pointer = '', length = '', letter = ''] = match;
    const kind =
      string !== undefined ? 'string' : character !== undefined ? 'character' : letter === '' ? 'pointer' : 'number';
    parts.push({ flags, width: Number(width), kind, pointer, wide: length !== '', letter });
    rest = rest.slice(whole.length);
  }
  return parts;
}

/** What bstr_printf writes, or -errno; `args` may be more than the format takes unless `exact`. */
export function formatLikeKernel(
  host: FormatHost,
  format: string,
  args: readonly FormatArgument[],
  exact: boolean,
): string | number {
  const parts = parse(format);
  if (typeof parts === 'number') return parts;
  const wanted = parts.filter((part) => typeof part !== 'string').length;
  if (wanted > MAX_ARGUMENTS || wanted > args.length || (exact && wanted !== args.length)) return -ERRNO.EINVAL;
  let next = 0;
  return parts.map((part) => (typeof part === 'string' ? part : show(host, part, args[next++]!))).join('');
}

function show(host: FormatHost, conversion: Conversion, [low, high]: FormatArgument): string {
  switch (conversion.kind) {
    case 'string':
      return pad(conversion, stringAt(host, 'kernel', low, high));
    case 'character':
      return pad(conversion, String.fromCharCode(low & 0xff));
    case 'pointer':
      return pad(conversion, pointerText(host, conversion.pointer, low, high));
    case 'number':
      return pad(conversion, numberText(conversion, low, high));
  }
}

function pad({ flags, width, kind }: Conversion, text: string): string {
  if (flags.includes('-')) return text.padEnd(width);
  if (!flags.includes('0') || kind !== 'number') return text.padStart(width);
  const sign = /^[-+ ]/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}

function numberText({ flags, wide, letter }: Conversion, low: number, high: number): string {
  const word = wide ? (BigInt(high) << 32n) | BigInt(low >>> 0) : BigInt(low);
  const bits = wide ? 64 : 32;
  if (letter === 'd' || letter === 'i') {
    const value = BigInt.asIntN(bits, word);
    return (value >= 0n ? (flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '') : '') + value.toString();
  }
  const value = BigInt.asUintN(bits, word);
  if (letter === 'u') return value.toString();
  const digits = (flags.includes('#') ? '0x' : '') + value.toString(16);
  return letter === 'X' ? digits.toUpperCase() : digits;
}

/** Four bytes of an address in memory as IPv4 shows them, sixteen as IPv6. */
function pointerText(host: FormatHost, pointer: string, low: number, high: number): string {
  const hex = BigInt.asUintN(64, (BigInt(high) << 32n) | BigInt(low >>> 0)).toString(16);
  switch (pointer) {
    case 'ks':
      return stringAt(host, 'kernel', low, high);
    case 'us':
      return stringAt(host, 'user', low, high);
    case 's':
    case 'S':
    case 'B': {
      const hit = host.kernel.kernelSymbol(low, high);
      if (hit === undefined) return `0x${hex}`;
      return pointer === 's' ? hit.name : `${hit.name}+0x${hit.offset.toString(16)}`;
    }
    case 'i4':
    case 'I4':
    case 'i6':
    case 'I6': {
      const size = pointer.endsWith('4') ? 4 : 16;
      const { bytes, memory } = host.arena;
      const failed = memory.readKernel(host.scratch, size, low, high) !== 0;
      if (failed) bytes.fill(0, host.scratch, host.scratch + size);
      const address = [...bytes.subarray(host.scratch, host.scratch + size)];
      if (size === 4) return address.map((byte) => (pointer === 'i4' ? String(byte).padStart(3, '0') : byte)).join('.');
      const groups = Array.from({ length: 8 }, (_, i) => ((address[2 * i]! << 8) | address[2 * i + 1]!).toString(16));
      return pointer === 'i6' ? groups.map((group) => group.padStart(4, '0')).join('') : groups.join(':');
    }
    default:
      // %pK and a plain %p: the kernel would show a hash of the address; %px shows it.
      return hex.padStart(16, '0');
  }
}

/** A string behind an address; what cannot be read is empty, as strncpy_from_{kernel,user}_nofault leaves it. */
function stringAt({ arena, scratch }: FormatHost, space: 'kernel' | 'user', low: number, high: number): string {
  const read = space === 'user' ? arena.memory.readUser : arena.memory.readKernel;
  let text = '';
  for (let at = 0; at < MAX_STRING; at++) {
    const next = (low + at) | 0;
    const nextHigh = high + (next >>> 0 < low >>> 0 ? 1 : 0);
    if (read.call(arena.memory, scratch, 1, next, nextHigh) !== 0) return '';
    const byte = arena.bytes[scratch]!;
    if (byte === 0) break;
    text += String.fromCharCode(byte);
  }
  return text;
}
