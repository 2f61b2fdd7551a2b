import { C_INTS, intFromWords } from '../../btf/type-text.ts';
import type { CType } from '../../btf/types.ts';
import { aggregateSpecifier } from './aggregates.ts';
import { attributes, isAttribute } from './attributes.ts';
import type { Attributes, DeclarationScope, Specifiers } from './declaration-scope.ts';
import { enumSpecifier } from './enums.ts';
import type { CToken } from './tokens.ts';

const INT_WORDS: ReadonlySet<string> = new Set([
  'char',
  'short',
  'int',
  'long',
  'signed',
  'unsigned',
  '__signed__',
  '__signed',
  '_Bool',
  '__int128',
  '__int128_t',
  '__uint128_t',
]);
/** Spellings of the qualifiers. */
export const QUALIFIERS: Readonly<Record<string, 'const' | 'volatile' | 'restrict'>> = {
  const: 'const',
  __const: 'const',
  volatile: 'volatile',
  __volatile__: 'volatile',
  restrict: 'restrict',
  __restrict: 'restrict',
  __restrict__: 'restrict',
};
const IGNORED: ReadonlySet<string> = new Set([
  'extern',
  'static',
  'inline',
  '__inline',
  '__inline__',
  'register',
  'auto',
  '_Noreturn',
  '__extension__',
  '_Thread_local',
]);
const FLOATS: Readonly<Record<string, number>> = { float: 4, double: 8, _Float128: 16 };

/** Reads what stands in front of declarators; undefined where no type is named. */
export function declarationSpecifiers(scope: DeclarationScope): Specifiers | undefined {
  const words: string[] = [];
  const qualifiers: ('const' | 'volatile' | 'restrict')[] = [];
  const found: Attributes = {};
  let type: CType | undefined;
  let isTypedef = false;
  let isTag = false;
  for (let token = scope.cursor.peek(); token !== undefined; token = scope.cursor.peek()) {
    const { text } = token;
    if (Object.hasOwn(QUALIFIERS, text)) {
      qualifiers.push(QUALIFIERS[text]!);
      scope.cursor.take();
    } else if (IGNORED.has(text)) {
      scope.cursor.take();
    } else if (text === 'typedef') {
      isTypedef = true;
      scope.cursor.take();
    } else if (isAttribute(scope)) {
      Object.assign(found, attributes(scope));
    } else if (
      INT_WORDS.has(text) ||
      (text === 'bool' && type === undefined && scope.known.typedef('bool') === undefined)
    ) {
      words.push(...intWords(text));
      scope.cursor.take();
    } else if (type !== undefined || words.some((word) => word !== 'long')) {
      break;
    } else if (Object.hasOwn(FLOATS, text)) {
      type = { kind: 'float', name: [...words, text].join(' '), size: words.length > 0 ? 16 : FLOATS[text]! };
      words.length = 0;
      scope.cursor.take();
    } else if (words.length > 0) {
      break;
    } else if (text === 'void') {
      type = { kind: 'void' };
      scope.cursor.take();
    } else if (text === 'struct' || text === 'union') {
      scope.cursor.take();
      type = aggregateSpecifier(scope, text);
      isTag = true;
    } else if (text === 'enum') {
      scope.cursor.take();
      type = enumSpecifier(scope);
      isTag = true;
    } else if (token.kind === 'identifier') {
      type = typeName(scope, text);
      if (type === undefined) break;
      scope.cursor.take();
    } else {
      break;
    }
  }
  if (words.length > 0) type = intFromWords(words) ?? C_INTS.int;
  if (type === undefined) return undefined;
  for (const qualifier of new Set(qualifiers)) type = { kind: 'qualifier', qualifier, type };
  return { type, isTypedef, isTag, attributes: found };
}

function typeName(scope: DeclarationScope, name: string): CType | undefined {
  return scope.typedefs.get(name) ?? scope.known.typedef(name);
}

/** Whether a declaration or type name may begin with the token. */
export function startsType(scope: DeclarationScope, token: CToken | undefined): boolean {
  if (token === undefined) return false;
  const { text } = token;
  return (
    INT_WORDS.has(text) ||
    Object.hasOwn(QUALIFIERS, text) ||
    Object.hasOwn(FLOATS, text) ||
    /^(void|struct|union|enum|typedef|__attribute__)$/.test(text) ||
    IGNORED.has(text) ||
    (token.kind === 'identifier' && typeName(scope, text) !== undefined)
  );
}

function intWords(text: string): readonly string[] {
  if (text === '__int128_t') return ['__int128'];
  if (text === '__uint128_t') return ['unsigned', '__int128'];
  return [text.replace(/^__signed(__)?$/, 'signed')];
}
