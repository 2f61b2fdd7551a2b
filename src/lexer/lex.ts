import type { IToken, TokenType } from 'chevrotain';
import { codeToken } from './code-token.ts';
import { skipLayout, type Comment } from './layout.ts';
import { rootToken } from './root-token.ts';
import * as t from './tokens.ts';

export interface Lexed {
  readonly tokens: IToken[];
  /** In order; kept aside because they belong to no node. */
  readonly comments: readonly Comment[];
}

/** Whether a text is a whole script or what stands inside braces. */
export type LexMode = 'root' | 'code';

/** Where a token stands: `head`, `directive`, `declaration` and `predicate` are what a word of the top level opens. */
type Mode = LexMode | 'head' | 'directive' | 'declaration' | 'predicate';

const OPENS: ReadonlyMap<TokenType, Mode> = new Map<TokenType, Mode>([
  [t.ConfigKeyword, 'head'],
  [t.MacroKeyword, 'head'],
  [t.FnKeyword, 'head'],
  [t.ImportKeyword, 'directive'],
  [t.LetKeyword, 'declaration'],
  [t.PredicateOpen, 'predicate'],
  [t.LBrace, 'code'],
]);

/** What ends a mode; a closing brace ends any. */
const CLOSES: Readonly<Partial<Record<Mode, TokenType>>> = {
  // The braces of the body take the head's place.
  head: t.LBrace,
  directive: t.Semicolon,
  declaration: t.RParen,
  predicate: t.PredicateClose,
};

/** Splits a text into tokens; it never fails, since unknown characters are tokens that no rule takes. */
export function lex(text: string, mode: LexMode = 'root'): Lexed {
  const tokens: IToken[] = [];
  const comments: Comment[] = [];
  const modes: Mode[] = [mode];
  const keep = (comment: Comment): void => void comments.push(comment);
  for (let offset = skipLayout(text, 0, keep); offset < text.length;) {
    const current = modes.at(-1)!;
    const { type, end } =
      current === 'root' ? rootToken(text, offset, tokens.at(-1)?.tokenType) : codeToken(text, offset);
    const image = text.slice(offset, end);
    tokens.push({ image, startOffset: offset, tokenType: type, tokenTypeIdx: type.tokenTypeIdx! });
    if ((type === t.RBrace || type === CLOSES[current]) && modes.length > 1) modes.pop();
    const opened = OPENS.get(type);
    if (opened !== undefined) modes.push(opened);
    offset = skipLayout(text, end, keep);
  }
  return { tokens, comments };
}

/** The offset behind a token. */
export function tokenEnd(token: IToken): number {
  return token.startOffset + token.image.length;
}
