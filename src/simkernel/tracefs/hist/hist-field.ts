import { ENOMEM } from '../../errno.ts';
import type { TracepointField } from '../../tracepoint-formats.ts';
import { fieldsByName } from '../event.ts';
import type { TraceEvent } from '../event.ts';
import { GENERIC_FIELDS, textKind } from '../filter.ts';
import { fieldText, fieldValue } from '../print-format.ts';
import type { RecordView } from '../print-format.ts';
import { kernelStack } from '../stack-records.ts';
import { parseCount } from '../triggers/parameters.ts';
import { HistMistake } from './hist-mistake.ts';

/** A word (u64), a text or a stack of the kernel. */
export type HistValue = bigint | string | readonly bigint[];

/** A key or a value of a histogram. */
export interface HistField {
  readonly name: string;
  readonly modifier: Modifier | null;
  /** Width of the ranges of `.buckets=N`. */
  readonly buckets: number;
  /** Of the number, for its order. */
  readonly bits: number;
  readonly isSigned: boolean;
  readonly isTime: boolean;
  readonly read: (view: RecordView) => HistValue;
}

/** What stands behind a field's dot, and where. */
const MODIFIERS = {
  hex: { forKeys: true, forValues: true },
  sym: { forKeys: true, forValues: false },
  'sym-offset': { forKeys: true, forValues: false },
  execname: { forKeys: true, forValues: false },
  syscall: { forKeys: true, forValues: false },
  log2: { forKeys: true, forValues: false },
  buckets: { forKeys: true, forValues: false },
  usecs: { forKeys: true, forValues: true },
  percent: { forKeys: false, forValues: true },
  graph: { forKeys: false, forValues: true },
} as const;
export type Modifier = keyof typeof MODIFIERS;

/** HIST_STACKTRACE_DEPTH */
const STACK_DEPTH = 16;
const NS_PER_US = 1000;
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** What a name stands for, before its modifier. */
interface Source {
  readonly name: string;
  readonly bits: number;
  readonly isSigned: boolean;
  readonly read: (view: RecordView) => HistValue;
}
const word = (name: string, read: (view: RecordView) => bigint): Source => ({ name, bits: 64, isSigned: false, read });
const text = (name: string, read: (view: RecordView) => string): Source => ({ ...word(name, () => 0n), read });
const stack: Source = {
  ...word('common_stacktrace', () => 0n),
  read: ({ machine }) => kernelStack(machine, STACK_DEPTH),
};
const cpu = word('common_cpu', ({ machine }) => BigInt(machine.cpu.id));
/** Names that every event has. */
const SOURCES: Readonly<Record<string, Source>> = {
  hitcount: word('hitcount', () => 1n),
  common_timestamp: word('common_timestamp', ({ machine }) => BigInt(Math.floor(machine.cpu.time))),
  common_cpu: cpu,
  cpu,
  CPU: cpu,
  comm: text('comm', (view) => String(GENERIC_FIELDS['comm']!(view))),
  COMM: text('COMM', (view) => String(GENERIC_FIELDS['comm']!(view))),
  common_stacktrace: stack,
  stacktrace: stack,
};

function sourceOf(name: string, fields: ReadonlyMap<string, TracepointField>): Source | undefined {
  const field = fields.get(name);
  if (field === undefined) return Object.hasOwn(SOURCES, name) ? SOURCES[name] : undefined;
  // A pointer to text is a pointer here: it may lead nowhere.
  if (textKind(field) === 'inline') return text(name, (view) => fieldText(fieldValue(view, name)));
  if (![1, 2, 4, 8].includes(field.size) || field.dimensions !== '') throw new HistMistake(null, name, ENOMEM);
  const read = (view: RecordView): bigint => u64(fieldValue(view, name) as bigint);
  return { name, bits: field.size * 8, isSigned: field.signed, read };
}

/** ilog2(roundup_pow_of_two()), of 0 as the CPU's shift has it. */
const log2 = (value: bigint): bigint => (value <= 1n ? 0n : BigInt((value - 1n).toString(2).length));

/** `common_pid.execname`, `bytes_req.buckets=100`: a key, or a value. */
export function parseHistField(event: TraceEvent, written: string, use: 'forKeys' | 'forValues'): HistField {
  if (/[$()+*/]|^-|\d-|\w-(?!offset)/.test(written)) throw new HistMistake('NO_VARIABLES', written);
  const dot = written.indexOf('.');
  const name = dot < 0 ? written : written.slice(0, dot);
  const suffix = dot < 0 ? '' : written.slice(dot + 1);
  const { modifier, buckets } =
    suffix === '' && dot < 0 ? { modifier: null, buckets: 0 } : parseModifier(suffix, name, use);
  const source = sourceOf(name, fieldsByName(event));
  if (source === undefined) throw new HistMistake('FIELD_NOT_FOUND', name);
  return {
    ...source,
    modifier,
    buckets,
    isTime: name === 'common_timestamp',
    read: (view) => modified(source.read(view), modifier, buckets),
  };
}
function parseModifier(
  suffix: string,
  name: string,
  use: 'forKeys' | 'forValues',
): { readonly modifier: Modifier; readonly buckets: number } {
  const range = /^buckets?=(.*)$/.exec(suffix)?.[1];
  const modifier = (range === undefined ? suffix : 'buckets') as Modifier;
  const buckets = range === undefined ? 0 : (parseCount(range) ?? 0);
  const isKnown = Object.hasOwn(MODIFIERS, modifier) && MODIFIERS[modifier][use];
  const isRange = modifier !== 'buckets' || buckets > 0;
  if (!isKnown || !isRange || (modifier === 'execname' && name !== 'common_pid'))
    throw new HistMistake('BAD_FIELD_MODIFIER', suffix);
  return { modifier, buckets };
}
function modified(value: HistValue, modifier: Modifier | null, buckets: number): HistValue {
  if (typeof value !== 'bigint') return value;
  if (modifier === 'log2') return log2(value);
  if (modifier === 'usecs') return value / BigInt(NS_PER_US);
  return modifier === 'buckets' ? value - (value % BigInt(buckets)) : value;
}

/** A field as the trigger's line shows it. */
export function fieldDefinition({ name, modifier, buckets }: HistField): string {
  return `${name}${modifier === null ? '' : `.${modifier}`}${buckets > 0 ? `=${buckets}` : ''}`;
}
