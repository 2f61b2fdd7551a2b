import { kernelTypes } from '../kernel-types.ts';
import type { Machine } from '../machine.ts';
import { codeSize, kernelSymbolAt } from '../probes/symbols.ts';
import { textSymbolAt } from '../execution/text.ts';
import type { TracepointField } from '../tracepoint-formats.ts';
import { DATA_LOC } from '../tracepoint-formats.ts';
import type { Expression, PrintFormat } from './expression.ts';
import { AF_INET } from '../net/ip-address.ts';

/** What an expression of a `print fmt` has for a value. */
type Value = bigint | string | Uint8Array;

export interface RecordView {
  readonly machine: Machine;
  readonly data: Uint8Array;
  readonly fields: ReadonlyMap<string, TracepointField>;
}

const asBytes = (value: Value): Uint8Array =>
  value instanceof Uint8Array ? value : Uint8Array.from(String(value), (c) => c.charCodeAt(0));
function asText(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint') return value === 0n ? '(null)' : `0x${BigInt.asUintN(64, value).toString(16)}`;
  const end = value.indexOf(0);
  return String.fromCharCode(...(end < 0 ? value : value.subarray(0, end)));
}
const asNumber = (value: Value): bigint => (typeof value === 'bigint' ? value : 0n);

/** An integer of a record. */
export function loadInteger(data: Uint8Array, at: number, size: number, isSigned: boolean): bigint {
  let value = 0n;
  for (let i = size - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(data[at + i] ?? 0);
  return isSigned ? BigInt.asIntN(size * 8, value) : value;
}

/** The bytes that a `__data_loc` field leads to. */
function dynamicBytes({ data }: RecordView, field: TracepointField): Uint8Array {
  const place = Number(loadInteger(data, field.offset, 4, false));
  return data.subarray(place & 0xffff, (place & 0xffff) + (place >>> 16));
}

export function fieldValue(record: RecordView, name: string): Value {
  const field = record.fields.get(name);
  if (field === undefined) return 0n;
  if (field.type.startsWith(DATA_LOC)) return dynamicBytes(record, field);
  if (field.dimensions !== '' || ![1, 2, 4, 8].includes(field.size))
    return record.data.subarray(field.offset, field.offset + field.size);
  return loadInteger(record.data, field.offset, field.size, field.signed);
}
export const fieldText = (value: Value): string => asText(value);

const CAST_BYTES: readonly (readonly [RegExp, number])[] = [
  [/\*/, 8],
  [/long|64|size_t|sector_t|ino_t|loff_t/, 8],
  [/char|8/, 1],
  [/short|16/, 2],
  [/bool/, 1],
];
function cast(type: string, value: Value): Value {
  if (typeof value !== 'bigint') return value;
  const bits = (CAST_BYTES.find(([pattern]) => pattern.test(type))?.[1] ?? 4) * 8;
  const isUnsigned = /unsigned|\bu\d|__u|\*|size_t|__[bl]e|sector_t|gfp_t/.test(type);
  return isUnsigned ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value);
}

const truth = (is: boolean): bigint => (is ? 1n : 0n);
const BINARY: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '&': (a, b) => a & b,
  '==': (a, b) => truth(BigInt.asUintN(64, a) === BigInt.asUintN(64, b)),
  '!=': (a, b) => truth(BigInt.asUintN(64, a) !== BigInt.asUintN(64, b)),
  '<': (a, b) => truth(a < b),
  '<=': (a, b) => truth(a <= b),
  '>': (a, b) => truth(a > b),
  '>=': (a, b) => truth(a >= b),
  '<<': (a, b) => BigInt.asIntN(64, a << (b & 63n)),
  '>>': (a, b) => a >> (b & 63n),
  '+': (a, b) => BigInt.asIntN(64, a + b),
  '-': (a, b) => BigInt.asIntN(64, a - b),
  '*': (a, b) => BigInt.asIntN(64, a * b),
  '/': (a, b) => (b === 0n ? 0n : a / b),
  '%': (a, b) => (b === 0n ? 0n : a % b),
};

const rowsOf = (record: RecordView, items: readonly Expression[]): [bigint, string][] =>
  items.flatMap((item) =>
    item.kind === 'list'
      ? [[asNumber(evaluate(record, item.items[0]!)), asText(evaluate(record, item.items[1]!))] as [bigint, string]]
      : [],
  );

const hex = (bytes: Uint8Array, separator: string): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(separator);

/** The macros of include/trace/stages/stage3_trace_output.h. */
const CALLS: Readonly<Record<string, (record: RecordView, args: readonly Expression[]) => Value>> = {
  __get_str: (record, [field]) => asText(fieldValue(record, nameOf(field))),
  __get_rel_str: (record, [field]) => asText(fieldValue(record, nameOf(field))),
  __get_dynamic_array: (record, [field]) => fieldValue(record, nameOf(field)),
  __get_dynamic_array_len: (record, [field]) => BigInt(asBytes(fieldValue(record, nameOf(field))).length),
  __get_sockaddr: (record, [field]) => fieldValue(record, nameOf(field)),
  __builtin_expect: (record, [value]) => evaluate(record, value!),
  __print_symbolic(record, [value, ...rows]) {
    const number = BigInt.asUintN(64, asNumber(evaluate(record, value!)));
    const row = rowsOf(record, rows).find(([at]) => BigInt.asUintN(64, at) === number);
    return row?.[1] ?? `0x${number.toString(16)}`;
  },
  __print_flags(record, [value, delimiter, ...rows]) {
    let left = BigInt.asUintN(64, asNumber(evaluate(record, value!)));
    const names: string[] = [];
    for (const [mask, name] of rowsOf(record, rows)) {
      const bits = BigInt.asUintN(64, mask);
      if (bits === 0n || (left & bits) !== bits) continue;
      names.push(name);
      left &= ~bits;
    }
    if (left !== 0n) names.push(`0x${left.toString(16)}`);
    return names.join(asText(evaluate(record, delimiter!)));
  },
  __print_hex: (record, [bytes, length]) => hex(part(record, bytes, length), ' '),
  __print_hex_str: (record, [bytes, length]) => hex(part(record, bytes, length), ''),
  __print_array(record, [bytes, count, size]) {
    const element = Number(asNumber(evaluate(record, size!)));
    const all = asBytes(evaluate(record, bytes!));
    const items = Array.from({ length: Number(asNumber(evaluate(record, count!))) }, (_, i) =>
      loadInteger(all, i * element, element, false),
    );
    return `{${items.map((item) => `0x${item.toString(16)}`).join(',')}}`;
  },
};
const nameOf = (expression: Expression | undefined): string =>
  expression !== undefined && 'name' in expression ? expression.name : '';
const part = (record: RecordView, bytes: Expression | undefined, length: Expression | undefined): Uint8Array =>
  asBytes(evaluate(record, bytes!)).subarray(0, Number(asNumber(evaluate(record, length!))));

function evaluate(record: RecordView, expression: Expression): Value {
  switch (expression.kind) {
    case 'number':
    case 'text':
      return expression.value;
    case 'name':
      return kernelTypes().enumerator(expression.name)?.value ?? 0n;
    case 'field':
      return fieldValue(record, expression.name);
    case 'index': {
      const base = asBytes(evaluate(record, expression.base));
      return BigInt(base[Number(asNumber(evaluate(record, expression.index)))] ?? 0);
    }
    case 'cast':
      return cast(expression.type, evaluate(record, expression.value));
    case 'unary': {
      const value = evaluate(record, expression.value);
      if (expression.op === '&' || expression.op === '*') return value;
      const number = asNumber(value);
      if (expression.op === '-') return BigInt.asIntN(64, -number);
      if (expression.op === '~') return ~number;
      return expression.op === '!' ? truth(number === 0n) : number;
    }
    case 'binary': {
      const left = asNumber(evaluate(record, expression.left));
      if (expression.op === '&&' && left === 0n) return 0n;
      if (expression.op === '||' && left !== 0n) return 1n;
      const right = asNumber(evaluate(record, expression.right));
      const apply = BINARY[expression.op];
      return apply === undefined ? truth(right !== 0n) : apply(left, right);
    }
    case 'choice': {
      const test = evaluate(record, expression.test);
      const isTrue = typeof test === 'bigint' ? test !== 0n : true;
      return evaluate(record, isTrue ? expression.yes : expression.no);
    }
    case 'call':
      return CALLS[expression.name]?.(record, expression.args) ?? 0n;
    case 'list':
      return 0n;
  }
}

const SPEC =
  /%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+))?(hh|h|ll|l|z|L)?(p(?:I[46S]pc?|I[46]c?|[SsMKx]|[Uu][bl]?)?|[diuxXocs%])/g;
const LENGTH_BITS: Readonly<Record<string, number>> = { hh: 8, h: 16, l: 64, ll: 64, L: 64, z: 64 };

/** A record's text by its event's `print fmt`. */
export function printRecord(record: RecordView, { format, args }: PrintFormat): string {
  let next = 0;
  const take = (): Value => {
    const arg = args[next++];
    return arg === undefined ? 0n : evaluate(record, arg);
  };
  const number = (text: string | undefined): number => (text === '*' ? Number(asNumber(take())) : Number(text ?? -1));
  return format.replace(
    SPEC,
    (_: string, flags: string, width: string, precision: string, length: string, conversion: string) => {
      if (conversion === '%') return '%';
      const wide = number(width);
      const limit = number(precision);
      return pad(convert(record, take(), conversion, length, flags, limit), wide, flags);
    },
  );
}

function pad(text: string, width: number, flags: string): string {
  if (text.length >= width) return text;
  if (flags.includes('-')) return text.padEnd(width);
  return flags.includes('0') ? text.padStart(width, '0') : text.padStart(width);
}

function convert(
  record: RecordView,
  value: Value,
  conversion: string,
  length: string | undefined,
  flags: string,
  limit: number,
): string {
  const bits = LENGTH_BITS[length ?? ''] ?? 32;
  switch (conversion) {
    case 's': {
      const text = asText(value);
      return limit < 0 ? text : text.slice(0, limit);
    }
    case 'c':
      return String.fromCharCode(Number(asNumber(value) & 0xffn));
    case 'd':
    case 'i':
      return BigInt.asIntN(bits, asNumber(value)).toString();
    case 'u':
      return BigInt.asUintN(bits, asNumber(value)).toString();
    case 'o':
      return BigInt.asUintN(bits, asNumber(value)).toString(8);
    case 'x':
    case 'X': {
      const digits = BigInt.asUintN(bits, asNumber(value)).toString(16);
      const text = (flags.includes('#') ? '0x' : '') + digits;
      return conversion === 'X' ? text.toUpperCase() : text;
    }
    default:
      return pointer(record.machine, value, conversion.slice(1));
  }
}

/** %p and its relatives; tracefs shows addresses as they are, since only root may look. */
function pointer(m: Machine, value: Value, suffix: string): string {
  if (suffix.startsWith('I')) return network(asBytes(value), suffix);
  if (suffix === 'M') return hex(asBytes(value), ':');
  if (/^u/i.test(suffix)) return uuid(asBytes(value));
  const address = BigInt.asUintN(64, asNumber(value));
  if (/^s/i.test(suffix)) return symbolText(m, address, suffix === 'S');
  return address.toString(16).padStart(16, '0');
}
function network(bytes: Uint8Array, suffix: string): string {
  const v4 = (at: number): string => [...bytes.subarray(at, at + 4)].join('.');
  const v6 = (at: number): string =>
    Array.from({ length: 8 }, (_, i) => ((bytes[at + 2 * i]! << 8) | bytes[at + 2 * i + 1]!).toString(16))
      .join(':')
      .replace(/(^|:)0(:0)+(:|$)/, '::');
  if (suffix.startsWith('I4')) return v4(0);
  if (suffix.startsWith('I6')) return v6(0);
  const port = (bytes[2]! << 8) | bytes[3]!;
  return (bytes[0]! | (bytes[1]! << 8)) === AF_INET ? `${v4(4)}:${port}` : `[${v6(8)}]:${port}`;
}
const uuid = (bytes: Uint8Array): string => hex(bytes, '').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');

/** `function+0x10/0x80`, as %pS; `function` as %ps. */
export function symbolText(m: Machine, address: bigint, withOffset: boolean): string {
  const low = Number(BigInt.asIntN(32, address));
  const place = kernelSymbolAt(m, low, Number(BigInt.asIntN(32, address >> 32n)));
  if (place === undefined) return `0x${BigInt.asUintN(64, address).toString(16)}`;
  const symbol = textSymbolAt(low & 0x7fffffff);
  const size = symbol === undefined ? 0 : codeSize(m, symbol);
  const module = place.module === 'vmlinux' ? '' : ` [${place.module}]`;
  return `${place.name}${withOffset ? `+0x${place.offset.toString(16)}/0x${size.toString(16)}` : ''}${module}`;
}
