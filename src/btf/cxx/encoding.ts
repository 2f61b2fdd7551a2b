import { readName } from './names.ts';
import { Unknown, type Reader } from './reader.ts';
import { textOf } from './type-text.ts';
import { readParameters, readType } from './types.ts';

/** A whole mangled name behind its `_Z`, with the suffixes of the compiler's clones. */
export function readMangledName(reader: Reader): string {
  const found = readEncoding(reader, true);
  const rest = reader.rest();
  if (rest === '') return found;
  if (!rest.startsWith('.')) throw new Unknown();
  const clones = rest.split(/(?=\.[A-Za-z_])/).map((part) => ` [clone ${part}]`);
  return found + clones.join('');
}

/** A function with its parameters, a variable, or a special name; only the outermost shows its result. */
export function readEncoding(reader: Reader, isOutermost: boolean): string {
  return reader.nested(() => {
    if (/^(?:T|G[VRT])/.test(reader.peek(2))) return readSpecial(reader);
    const name = readName(reader);
    if (reader.isAtEndOfEncoding()) return name.text + name.qualifiers;
    const result = name.isTemplate && !name.hasNoResult ? readType(reader) : undefined;
    const called = `${name.text}${readParameters(reader)}${name.qualifiers}`;
    if (result === undefined || !isOutermost) return called;
    const { left, right, shape } = result;
    return shape === 'function'
      ? `${left}${called}${right}`
      : `${left} ${called}${right}`.replace(/([*&(]) /, (whole, mark: string) => (mark === '(' ? '(' : whole));
  });
}

type ReadSpecial = (reader: Reader) => string;
const ofType =
  (text: string): ReadSpecial =>
  (reader) =>
    `${text} for ${textOf(readType(reader))}`;
const ofName =
  (text: string): ReadSpecial =>
  (reader) =>
    `${text} for ${readName(reader).text}`;
/** The offsets, by which a thunk moves `this`, are not shown. */
const thunk =
  (text: string, offsets: RegExp): ReadSpecial =>
  (reader) => {
    reader.match(offsets);
    return `${text} to ${readEncoding(reader, false)}`;
  };

/** `_ZT*` and `_ZG*`: what the compiler makes for a type, a variable or a function (Itanium C++ ABI, 5.1.4). */
const SPECIAL_NAMES: Readonly<Record<string, ReadSpecial>> = {
  TV: ofType('vtable'),
  TT: ofType('VTT'),
  TI: ofType('typeinfo'),
  TS: ofType('typeinfo name'),
  GV: ofName('guard variable'),
  TH: ofName('TLS init function'),
  TW: ofName('TLS wrapper function'),
  Th: thunk('non-virtual thunk', /n?\d+_/y),
  Tv: thunk('virtual thunk', /n?\d+_n?\d+_/y),
  Tc: thunk('covariant return thunk', /(?:h n?\d+_|hn?\d+_|vn?\d+_n?\d+_)(?:hn?\d+_|vn?\d+_n?\d+_)/y),
  TC: readConstructionVtable,
  GR: readReferenceTemporary,
};

function readSpecial(reader: Reader): string {
  const read = SPECIAL_NAMES[reader.peek(2)];
  if (read === undefined) throw new Unknown();
  reader.skip(2);
  return read(reader);
}

function readConstructionVtable(reader: Reader): string {
  const derived = textOf(readType(reader));
  reader.match(/\d+_/y);
  return `construction vtable for ${textOf(readType(reader))}-in-${derived}`;
}

function readReferenceTemporary(reader: Reader): string {
  const { text } = readName(reader);
  const digits = reader.match(/[0-9A-Z]*_?/y).replace('_', '');
  return `reference temporary #${digits === '' ? 0 : parseInt(digits, 36) + 1} for ${text}`;
}
