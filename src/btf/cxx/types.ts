import { BUILTIN_TYPES, POINTERS } from './abbreviations.ts';
import { readExpression } from './expressions.ts';
import { isSubstitution, readName, readQualifiers } from './names.ts';
import { sourceName, Unknown, type Reader } from './reader.ts';
import { readPackExpansion, readSubstitution, readTemplateArguments, readTemplateParameter } from './templates.ts';
import { arrayOf, memberPointer, plain, pointerTo, qualified, textOf, type TypeText } from './type-text.ts';

/** A type (Itanium C++ ABI, 5.1.5). */
export function readType(reader: Reader): TypeText {
  reader.typeDepth += 1;
  const found = reader.nested(() => readAnyType(reader));
  reader.typeDepth -= 1;
  return found;
}

/** Types up to the end of the function, in parentheses. */
export function readParameters(reader: Reader): string {
  const texts: string[] = [];
  while (!reader.isAtEndOfEncoding() && !/^[RO]E/.test(reader.peek(2))) {
    const before = reader.at;
    const isVoid = reader.peek() === 'v';
    const written = textOf(readType(reader));
    if (written !== '' && !(isVoid && reader.at === before + 1)) texts.push(written);
  }
  return `(${texts.join(', ')})`;
}

function readAnyType(reader: Reader): TypeText {
  const letters = reader.peek() === 'D' ? reader.peek(2) : reader.peek();
  const builtin = BUILTIN_TYPES[letters];
  if (builtin !== undefined) {
    reader.skip(letters.length);
    return plain(builtin);
  }
  if (isSubstitution(reader)) return withArguments(reader, readSubstitution(reader));
  if (letters === 'T' && !ELABORATED.test(reader.peek(2)))
    return withArguments(reader, reader.remember(readTemplateParameter(reader)));
  return reader.remember(readCompound(reader, letters));
}

/** A template is one thing to remember, with its arguments another. */
function withArguments(reader: Reader, type: TypeText): TypeText {
  if (reader.peek() !== 'I') return type;
  return reader.remember(plain(textOf(type) + readTemplateArguments(reader)));
}

/** `struct`, `union` and `enum` before a name, which are not shown. */
const ELABORATED = /^T[sue]/;

type ReadCompound = (reader: Reader) => TypeText;

/** Types made of others, by the letters they begin with. */
const COMPOUNDS: Readonly<Record<string, ReadCompound>> = {
  P: readPointer,
  R: readPointer,
  O: readPointer,
  r: readQualified,
  V: readQualified,
  K: readQualified,
  U: readVendorQualified,
  C: readComplex,
  F: readFunction,
  A: readArray,
  M: readMemberPointer,
  Do: readFunction,
  DO: readFunction,
  Dx: readFunction,
  Dp: readExpansion,
  Dt: readDecltype,
  DT: readDecltype,
  DF: readFloat,
  Dv: readVector,
};

function readCompound(reader: Reader, letters: string): TypeText {
  const read = COMPOUNDS[letters];
  if (read !== undefined) return read(reader);
  // A name of a type never begins with a destructor.
  if (letters.startsWith('D')) throw new Unknown();
  if (ELABORATED.test(reader.peek(2))) reader.skip(2);
  return plain(readName(reader).text);
}

function readPointer(reader: Reader): TypeText {
  const mark = POINTERS[reader.match(/[PRO]/y)]!;
  return pointerTo(readType(reader), mark);
}

function readQualified(reader: Reader): TypeText {
  const qualifiers = readQualifiers(reader);
  return qualified(readType(reader), qualifiers);
}

function readVendorQualified(reader: Reader): TypeText {
  reader.expect('U');
  const name = sourceName(reader);
  const args = reader.peek() === 'I' ? readTemplateArguments(reader) : '';
  return qualified(readType(reader), ` ${name}${args}`);
}

function readComplex(reader: Reader): TypeText {
  reader.expect('C');
  return qualified(readType(reader), ' _Complex');
}

function readArray(reader: Reader): TypeText {
  reader.expect('A');
  const size = /[\d_]/.test(reader.peek()) ? reader.match(/\d*/y) : readExpression(reader);
  reader.expect('_');
  return arrayOf(readType(reader), size);
}

function readMemberPointer(reader: Reader): TypeText {
  reader.expect('M');
  const owner = readType(reader);
  return memberPointer(owner, readType(reader));
}

function readFunction(reader: Reader): TypeText {
  const exception = readExceptionSpecification(reader);
  // Neither transactions nor C linkage are shown.
  reader.take('Dx');
  reader.expect('F');
  reader.take('Y');
  const result = readType(reader);
  const parameters = readParameters(reader);
  const reference = reader.take('R') ? ' &' : reader.take('O') ? ' &&' : '';
  reader.expect('E');
  return {
    left: result.right === '' || result.shape !== undefined ? `${result.left} ` : result.left,
    right: `${parameters}${reference}${exception}${result.right}`,
    shape: 'function',
  };
}

function readExceptionSpecification(reader: Reader): string {
  if (reader.take('Do')) return ' noexcept';
  if (!reader.take('DO')) return '';
  const condition = readExpression(reader);
  reader.expect('E');
  return ` noexcept(${condition})`;
}

function readExpansion(reader: Reader): TypeText {
  reader.expect('Dp');
  return readPackExpansion(reader);
}

function readDecltype(reader: Reader): TypeText {
  reader.skip(2);
  const text = readExpression(reader);
  reader.expect('E');
  return plain(`decltype (${text})`);
}

/** `DF16_`: a floating-point number of that many bits. */
function readFloat(reader: Reader): TypeText {
  reader.expect('DF');
  const bits = reader.match(/\d+x?/y);
  reader.match(/_|(?=.)/y);
  return plain(`_Float${bits}`);
}

function readVector(reader: Reader): TypeText {
  reader.expect('Dv');
  const size = reader.match(/\d+/y);
  reader.expect('_');
  const { left, right } = readType(reader);
  return { left: `${left} __vector(${size})`, right };
}
