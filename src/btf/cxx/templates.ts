import { STANDARD_NAMES } from './abbreviations.ts';
import { readExpression, readLiteral } from './expressions.ts';
import { abiTags, Unknown, type Reader } from './reader.ts';
import { lastPart, packOf, plain, textOf, type TypeText } from './type-text.ts';
import { readType } from './types.ts';

/** `<int, char>`, which from here on are what `T_` and its like stand for. */
export function readTemplateArguments(reader: Reader): string {
  return reader.nested(() => {
    reader.expect('I');
    const { last } = reader;
    const found = readArgumentList(reader);
    reader.last = last;
    if (reader.lambdaDepth === 0 && reader.typeDepth === 0) reader.templateArguments = found;
    const text = found
      .map(textOf)
      .filter((written, i) => written !== '' || found[i]!.pack === undefined)
      .join(', ');
    // An empty pack at the end was preceded by a comma, which is gone but keeps the two apart.
    const isApart = found.length > 1 && found.at(-1)!.pack?.length === 0;
    return `<${text}${text.endsWith('>') && !isApart ? ' ' : ''}>`;
  });
}

function readArgumentList(reader: Reader): TypeText[] {
  const found: TypeText[] = [];
  while (!reader.take('E')) found.push(readTemplateArgument(reader));
  return found;
}

function readTemplateArgument(reader: Reader): TypeText {
  const { templateArguments } = reader;
  const found = readAnyArgument(reader);
  // Arguments of what is inside an argument are not those of the whole.
  reader.templateArguments = templateArguments;
  return found;
}

function readAnyArgument(reader: Reader): TypeText {
  if (reader.peek() === 'L') return plain(readLiteral(reader));
  if (reader.take('J')) return packOf(reader.nested(() => readArgumentList(reader)));
  if (!reader.take('X')) return readType(reader);
  const text = readExpression(reader);
  reader.expect('E');
  return plain(text);
}

/** `T_`, `T0_`: an argument of the template, of a pack the element at hand. */
export function readTemplateParameter(reader: Reader): TypeText {
  const digits = reader.match(/T\d*_/y).slice(1, -1);
  const index = digits === '' ? 0 : Number(digits) + 1;
  if (reader.lambdaDepth > 0) return plain(`auto:${index + 1}`);
  const found = reader.templateArguments[index];
  if (found === undefined) throw new Unknown();
  if (found.pack === undefined || reader.element === null) return found;
  reader.packLength = found.pack.length;
  return found.pack[reader.element] ?? plain('');
}

/** A pattern, once for each element of the pack in it. */
export function readPackExpansion(reader: Reader): TypeText {
  const { at: start, element, packLength } = reader;
  const substitutions = [...reader.substitutions];
  const first = readForElement(reader, 0);
  const { at: end, substitutions: known } = reader;
  const length = first.packLength;
  const pack = length === 0 ? [] : [first.type];
  for (let i = 1; i < (length ?? 0); i += 1) {
    // Each element's reading refers to the substitutions before the pattern; those of the first are kept.
    reader.at = start;
    reader.substitutions = [...substitutions];
    pack.push(readForElement(reader, i).type);
  }
  reader.at = end;
  reader.substitutions = known;
  reader.element = element;
  reader.packLength = packLength;
  return length === null ? { ...first.type, right: `${first.type.right}...` } : packOf(pack);
}

function readForElement(reader: Reader, element: number): { type: TypeText; packLength: number | null } {
  reader.element = element;
  reader.packLength = null;
  const type = readType(reader);
  return { type, packLength: reader.packLength };
}

/** `S_`, `S0_`, `Sa`: what was read before, or an abbreviation of a standard name. */
export function readSubstitution(reader: Reader): TypeText {
  reader.expect('S');
  const standard = STANDARD_NAMES[reader.peek()];
  if (standard !== undefined) {
    reader.skip(1);
    reader.last = standard.last;
    return plain(standard.short + abiTags(reader));
  }
  const digits = reader.match(/[0-9A-Z]*_/y).slice(0, -1);
  const found = reader.substitutions[digits === '' ? 0 : parseInt(digits, 36) + 1];
  if (found === undefined) throw new Unknown();
  reader.last = lastPart(textOf(found));
  return found;
}
