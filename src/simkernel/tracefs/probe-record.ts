import type { Machine } from '../machine.ts';
import type { TracepointField } from '../tracepoint-formats.ts';
import { COMMON_SIZE } from './event.ts';
import type { FetchArg } from './fetch-args.ts';
import { loadInteger, symbolText } from './print-format.ts';
import type { ProbeKind } from './probe-kinds.ts';
import type { ProbePlace } from './probe-place.ts';

/** What records of a probe event look like. */
export interface ProbeLayout {
  readonly fields: readonly TracepointField[];
  /** Bytes before the texts. */
  readonly size: number;
  /** `print fmt` of the format file. */
  readonly print: string;
  /** A record as `trace` shows it. */
  describe(m: Machine, data: Uint8Array): string;
  /** The bytes of a hit: the addresses of the head, then the arguments. */
  build(head: readonly bigint[], values: readonly (readonly Fetched[])[]): Uint8Array;
}
export type Fetched = bigint | string | undefined;

const elements = ({ count }: FetchArg): number => Math.max(1, count);
const isText = ({ type }: FetchArg): boolean => type.text !== undefined;
/** What is shown for a text whose memory is not there. */
const FAULT = '(fault)';

/** The addresses in front of the arguments. */
const headOf = (kind: ProbeKind, isReturn: boolean): readonly string[] =>
  kind === 'eprobe' ? [] : isReturn ? ['__probe_func', '__probe_ret_ip'] : ['__probe_ip'];

export function probeLayout(kind: ProbeKind, { isReturn, label }: ProbePlace, args: readonly FetchArg[]): ProbeLayout {
  const head = headOf(kind, isReturn);
  const fields = head.map((name, i) => field('unsigned long', name, '', COMMON_SIZE + 8 * i, 8, false));
  let size = COMMON_SIZE + 8 * head.length;
  const offsets = args.map((arg) => {
    const at = size;
    const { type, count, name } = arg;
    size += type.size * elements(arg);
    fields.push(field(type.field, name, count > 0 ? `[${count}]` : '', at, type.size * elements(arg), type.signed));
    return at;
  });
  return {
    fields,
    size,
    print: printFormat(isReturn, head, args),
    describe(m, data) {
      const address = (at: number): bigint => loadInteger(data, at, 8, false);
      const [first, second] = [address(COMMON_SIZE), isReturn ? address(COMMON_SIZE + 8) : 0n];
      const shown = (value: bigint, withOffset: boolean): string =>
        kind === 'uprobe' ? `0x${value.toString(16)}` : symbolText(m, value, withOffset);
      const place = label ?? (isReturn ? `${shown(second, true)} <- ${shown(first, false)}` : shown(first, true));
      const texts = args.map((arg, i) => ` ${arg.name}=${argumentText(m, data, arg, offsets[i]!)}`);
      return `(${place})${texts.join('')}`;
    },
    build(addresses, values) {
      const texts = values.flatMap((value, i) => (isText(args[i]!) ? value : []));
      const data = new Uint8Array(texts.reduce<number>((sum, value) => sum + textBytes(value), size));
      addresses.forEach((value, i) => storeInteger(data, COMMON_SIZE + 8 * i, 8, value));
      let tail = size;
      args.forEach((arg, i) => {
        values[i]!.forEach((value, element) => {
          const at = offsets[i]! + element * arg.type.size;
          if (!isText(arg)) storeInteger(data, at, arg.type.size, typeof value === 'bigint' ? value : 0n);
          else tail = storeText(data, at, tail, value);
        });
      });
      return data;
    },
  };
}

function printFormat(isReturn: boolean, head: readonly string[], args: readonly FetchArg[]): string {
  const formats = args.map(({ name, type, count }) =>
    count > 0 ? ` ${name}={${Array<string>(count).fill(type.format).join(',')}}` : ` ${name}=${type.format}`,
  );
  const values = args.flatMap((arg) =>
    Array.from({ length: elements(arg) }, (_, i) => {
      const place = arg.count > 0 ? `${arg.name}[${i}]` : arg.name;
      return isText(arg) ? `__get_str(${place})` : `REC->${place}`;
    }),
  );
  const all = [...head.map((name) => `REC->${name}`), ...values].join(', ');
  const addresses = head.length === 0 ? '' : isReturn ? '(%lx <- %lx)' : '(%lx)';
  return `"${addresses}${formats.join('')}", ${all}`;
}

function argumentText(m: Machine, data: Uint8Array, arg: FetchArg, at: number): string {
  const { type, count } = arg;
  const one = (place: number): string => {
    if (isText(arg)) {
      const location = Number(loadInteger(data, place, 4, false));
      const [start, length] = [location & 0xffff, location >>> 16];
      return length === 0 ? FAULT : `"${String.fromCharCode(...data.subarray(start, start + length - 1))}"`;
    }
    const value = loadInteger(data, place, type.size, type.signed);
    if (type.name === 'symbol') return symbolText(m, BigInt.asUintN(64, value), true);
    if (type.name === 'char') return `'${String.fromCharCode(Number(value))}'`;
    return type.name.startsWith('x') ? `0x${value.toString(16)}` : value.toString();
  };
  if (count === 0) return one(at);
  return `{${Array.from({ length: count }, (_, i) => one(at + i * type.size)).join(',')}}`;
}

const textBytes = (value: Fetched): number => (typeof value === 'string' ? value.length + 1 : 0);
function field(
  type: string,
  name: string,
  dimensions: string,
  offset: number,
  size: number,
  signed: boolean,
): TracepointField {
  return { type, name, dimensions, offset, size, signed };
}
function storeInteger(data: Uint8Array, at: number, size: number, value: bigint): void {
  for (let i = 0; i < size; i += 1) data[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}
/** A `__data_loc`; one of length 0 says that the text could not be read. */
function storeText(data: Uint8Array, at: number, tail: number, value: Fetched): number {
  const text = typeof value === 'string' ? value : undefined;
  storeInteger(data, at, 4, BigInt(tail) | (BigInt(textBytes(text)) << 16n));
  if (text === undefined) return tail;
  for (let i = 0; i < text.length; i += 1) data[tail + i] = text.charCodeAt(i);
  return tail + text.length + 1;
}
