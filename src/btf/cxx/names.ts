import { QUALIFIERS, STANDARD_NAMES } from './abbreviations.ts';
import { readEncoding } from './encoding.ts';
import { OPERATORS } from './operators.ts';
import { abiTags, ordinal, skipDiscriminator, sourceName, Unknown, type Reader } from './reader.ts';
import { readSubstitution, readTemplateArguments, readTemplateParameter } from './templates.ts';
import { textOf } from './type-text.ts';
import { readParameters, readType } from './types.ts';

/** The name of a function or variable, and what decides how its type is read. */
interface Name extends NamePart {
  /** It ends with template arguments: a result type comes first. */
  readonly isTemplate: boolean;
  /** Behind the parameters: ` const`, ` &&`. */
  readonly qualifiers: string;
}

/** A name between two `::`. */
interface NamePart {
  readonly text: string;
  /** Constructors, destructors and conversions have no result type. */
  readonly hasNoResult: boolean;
}

/** A name in its scopes (Itanium C++ ABI, 5.1.2). */
export function readName(reader: Reader): Name {
  return reader.nested(() => {
    if (reader.take('N')) return readNestedName(reader);
    if (reader.take('Z')) return readLocalName(reader);
    if (isSubstitution(reader)) {
      const text = textOf(readSubstitution(reader)) + readTemplateArguments(reader);
      return { text, isTemplate: true, hasNoResult: false, qualifiers: '' };
    }
    const prefix = reader.take('St') ? 'std::' : '';
    const part = readUnqualifiedName(reader);
    const text = prefix + part.text;
    if (reader.peek() !== 'I') return { ...part, text, isTemplate: false, qualifiers: '' };
    reader.rememberPrefix(text);
    return { ...part, text: text + readTemplateArguments(reader), isTemplate: true, qualifiers: '' };
  });
}

/** `St` is no substitution, but the beginning of a name. */
export function isSubstitution(reader: Reader): boolean {
  return reader.peek() === 'S' && reader.peek(2) !== 'St';
}

/** `const` and its like, which are mangled in the opposite order. */
export function readQualifiers(reader: Reader): string {
  return [...reader.match(/[rVK]*/y)].map((mark) => QUALIFIERS[mark]!).reduceRight((text, next) => text + next, '');
}

function readNestedName(reader: Reader): Name {
  let qualifiers = readQualifiers(reader);
  if (reader.take('R')) qualifiers += ' &';
  else if (reader.take('O')) qualifiers += ' &&';
  let text = '';
  let isTemplate = false;
  let hasNoResult = false;
  while (!reader.take('E')) {
    isTemplate = reader.peek() === 'I';
    if (isTemplate) text += readTemplateArguments(reader);
    else if (text === '' && /^(?:S|D[tT])/.test(reader.peek(2))) {
      // These are in the list of substitutions already, or never.
      text = readKnownPrefix(reader);
      continue;
    } else if (text === '' && reader.peek() === 'T') text = textOf(readTemplateParameter(reader));
    else {
      const part = readUnqualifiedName(reader);
      text += (text === '' ? '' : '::') + part.text;
      ({ hasNoResult } = part);
    }
    if (reader.peek() !== 'E') reader.rememberPrefix(text);
  }
  return { text, isTemplate, hasNoResult, qualifiers };
}

function readKnownPrefix(reader: Reader): string {
  if (reader.take('St')) return 'std';
  if (reader.peek() === 'D') return textOf(readType(reader));
  const text = textOf(readSubstitution(reader));
  // A constructor says the whole name of what it makes.
  const standard = Object.values(STANDARD_NAMES).find(({ short }) => short === text);
  if (standard === undefined || !/[CD]/.test(reader.peek())) return text;
  reader.last = standard.last;
  return standard.full;
}

function readLocalName(reader: Reader): Name {
  const { templateArguments, typeDepth } = reader;
  reader.typeDepth = 0;
  const outer = readEncoding(reader, false);
  reader.expect('E');
  const found = readLocalEntity(reader, outer);
  reader.typeDepth = typeDepth;
  if (typeDepth > 0) reader.templateArguments = templateArguments;
  return found;
}

function readLocalEntity(reader: Reader, outer: string): Name {
  if (reader.take('s')) {
    skipDiscriminator(reader);
    return { text: `${outer}::string literal`, isTemplate: false, hasNoResult: false, qualifiers: '' };
  }
  const where = reader.take('d') ? `${outer}::{default arg#${ordinal(reader)}}` : outer;
  const inner = readName(reader);
  skipDiscriminator(reader);
  return { ...inner, text: `${where}::${inner.text}` };
}

/** A name without its scopes: an identifier, a constructor, an operator, or what the source gives no name. */
export function readUnqualifiedName(reader: Reader): NamePart {
  reader.take('L');
  const { text, hasNoResult } = readUntaggedName(reader);
  return { text: text + abiTags(reader), hasNoResult };
}

function readUntaggedName(reader: Reader): NamePart {
  const mark = reader.peek(2);
  if (/^\d/.test(mark)) {
    reader.last = sourceName(reader);
    return { text: reader.last, hasNoResult: false };
  }
  if (/^(?:C|D[0-5])/.test(mark)) return { text: readStructor(reader), hasNoResult: true };
  if (mark.startsWith('U')) return { text: readUnnamed(reader), hasNoResult: false };
  if (reader.take('DC')) return { text: readStructuredBinding(reader), hasNoResult: false };
  return { text: readOperatorName(reader), hasNoResult: mark === 'cv' };
}

/** A constructor or destructor, named as the class before it. */
function readStructor(reader: Reader): string {
  const tilde = reader.take('D') ? '~' : '';
  if (tilde === '') reader.expect('C');
  const inherits = tilde === '' && reader.take('I');
  reader.match(/[0-5]/y);
  if (inherits) readType(reader);
  return tilde + reader.last;
}

function readStructuredBinding(reader: Reader): string {
  const names: string[] = [];
  while (!reader.take('E')) names.push(sourceName(reader));
  return `[${names.join(', ')}]`;
}

function readUnnamed(reader: Reader): string {
  if (reader.take('Ut')) {
    reader.last = `{unnamed type#${ordinal(reader)}}`;
    return reader.last;
  }
  reader.expect('Ul');
  reader.lambdaDepth += 1;
  const parameters = readParameters(reader);
  reader.lambdaDepth -= 1;
  reader.expect('E');
  return `{lambda${parameters}#${ordinal(reader)}}`;
}

function readOperatorName(reader: Reader): string {
  if (reader.take('cv')) return `operator ${textOf(readType(reader))}`;
  if (reader.take('li')) return `operator"" ${sourceName(reader)}`;
  const operator = OPERATORS[reader.peek(2)];
  if (operator === undefined) throw new Unknown();
  reader.skip(2);
  const before = /^[a-z]/.test(operator.text) ? ' ' : '';
  // Kept apart from the arguments of a template.
  const behind = operator.text.endsWith('<') && reader.peek() === 'I' ? ' ' : '';
  return `operator${before}${operator.text}${behind}`;
}
