import type { Arena } from '../arena.ts';
import { ERRNO } from '../errno.ts';
import type { Kernel } from '../kernel.ts';

/** Most arguments that a format may have (kernel/bpf/helpers.c, MAX_BPRINTF_VARARGS). */
const MAX_ARGUMENTS = 12;
/** Longest string behind %s or %ks that is shown (MAX_BPRINTF_BUF shared by all). */
const MAX_STRING = 512;

/** A conversion of the kernel's format language: what stands between % and the letter, and how wide its number is. */
const CONVERSION = /^%([-+ 0]*)(\d*)(?:(s)|(c)|p([KxsSB]|[ku]s|i4|I4|i6|I6)?|(l{0,2})([diuxX]))/;

/** struct printf_spec keeps a width in 24 bits, of which one is the sign. */
const WIDTH_BITS = 24;

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

/** What a format makes of its arguments. */
export interface Formatted {
  /** As much of it as there is room for. */
  readonly text: string;
  /** What the whole would have. */
  readonly length: number;
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
    const plain = rest.startsWith('%%') ? '%%' : /^[^%]+/.exec(rest)?.[0];
    if (plain !== undefined) {
      parts.push(plain === '%%' ? '%' : plain);
      rest = rest.slice(plain.length);
      continue;
    }
    const match = CONVERSION.exec(rest);
    if (match === null) return -ERRNO.EINVAL;
    const [whole, flags = '', width = '', string, character, pointer = '', length = '', letter = ''] = match;
    const kind =
      string !== undefined ? 'string' : character !== undefined ? 'character' : letter === '' ? 'pointer' : 'number';
    parts.push({ flags, width: widthOf(width), kind, pointer, wide: length !== '', letter });
    rest = rest.slice(whole.length);
  }
  return parts;
}

/** As skip_atoi and the bit field leave it: what does not fit comes out as another number, a negative one pads nothing. */
function widthOf(digits: string): number {
  let width = 0;
  for (const digit of digits) width = (width * 10 + Number(digit)) % 2 ** WIDTH_BITS;
  return width < 2 ** (WIDTH_BITS - 1) ? width : 0;
}

/** What bstr_printf writes into `room` bytes, or -errno; `args` may be more than the format takes unless `exact`. */
export function formatLikeKernel(
  host: FormatHost,
  format: string,
  args: readonly FormatArgument[],
  exact: boolean,
  room: number,
): Formatted | number {
  const parts = parse(format);
  if (typeof parts === 'number') return parts;
  const wanted = parts.filter((part) => typeof part !== 'string').length;
  if (wanted > MAX_ARGUMENTS || wanted > args.length || (exact && wanted !== args.length)) return -ERRNO.EINVAL;
  let next = 0;
  // The terminator takes one.
  const limit = Math.max(room - 1, 0);
  let text = '';
  let length = 0;
  const add = (shown: string, whole = shown.length): void => {
    text += shown.slice(0, limit - text.length);
    length += whole;
  };
  for (const part of parts) {
    if (typeof part === 'string') {
      add(part);
      continue;
    }
    const shown = show(host, part, args[next++]!);
    // Padding beyond the room is only counted.
    const width = Math.min(part.width, limit + shown.length);
    add(pad({ ...part, width }, shown), Math.max(part.width, shown.length));
  }
  return { text, length };
}

function show(host: FormatHost, conversion: Conversion, [low, high]: FormatArgument): string {
  switch (conversion.kind) {
    case 'string':
      return stringAt(host, 'kernel', low, high);
    case 'character':
      return String.fromCharCode(low & 0xff);
    case 'pointer':
      return pointerText(host, conversion.pointer, low, high);
    case 'number':
      return numberText(conversion, low, high);
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
  const digits = value.toString(16);
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
