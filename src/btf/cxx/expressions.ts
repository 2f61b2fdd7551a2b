import { LITERAL_SUFFIXES } from './abbreviations.ts';
import { readEncoding } from './encoding.ts';
import { readUnqualifiedName } from './names.ts';
import { OPERATORS } from './operators.ts';
import { Unknown, type Reader } from './reader.ts';
import { readTemplateArguments, readTemplateParameter } from './templates.ts';
import { textOf } from './type-text.ts';
import { readType } from './types.ts';

/** A number of some type, or the address of a function or variable. */
export function readLiteral(reader: Reader): string {
  reader.expect('L');
  if (reader.take('_Z')) {
    const text = readEncoding(reader, true);
    reader.expect('E');
    return text;
  }
  const letter = reader.peek();
  const type = textOf(readType(reader));
  if (letter === 'D' && reader.take('E')) return type;
  const value = reader.match(/n?[0-9a-f]*/y).replace('n', '-');
  reader.expect('E');
  if (letter === 'b' && /^[01]$/.test(value)) return value === '1' ? 'true' : 'false';
  const suffix = LITERAL_SUFFIXES[letter];
  if (suffix !== undefined) return value + suffix;
  // The bytes of a floating-point number are shown as they are.
  return `(${type})${/[fdeg]/.test(letter) ? `[${value}]` : value}`;
}

/** The commoner expressions of template arguments (Itanium C++ ABI, 5.1.6); others make the whole name unknown. */
export function readExpression(reader: Reader): string {
  return reader.nested(() => {
    if (reader.peek() === 'L') return readLiteral(reader);
    if (reader.peek() === 'T') return textOf(readTemplateParameter(reader));
    if (reader.peek(3) === 'sZT') return readSizeOfPack(reader);
    if (reader.peek(2) === 'sr') return readScoped(reader);
    return readOperation(reader);
  });
}

function readSizeOfPack(reader: Reader): string {
  reader.expect('sZ');
  const { element } = reader;
  // The whole pack, and not its element at hand.
  reader.element = null;
  const { pack } = readTemplateParameter(reader);
  reader.element = element;
  return `${pack?.length ?? 1}`;
}

function readScoped(reader: Reader): string {
  reader.expect('sr');
  const scope = textOf(readType(reader));
  const { text } = readUnqualifiedName(reader);
  return `${scope}::${text}${reader.peek() === 'I' ? readTemplateArguments(reader) : ''}`;
}

function readOperation(reader: Reader): string {
  const operator = OPERATORS[reader.peek(2)];
  if (operator === undefined || operator.place === 'own') throw new Unknown();
  reader.skip(2);
  const left = readOperand(reader);
  if (operator.place === 'prefix') return `${operator.text}${left}`;
  const whole = `${left}${operator.text}${readOperand(reader)}`;
  // Else it would end the template's arguments.
  return operator.text === '>' ? `(${whole})` : whole;
}

function readOperand(reader: Reader): string {
  return `(${readExpression(reader)})`;
}
