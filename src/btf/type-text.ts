import type { CType, IntType, TypeSet } from './types.ts';

const INT_WORDS = new Set(['char', 'short', 'int', 'long', 'signed', 'unsigned', '_Bool', 'bool', '__int128']);
const QUALIFIERS = new Set(['const', 'volatile', 'restrict']);

/**
 * Reads a type without a declarator: `const char *`, `struct sock *`, `long unsigned int`, `char *[4]`. Named types come from the set; an unknown struct
 * or union becomes a forward declaration, any other unknown name is undefined.
 */
export function parseTypeText(text: string, types: TypeSet): CType | undefined {
  const tokens = text.match(/\w+|[*[\]]/g) ?? [];
  let at = 0;
  const qualifiers: ('const' | 'volatile' | 'restrict')[] = [];
  const isWord = (): boolean => tokens[at] !== undefined && /^\w/.test(tokens[at]!);
  const ints: string[] = [];
  let base: CType | undefined;
  for (; isWord(); at++) {
    const word = tokens[at]!;
    if (QUALIFIERS.has(word)) qualifiers.push(word as 'const');
    else if (word === 'struct' || word === 'union') base = aggregate(word, tokens[++at] ?? '', types);
    else if (word === 'enum') base = types.enum(tokens[++at] ?? '');
    else if (word === 'void') base = { kind: 'void' };
    else if (INT_WORDS.has(word) && (base === undefined || ints.length > 0)) ints.push(word);
    else if (base === undefined && ints.length === 0) base = types.typedef(word) ?? types.int(word);
    else return undefined;
  }
  if (ints.length > 0) base = intFromWords(ints);
  if (base === undefined) return undefined;
  let type: CType = base;
  for (const qualifier of qualifiers) type = { kind: 'qualifier', qualifier, type };
  for (; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (token === '*') type = { kind: 'pointer', to: type };
    else if (QUALIFIERS.has(token)) type = { kind: 'qualifier', qualifier: token as 'const', type };
    else break;
  }
  return arraySuffix(type, tokens.slice(at));
}

function arraySuffix(type: CType, tokens: readonly string[]): CType | undefined {
  if (tokens.length === 0) return type;
  const close = tokens.indexOf(']');
  const length = close === 2 ? Number(tokens[1]) : 0;
  if (tokens[0] !== '[' || close === -1 || close > 2 || !Number.isInteger(length)) return undefined;
  const element = arraySuffix(type, tokens.slice(close + 1));
  return element === undefined ? undefined : { kind: 'array', element, length, declaredIn: 'format' };
}

function aggregate(of: 'struct' | 'union', name: string, types: TypeSet): CType {
  return (of === 'struct' ? types.struct(name) : types.union(name)) ?? { kind: 'forward', name, of };
}

const int = (name: string, size: number, signed: boolean): IntType => ({
  kind: 'int',
  name,
  size,
  signed,
  bool: name === '_Bool',
  char: name === 'char',
});

/** C's integer types under the names that gcc gives them in BTF. */
export const C_INTS = {
  char: int('char', 1, true),
  signedChar: int('signed char', 1, true),
  unsignedChar: int('unsigned char', 1, false),
  short: int('short int', 2, true),
  unsignedShort: int('short unsigned int', 2, false),
  int: int('int', 4, true),
  unsignedInt: int('unsigned int', 4, false),
  long: int('long int', 8, true),
  unsignedLong: int('long unsigned int', 8, false),
  longLong: int('long long int', 8, true),
  unsignedLongLong: int('long long unsigned int', 8, false),
  int128: int('__int128', 16, true),
  unsignedInt128: int('__int128 unsigned', 16, false),
  bool: int('_Bool', 1, false),
} as const satisfies Record<string, IntType>;

/** The type that words such as `unsigned long int` name in any order; undefined when they contradict each other. */
export function intFromWords(words: readonly string[]): IntType | undefined {
  const count = (word: string): number => words.filter((each) => each === word).length;
  const longs = count('long');
  const unsigned = count('unsigned') > 0;
  if (count('unsigned') + count('signed') > 1 || longs > 2 || count('char') + count('short') + Math.sign(longs) > 1)
    return undefined;
  if (count('_Bool') + count('bool') > 0) return words.length === 1 ? C_INTS.bool : undefined;
  if (count('__int128') > 0) return unsigned ? C_INTS.unsignedInt128 : C_INTS.int128;
  if (count('char') > 0) {
    if (count('int') > 0) return undefined;
    return unsigned ? C_INTS.unsignedChar : count('signed') > 0 ? C_INTS.signedChar : C_INTS.char;
  }
  if (count('short') > 0) return unsigned ? C_INTS.unsignedShort : C_INTS.short;
  if (longs === 2) return unsigned ? C_INTS.unsignedLongLong : C_INTS.longLong;
  if (longs === 1) return unsigned ? C_INTS.unsignedLong : C_INTS.long;
  return unsigned ? C_INTS.unsignedInt : C_INTS.int;
}
