import type { Architecture } from './arch/architecture.ts';
import { syscallByName } from './syscalls.ts';
import { sizeOf, stripType } from '../btf/layout.ts';
import { parseTypeText } from '../btf/type-text.ts';
import type { CType, IntType, Member, StructType } from '../btf/types.ts';
import { FIELD_TYPES, FORMATS } from './generated/tracepoint-formats.ts';
import { kernelTypes } from './kernel-types.ts';
import { MODULE_FORMATS } from './module-formats.ts';
import type { ModuleFormat } from './module-formats.ts';

export interface TracepointField {
  /** C text without the name, and the dimensions behind the name: `char` and `[16]`. */
  readonly type: string;
  readonly name: string;
  readonly dimensions: string;
  readonly offset: number;
  readonly size: number;
  readonly signed: boolean;
}

/** What events/CATEGORY/NAME/format says. */
export interface TracepointFormat {
  readonly category: string;
  readonly name: string;
  readonly id: number;
  /** Behind the common fields. */
  readonly fields: readonly TracepointField[];
  readonly print: string;
}

/** Every record starts with these. */
export const COMMON_FIELDS: readonly TracepointField[] = [
  { type: 'unsigned short', name: 'common_type', dimensions: '', offset: 0, size: 2, signed: false },
  { type: 'unsigned char', name: 'common_flags', dimensions: '', offset: 2, size: 1, signed: false },
  { type: 'unsigned char', name: 'common_preempt_count', dimensions: '', offset: 3, size: 1, signed: false },
  { type: 'int', name: 'common_pid', dimensions: '', offset: 4, size: 4, signed: true },
];

/** A field whose value says where in the record the data is: offset in the low, length in the high 16 bits. */
export const DATA_LOC = '__data_loc ';

/** Rows of one category by tracepoint name, not yet parsed. */
const rows = new Map<string, ReadonlyMap<string, string>>();
const formats = new Map<string, TracepointFormat>();
let fieldTypes: readonly (readonly string[])[] | undefined;

function rowsOf(category: string): ReadonlyMap<string, string> {
  let known = rows.get(category);
  if (known === undefined) {
    const text = Object.hasOwn(FORMATS, category) ? FORMATS[category]! : '';
    known = new Map(
      text
        .split('\n\n')
        .filter((row) => row !== '')
        .map((row) => [row.slice(0, row.indexOf('\t')), row]),
    );
    rows.set(category, known);
  }
  return known;
}

/** Every tracepoint of an architecture, sorted by category and name. */
export function listTracepoints(arch: Architecture): readonly { readonly category: string; readonly name: string }[] {
  return [...Object.keys(FORMATS), ...Object.keys(MODULE_FORMATS)]
    .sort()
    .flatMap((category) =>
      [...rowsOf(category).keys(), ...Object.keys(MODULE_FORMATS[category] ?? {})]
        .filter((name) => hasTracepoint(arch, category, name))
        .map((name) => ({ category, name })),
    );
}
/** Those of system calls go with the calls. */
function hasTracepoint(arch: Architecture, category: string, name: string): boolean {
  if (category !== 'syscalls') return true;
  const row = syscallByName(name.replace(/^sys_(enter|exit)_/, ''));
  return row === undefined || arch.systemCallNumber(row.number) !== undefined;
}

/** The format of a tracepoint, or undefined when the kernel has none of that name. */
export function tracepointFormat(category: string, name: string): TracepointFormat | undefined {
  const key = `${category}:${name}`;
  const known = formats.get(key);
  if (known !== undefined) return known;
  const row = rowsOf(category).get(name);
  const rows = Object.hasOwn(MODULE_FORMATS, category) ? MODULE_FORMATS[category]! : {};
  const ofModule = Object.hasOwn(rows, name) ? rows[name] : undefined;
  if (row === undefined && ofModule === undefined) return undefined;
  const format = row === undefined ? layOut(category, name, ofModule!) : parseRow(category, row);
  formats.set(key, format);
  return format;
}

/**
 * A row is `name TAB id TAB fields TAB print fmt`; a field is `T name` or `T name@offset`, T being a row of FIELD_TYPES in base 36, and without an
 * offset it follows its predecessor at its natural alignment.
 */
function parseRow(category: string, row: string): TracepointFormat {
  fieldTypes ??= FIELD_TYPES.split('\n').map((type) => type.split('\t'));
  const [name, id, fieldText, ...print] = row.split('\t');
  const fields: TracepointField[] = [];
  let end = 8;
  for (const text of fieldText === '' ? [] : fieldText!.split(',')) {
    const [index, place] = text.split(' ');
    const [type, dimensions, sizeText, signed] = fieldTypes[parseInt(index!, 36)]!;
    const size = Number(sizeText);
    const align = Math.min(8, size || 1);
    const [fieldName, offsetText] = place!.split('@');
    const offset = offsetText === undefined ? Math.ceil(end / align) * align : Number(offsetText);
    end = offset + size;
    fields.push({ type: type!, name: fieldName!, dimensions: dimensions!, offset, size, signed: signed === '1' });
  }
  return { category, name: name!, id: Number(id), fields, print: print.join('\t') };
}

/** Fields of a module's event, each at its natural alignment. */
function layOut(category: string, name: string, { id, fields: texts, print }: ModuleFormat): TracepointFormat {
  let end = 8;
  const fields = texts.map((text): TracepointField => {
    const [, type, field, dimensions] = /^(.*?)(\w+)((?:\[\d+\])*)$/.exec(text)!;
    const isDynamic = type!.startsWith(DATA_LOC);
    const parsed = isDynamic ? undefined : parseTypeText(`${type!}${dimensions!}`, kernelTypes());
    const size = isDynamic ? 4 : (sizeOf(parsed!) ?? 0);
    const bare = parsed === undefined ? undefined : stripType(parsed);
    const offset = Math.ceil(end / Math.min(8, size)) * Math.min(8, size);
    end = offset + size;
    const signed = bare?.kind === 'int' && bare.signed;
    return { type: type!.trim(), name: field!, dimensions: dimensions!, offset, size, signed };
  });
  return { category, name, id, fields, print };
}

const records = new Map<string, StructType>();

/** The record that a tracepoint's handler sees, as a struct named `trace_event_raw_NAME`. */
export function tracepointRecord(category: string, name: string): StructType | undefined {
  const key = `${category}:${name}`;
  const known = records.get(key);
  const format = known === undefined ? tracepointFormat(category, name) : undefined;
  if (format === undefined) return known;
  const members = [...COMMON_FIELDS, ...format.fields].map(memberOf);
  const last = [...COMMON_FIELDS, ...format.fields].at(-1)!;
  const record: StructType = {
    kind: 'struct',
    name: `trace_event_raw_${name}`,
    size: last.offset + last.size,
    members,
  };
  records.set(key, record);
  return record;
}

function memberOf(field: TracepointField): Member {
  return { name: field.name, type: fieldType(field), offsetBits: field.offset * 8 };
}

/**
 * Size and sign are the format's, which differ from the type's where the record widens a value (a syscall's `int fd` takes 8 bytes): such a field is an
 * int that bears the type's text as its name. So is a `__data_loc`, and what names a type unknown here.
 */
function fieldType(field: TracepointField): CType {
  const { size, signed } = field;
  const named: IntType = { kind: 'int', name: field.type, size, signed, bool: false, char: false };
  if (field.type.startsWith(DATA_LOC)) return named;
  const type =
    parseTypeText(`${field.type}${field.dimensions}`, kernelTypes()) ??
    (field.type.endsWith('*') ? parseTypeText(`void *${field.dimensions}`, kernelTypes()) : undefined);
  if (type === undefined || sizeOf(type) !== size) {
    return field.dimensions === '' ? named : (parseTypeText(`u8[${size}]`, kernelTypes()) ?? named);
  }
  const bare = stripType(type);
  return bare.kind === 'int' && bare.signed !== signed && !bare.bool ? named : type;
}
