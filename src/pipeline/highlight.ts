import { isBuiltin } from '../lang/builtins.ts';
import { isFunction } from '../lang/functions.ts';
import { lex, tokenEnd } from '../lexer/lex.ts';
import * as t from '../lexer/tokens.ts';

type TokenType = typeof t.Identifier;

/** What an editor tells apart. */
export type TokenClass =
  | 'probe'
  | 'keyword'
  | 'builtin'
  | 'function'
  | 'word'
  | 'field'
  | 'variable'
  | 'map'
  | 'number'
  | 'string'
  | 'operator'
  | 'bracket'
  | 'punctuation'
  | 'comment'
  | 'definition'
  | 'unknown';

/** A piece of a script, by offsets. */
export interface ClassifiedToken {
  readonly start: number;
  readonly end: number;
  readonly class: TokenClass;
  readonly text: string;
}

const KEYWORDS: ReadonlySet<TokenType> = new Set([
  ...t.KEYWORDS.values(),
  t.ConfigKeyword,
  t.MacroKeyword,
  t.FnKeyword,
  t.ImportKeyword,
  t.LetKeyword,
]);

const CLASSES: ReadonlyMap<TokenType, TokenClass> = new Map<TokenType, TokenClass>([
  [t.AttachPointText, 'probe'],
  [t.PredicateOpen, 'bracket'],
  [t.PredicateClose, 'bracket'],
  [t.LParen, 'bracket'],
  [t.RParen, 'bracket'],
  [t.LBracket, 'bracket'],
  [t.RBracket, 'bracket'],
  [t.LBrace, 'bracket'],
  [t.RBrace, 'bracket'],
  [t.Comma, 'punctuation'],
  [t.Semicolon, 'punctuation'],
  [t.Colon, 'punctuation'],
  [t.Dot, 'punctuation'],
  [t.Arrow, 'punctuation'],
  [t.Variable, 'variable'],
  [t.Positional, 'variable'],
  [t.ParameterCount, 'variable'],
  [t.MapName, 'map'],
  [t.Integer, 'number'],
  [t.StringText, 'string'],
  [t.Shebang, 'comment'],
  [t.Preprocessor, 'definition'],
  [t.CDefinitionText, 'definition'],
  [t.Unknown, 'unknown'],
]);

function classOfWord(word: string, before: TokenType | undefined, next: TokenType | undefined): TokenClass {
  if (before === t.Dot || before === t.Arrow) return 'field';
  if (next === t.LParen && isFunction(word)) return 'function';
  return isBuiltin(word) ? 'builtin' : isFunction(word) ? 'function' : 'word';
}

/** The texts that were asked about last: a key has its text looked at from several sides, with and without a next letter. */
let recent: readonly { readonly text: string; readonly tokens: readonly ClassifiedToken[] }[] = [];

/** A script's tokens and comments in order; what lies between them is layout. It never fails, whatever the text. */
export function classify(text: string): readonly ClassifiedToken[] {
  const known = recent.find((one) => one.text === text);
  if (known !== undefined) return known.tokens;
  const tokens = classifyAnew(text);
  recent = [{ text, tokens }, ...recent.slice(0, 2)];
  return tokens;
}

function classifyAnew(text: string): readonly ClassifiedToken[] {
  const { tokens, comments } = lex(text);
  const classified = tokens.map((token, i): ClassifiedToken => {
    const { tokenType: type, image, startOffset: start } = token;
    const before = tokens[i - 1]?.tokenType;
    // A field may be called `if`.
    const isField = before === t.Dot || before === t.Arrow;
    const found =
      type === t.Identifier || (isField && KEYWORDS.has(type))
        ? classOfWord(image, before, tokens[i + 1]?.tokenType)
        : KEYWORDS.has(type)
          ? 'keyword'
          : (CLASSES.get(type) ?? 'operator');
    return { start, end: tokenEnd(token), class: found, text: image };
  });
  const commented = comments.map(({ start, end }): ClassifiedToken => ({
    start,
    end,
    class: 'comment',
    text: text.slice(start, end),
  }));
  return commented.length === 0 ? classified : [...classified, ...commented].sort((a, b) => a.start - b.start);
}
