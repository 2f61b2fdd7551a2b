import type { TokenType } from 'chevrotain';
import { scanInteger } from './integer.ts';
import { skipLayout } from './layout.ts';
import { matchEnd } from './match.ts';
import { scanString } from './string.ts';
import * as t from './tokens.ts';

/** A token that begins where one was looked for. */
export interface FoundToken {
  readonly type: TokenType;
  readonly end: number;
}

type End = (text: string, offset: number) => number;
type Literal = readonly [TokenType, End];

const pattern =
  (sticky: RegExp): End =>
  (text, offset) =>
    matchEnd(sticky, text, offset);

const integerEnd: End = (text, offset) => scanInteger(text, offset).end;

/** What a token that is no word and no symbol begins with; `$` alone is a symbol. */
const LITERALS: ReadonlyMap<string, readonly Literal[]> = new Map<string, readonly Literal[]>([
  [
    '$',
    [
      [t.Variable, pattern(/\$[A-Za-z_]\w*/y)],
      [t.Positional, pattern(/\$\d+/y)],
    ],
  ],
  ['@', [[t.MapName, pattern(/@(?:[A-Za-z_]\w*)?/y)]]],
  ['"', [[t.StringText, scanString]]],
  ...[...'0123456789'].map((digit) => [digit, [[t.Integer, integerEnd]]] as [string, Literal[]]),
]);

const WORD = /[A-Za-z_]\w*/y;
const LONGEST_SYMBOL = Math.max(...[...t.SYMBOLS.keys()].map((symbol) => symbol.length));

/** The token at `offset` inside braces or parentheses; neither a blank nor a comment stands there. */
export function codeToken(text: string, offset: number): FoundToken {
  const word = matchEnd(WORD, text, offset);
  if (word > offset) return { type: t.KEYWORDS.get(text.slice(offset, word)) ?? t.Identifier, end: word };
  const first = text[offset]!;
  for (const [type, scan] of LITERALS.get(first) ?? []) {
    const end = scan(text, offset);
    if (end > offset) return { type, end };
  }
  if (first === '/' && text[skipLayout(text, offset + 1)] === '{') return { type: t.PredicateClose, end: offset + 1 };
  for (let length = LONGEST_SYMBOL; length > 0; length--) {
    const symbol = text.slice(offset, offset + length);
    const type = t.SYMBOLS.get(symbol);
    if (type !== undefined) return { type, end: offset + symbol.length };
  }
  return { type: t.Unknown, end: offset + 1 };
}
