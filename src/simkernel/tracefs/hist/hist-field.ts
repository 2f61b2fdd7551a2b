import { ENOMEM } from '../../errno.ts';
import type { TracepointField } from '../../tracepoint-formats.ts';
import { DATA_LOC } from '../../tracepoint-formats.ts';
import { fieldsByName } from '../event.ts';
import { GENERIC_FIELDS, textKind } from '../filter.ts';
import { fieldText, fieldValue, loadInteger } from '../print-format.ts';
import type { RecordView } from '../print-format.ts';
import { kernelStack } from '../stack-records.ts';
import type { TraceArray } from '../trace-array.ts';
import { CLOCKS } from '../trace-clock.ts';
import { parseCount } from '../triggers/parameters.ts';
import type { HistEntry } from './hist-map.ts';
import { HistMistake } from './hist-mistake.ts';
import type { HistScope } from './hist-scope.ts';

/** A word (u64), a text or a stack of the kernel. */
export type HistValue = bigint | string | readonly bigint[];

/** A record that a histogram is told of. */
export interface HistHit {
  readonly array: TraceArray;
  readonly view: RecordView;
  /** Once it is known. */
  readonly entry: HistEntry | null;
  /** Values of the variables that the histogram refers to. */
  readonly references: readonly HistValue[];
}

/** A key, a value or a variable of a histogram. */
export interface HistField {
  /** As entries show it. */
  readonly name: string;
  /** As definitions show it. */
  readonly definition: string;
  readonly kind: 'field' | 'constant' | 'expression' | 'reference';
  readonly modifier: Modifier | null;
  /** Width of the ranges of `.buckets=N`. */
  readonly buckets: number;
  /** In C, with its dimensions. */
  readonly type: string;
  readonly size: number;
  readonly isSigned: boolean;
  readonly isText: boolean;
  readonly isStack: boolean;
  readonly isInMicroseconds: boolean;
  /** Of a number that is known beforehand. */
  readonly constant: bigint | null;
  readonly read: (hit: HistHit) => HistValue;
}
export type FieldUse = 'forKeys' | 'forValues' | 'forVariables';

interface ModifierRow {
  readonly forKeys: boolean;
  readonly forValues: boolean;
  readonly forVariables: boolean;
}
const everywhere: ModifierRow = { forKeys: true, forValues: true, forVariables: true };
const notAsValue: ModifierRow = { ...everywhere, forValues: false };
const onlyAsKey: ModifierRow = { ...notAsValue, forVariables: false };
const onlyAsValue: ModifierRow = { forKeys: false, forValues: true, forVariables: false };
/** What stands behind a field's dot, and where. */
const MODIFIERS = {
  hex: everywhere,
  sym: notAsValue,
  'sym-offset': notAsValue,
  execname: notAsValue,
  syscall: notAsValue,
  stacktrace: notAsValue,
  log2: onlyAsKey,
  buckets: onlyAsKey,
  usecs: everywhere,
  percent: onlyAsValue,
  graph: onlyAsValue,
} as const satisfies Record<string, ModifierRow>;
export type Modifier = keyof typeof MODIFIERS;

/** HIST_STACKTRACE_DEPTH */
const STACK_DEPTH = 16;
/** MAX_FILTER_STR_VAL: of texts of any length. */
export const TEXT_SIZE = 256;
const NS_PER_US = 1000n;
export const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** What a name stands for, before its modifier. */
type Source = Pick<HistField, 'name' | 'type' | 'size' | 'isSigned' | 'isText' | 'isStack' | 'read'>;
const word = (name: string, read: HistField['read'], type = 'u64', size = 8): Source => ({
  name,
  type,
  size,
  isSigned: false,
  isText: false,
  isStack: false,
  read,
});
const text = (name: string, type: string, size: number, read: (view: RecordView) => string): Source => ({
  ...word(name, ({ view }) => read(view), type, size),
  isText: true,
});
const stack = (name: string, read: (view: RecordView) => readonly bigint[]): Source => ({
  ...word(name, ({ view }) => read(view), 'unsigned long[]', 8 * STACK_DEPTH),
  isStack: true,
});
const cpu = (name: string): Source => word(name, ({ view }) => BigInt(view.machine.cpu.id), 'unsigned int', 4);
const comm = (name: string): Source => text(name, 'char[16]', 16, (view) => String(GENERIC_FIELDS['comm']!(view)));
const current = stack('common_stacktrace', ({ machine }) => kernelStack(machine, STACK_DEPTH));
/** Names that every event has. */
const SOURCES: Readonly<Record<string, Source>> = {
  hitcount: word('hitcount', () => 1n),
  common_cpu: cpu('common_cpu'),
  cpu: cpu('cpu'),
  CPU: cpu('CPU'),
  common_comm: comm('common_comm'),
  comm: comm('comm'),
  COMM: comm('COMM'),
  common_stacktrace: current,
  stacktrace: current,
};
const TIMESTAMP = 'common_timestamp';

/** hist_field_timestamp(): by the clock of the trace array. */
function timestamp(scope: HistScope): Source {
  scope.usesTime = true;
  return word(TIMESTAMP, ({ array }) => {
    const now = BigInt(Math.floor(array.timestamp()));
    return scope.isInMicroseconds && CLOCKS[array.clock].isTime ? now / NS_PER_US : now;
  });
}

/** Bytes of a `__data_loc unsigned long[]`, up to the first 0. */
function storedStack({ data }: RecordView, field: TracepointField): readonly bigint[] {
  const place = Number(loadInteger(data, field.offset, 4, false));
  const count = Math.min(STACK_DEPTH, (place >>> 16) >> 3);
  const found = Array.from({ length: count }, (_, i) => loadInteger(data, (place & 0xffff) + 8 * i, 8, false));
  const end = found.indexOf(0n);
  return end < 0 ? found : found.slice(0, end);
}

function sourceOf(name: string, modifier: Modifier | null, scope: HistScope): Source | undefined {
  const field = fieldsByName(scope.file.event).get(name);
  if (name === TIMESTAMP) return timestamp(scope);
  if (field === undefined) return Object.hasOwn(SOURCES, name) ? SOURCES[name] : undefined;
  const { type, dimensions, size, signed } = field;
  if (modifier === 'stacktrace') {
    if (!type.startsWith(DATA_LOC) || !type.includes('long[')) throw new HistMistake('BAD_FIELD_MODIFIER', modifier);
    return stack(name, (view) => storedStack(view, field));
  }
  // A pointer to text is a pointer here: it may lead nowhere.
  if (textKind(field) === 'inline') {
    const isDynamic = type.startsWith(DATA_LOC);
    const read = (view: RecordView): string => fieldText(fieldValue(view, name));
    return text(name, isDynamic ? type : `${type}${dimensions}`, isDynamic ? TEXT_SIZE : size, read);
  }
  if (![1, 2, 4, 8].includes(size) || dimensions !== '') throw new HistMistake(null, name, ENOMEM);
  const read = ({ view }: HistHit): bigint => u64(fieldValue(view, name) as bigint);
  return { ...word(name, read, type, size), isSigned: signed };
}

/** ilog2(roundup_pow_of_two()), of 0 as the CPU's shift has it. */
const log2 = (value: bigint): bigint => (value <= 1n ? 0n : BigInt((value - 1n).toString(2).length));

/** `common_pid.execname`, `bytes_req.buckets=100` (parse_field, create_hist_field). */
export function parseHistField(scope: HistScope, written: string, use: FieldUse): HistField {
  const dot = written.indexOf('.');
  const name = dot < 0 ? written : written.slice(0, dot);
  const { modifier, buckets } = dot < 0 ? NO_MODIFIER : parseModifier(written.slice(dot + 1), name, use);
  if (modifier === 'usecs' && name === TIMESTAMP) scope.isInMicroseconds = true;
  const source = sourceOf(name, modifier, scope);
  if (source === undefined) throw new HistMistake('FIELD_NOT_FOUND', name);
  const shown = `${source.name}${modifier === null ? '' : `.${modifier}`}${buckets > 0 ? `=${buckets}` : ''}`;
  return {
    ...source,
    definition: shown,
    kind: 'field',
    modifier,
    buckets,
    isInMicroseconds: modifier === 'usecs',
    constant: null,
    ...(modifier === 'execname' && use === 'forVariables' ? ENTRY_COMM : {}),
    read: readBy(source, modifier, buckets, use),
  };
}
interface ParsedModifier {
  readonly modifier: Modifier | null;
  readonly buckets: number;
}
const NO_MODIFIER: ParsedModifier = { modifier: null, buckets: 0 };
/** update_var_execname(): as a variable it is the name itself. */
const ENTRY_COMM = { type: 'char[]', size: TEXT_SIZE, isSigned: false, isText: true } as const;

function parseModifier(suffix: string, name: string, use: FieldUse): ParsedModifier {
  const range = /^buckets?=(.*)$/.exec(suffix)?.[1];
  const modifier = (range === undefined ? suffix : 'buckets') as Modifier;
  const buckets = range === undefined ? 0 : (parseCount(range) ?? 0);
  const isKnown = Object.hasOwn(MODIFIERS, modifier) && MODIFIERS[modifier][use];
  const isRange = modifier !== 'buckets' || buckets > 0;
  if (!isKnown || !isRange || (modifier === 'execname' && name !== 'common_pid'))
    throw new HistMistake('BAD_FIELD_MODIFIER', suffix);
  return { modifier, buckets };
}
function readBy({ read }: Source, modifier: Modifier | null, buckets: number, use: FieldUse): HistField['read'] {
  if (modifier === 'execname' && use === 'forVariables') return ({ entry }) => entry?.comm ?? '(no comm)';
  if (modifier !== 'log2' && modifier !== 'buckets') return read;
  const width = BigInt(buckets);
  return (hit) => {
    const value = read(hit);
    if (typeof value !== 'bigint') return value;
    return modifier === 'log2' ? log2(value) : value - (value % width);
  };
}
