import type { TokenType } from 'chevrotain';
import type { FoundToken } from './code-token.ts';
import { matchEnd } from './match.ts';
import { scanAttachPoint, scanCDefinition } from './raw.ts';
import * as t from './tokens.ts';

/** The words that start something other than a probe. */
const KEYWORDS: ReadonlyMap<string, TokenType> = new Map([
  ['config', t.ConfigKeyword],
  ['macro', t.MacroKeyword],
  ['fn', t.FnKeyword],
  ['import', t.ImportKeyword],
  ['let', t.LetKeyword],
]);

const WORD = /[A-Za-z_]\w*/y;
const LINE = /[^\n]*/y;
const WHOLE_LINE = /[^\n]*\n?/y;

/** The token at `offset` of the top level, behind one of type `last`; neither a blank nor a comment stands there. */
export function rootToken(text: string, offset: number, last: TokenType | undefined): FoundToken {
  const first = text[offset]!;
  const one = offset + 1;
  if (first === ',') return { type: t.Comma, end: one };
  if (first === '{') return { type: t.LBrace, end: one };
  // Only the parenthesis that ends `let @m = hash(1)` leads back to the top level; a ';' may follow it.
  if (first === ';' && last === t.RParen) return { type: t.Semicolon, end: one };
  // Behind the comma of a list of attach points every word is an attach point.
  const isListing = last === t.Comma || last === t.AttachPointText;
  if (isListing && first === '/') return { type: t.PredicateOpen, end: one };
  const item = isListing ? undefined : itemStart(text, offset, last);
  if (item !== undefined) return item;
  const end = scanAttachPoint(text, offset);
  return end > offset ? { type: t.AttachPointText, end } : { type: t.Unknown, end: one };
}

function itemStart(text: string, offset: number, last: TokenType | undefined): FoundToken | undefined {
  if (text[offset] === '#') {
    const isShebang = text[offset + 1] === '!';
    if (!isShebang) return { type: t.Preprocessor, end: matchEnd(LINE, text, offset) };
    return last === undefined ? { type: t.Shebang, end: matchEnd(WHOLE_LINE, text, offset) } : undefined;
  }
  const definition = scanCDefinition(text, offset);
  if (definition !== undefined) return { type: t.CDefinitionText, end: definition.end };
  const end = matchEnd(WORD, text, offset);
  const type = KEYWORDS.get(text.slice(offset, end));
  return type && { type, end };
}
