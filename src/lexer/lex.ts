import { Lexer } from 'chevrotain';
import type { IToken, TokenType } from 'chevrotain';
import { COMMENTS, MODES } from './tokens.ts';

export interface Lexed {
  readonly tokens: IToken[];
  /** In order; kept aside because they belong to no node. */
  readonly comments: readonly IToken[];
}

/** Whether a text is a whole script or what stands inside braces. */
export type LexMode = 'root' | 'code';

let lexer: Lexer | undefined;

/** Splits a text into tokens; it never fails, since unknown characters are tokens that no rule takes. */
export function lex(text: string, mode: LexMode = 'root'): Lexed {
  lexer ??= createLexer(true);
  const result = lexer.tokenize(text, mode);
  return { tokens: result.tokens, comments: result.groups[COMMENTS] ?? [] };
}

/** A test builds it with chevrotain's validations; they take too long for every start. */
export function createLexer(skipValidations: boolean): Lexer {
  return new Lexer(
    { modes: MODES, defaultMode: 'root' },
    { positionTracking: 'onlyOffset', skipValidations, ensureOptimizations: true },
  );
}

/** Every token once, as the parser wants them. */
export function vocabulary(): TokenType[] {
  return [...new Set(Object.values(MODES).flat())];
}

/** The offset behind a token. (With offsets only, which is faster, chevrotain does not fill in `endOffset`.) */
export function tokenEnd(token: IToken): number {
  return token.startOffset + token.image.length;
}
