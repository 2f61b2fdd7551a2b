import { ProbeMistake } from './probe-mistake.ts';

/** What an argument of a probe event is stored as (kernel/trace/trace_probe.c, probe_fetch_types). */
export interface FetchType {
  readonly name: string;
  readonly size: number;
  readonly signed: boolean;
  /** Type and print specification in the event's format file. */
  readonly field: string;
  readonly format: string;
  /** Stored behind the record: text at the address that was fetched, or the name of the symbol there. */
  readonly text?: 'kernel' | 'user' | 'symbol';
}
const number = (name: string, size: number, signed: boolean, format: string): FetchType => ({
  name,
  size,
  signed,
  field: name.replace('x', 'u'),
  format,
});
const text = (name: string, from: 'kernel' | 'user' | 'symbol'): FetchType => ({
  name,
  size: 4,
  signed: true,
  field: '__data_loc char[]',
  format: '\\"%s\\"',
  text: from,
});

const ROWS: readonly FetchType[] = [
  number('u8', 1, false, '%u'),
  number('u16', 2, false, '%u'),
  number('u32', 4, false, '%u'),
  number('u64', 8, false, '%Lu'),
  number('s8', 1, true, '%d'),
  number('s16', 2, true, '%d'),
  number('s32', 4, true, '%d'),
  number('s64', 8, true, '%Ld'),
  number('x8', 1, false, '0x%x'),
  number('x16', 2, false, '0x%x'),
  number('x32', 4, false, '0x%x'),
  number('x64', 8, false, '0x%Lx'),
  { ...number('char', 1, false, "'%c'"), field: 'char' },
  { ...number('symbol', 8, false, '%pS'), field: 'u64' },
  text('string', 'kernel'),
  text('ustring', 'user'),
  text('symstr', 'symbol'),
];
const FETCH_TYPES: ReadonlyMap<string, FetchType> = new Map(ROWS.map((row) => [row.name, row]));
export const DEFAULT_TYPE: FetchType = FETCH_TYPES.get('x64')!;
export const STRING_TYPE: FetchType = FETCH_TYPES.get('string')!;
/** `s32`, `u8`: the type of an integer. */
export const integerType = (bytes: number, isSigned: boolean): FetchType | undefined =>
  FETCH_TYPES.get(`${isSigned ? 's' : 'u'}${bytes * 8}`);

/** Bits of an integer: how far it is shifted left, then right. */
export interface BitField {
  readonly left: number;
  readonly right: number;
}
/** What stands behind the colon of an argument. */
export interface ArgumentType {
  readonly type: FetchType;
  /** Elements of an array; 0: it is none. */
  readonly count: number;
  readonly bits?: BitField;
}
const MOST_ELEMENTS = 64;

/** `u32`, `x8[16]`, `b4@12/32`; `at` is its place in the command. */
export function parseFetchType(written: string, at: number): ArgumentType {
  const open = written.indexOf('[');
  const name = open < 0 ? written : written.slice(0, open);
  const count = open < 0 ? 0 : elementsOf(written, open, at);
  const container = name.startsWith('b') ? `u${/\/(\d+)$/.exec(name)?.[1]}` : name;
  const type = FETCH_TYPES.get(container);
  if (type === undefined) throw new ProbeMistake('BAD_TYPE', at);
  return name.startsWith('b') ? { type, count, bits: bitsOf(name, type, at) } : { type, count };
}
function elementsOf(written: string, open: number, at: number): number {
  const close = written.indexOf(']', open);
  if (close < 0) throw new ProbeMistake('ARRAY_NO_CLOSE', at + written.length);
  if (close + 1 < written.length) throw new ProbeMistake('BAD_ARRAY_SUFFIX', at + close + 1);
  const digits = written.slice(open + 1, close);
  const count = /^(0x[0-9a-f]+|\d+)$/i.test(digits) ? Number(digits) : 0;
  if (count === 0) throw new ProbeMistake('BAD_ARRAY_NUM', at + open + 1);
  if (count > MOST_ELEMENTS) throw new ProbeMistake('ARRAY_TOO_BIG', at + open + 1);
  return count;
}
/** `b<width>@<offset>/<size of the container>` */
function bitsOf(name: string, type: FetchType, at: number): BitField {
  const match = /^b(0x[0-9a-f]+|\d+)@(0x[0-9a-f]+|\d+)\//i.exec(name);
  const [width, offset] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
  if (width === 0 || width + offset > type.size * 8) throw new ProbeMistake('BAD_BITFIELD', at);
  return bitField(type, width, offset);
}
export const bitField = (type: FetchType, width: number, offset: number): BitField => ({
  left: type.size * 8 - width - offset,
  right: type.size * 8 - width,
});
