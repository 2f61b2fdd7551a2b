import { EmbeddedActionsParser, EOF, NoViableAltException, tokenMatcher } from 'chevrotain';
import type { IToken, TokenType } from 'chevrotain';
import { skipLayout, wordEnd } from '../lexer/layout.ts';
import type { LiteralMistake } from '../lexer/integer.ts';
import { tokenEnd } from '../lexer/lex.ts';
import { VOCABULARY } from '../lexer/tokens.ts';
import type { Diagnostic } from '../source/diagnostic.ts';
import { createSource } from '../source/source.ts';
import type { Source, Span } from '../source/source.ts';
import type { Expression } from '../ast/nodes.ts';
import { FirstTokenLookahead } from './first-token-lookahead.ts';
import { syntaxError } from './messages.ts';

/** Deeper nesting would overflow the stack of some stage. */
const MAX_DEPTH = 120;

/**
 * What the grammar stands on. bpftrace's parser reads characters and, when something is missing, says so and goes on:
 * one mistake may be reported from several rules. So rules here never throw. `expect` makes a token optional in the
 * grammar and reports its absence, and `cursor` follows where bpftrace's parser would stand, since its spans may end
 * behind the blanks it has looked past.
 */
export abstract class GrammarCursor extends EmbeddedActionsParser {
  protected source: Source = createSource('', '');
  protected cursor = 0;
  protected depth = 0;
  mistakes: Diagnostic[] = [];
  private silent = false;

  constructor(skipValidations: boolean) {
    super(VOCABULARY, {
      maxLookahead: 1,
      recoveryEnabled: false,
      skipValidations,
      lookaheadStrategy: new FirstTokenLookahead({ maxLookahead: 1 }),
    });
  }

  start(source: Source, tokens: IToken[]): void {
    this.input = tokens;
    this.source = source;
    this.cursor = 0;
    this.depth = 0;
    this.silent = false;
    this.mistakes = [];
  }

  /** chevrotain's own looks the rule up, which is not recorded here, to write a message that nobody reads. */
  protected raiseNoAltException(): never {
    const error = new NoViableAltException('no way fits', this.LA(1), this.LA(0));
    this.errors = [...this.errors, error];
    throw error;
  }

  protected failed(): boolean {
    return this.mistakes.length > 0;
  }

  /** Moves the cursor over blanks and comments. */
  protected settle(): number {
    if (this.RECORDING_PHASE) return 0;
    const next = this.LA(1);
    const offset = next.tokenType === EOF ? this.source.text.length : next.startOffset;
    this.cursor = Math.max(this.cursor, offset);
    return this.cursor;
  }

  protected take(index: number, type: TokenType): IToken {
    const token = this.consume(index, type);
    if (!this.RECORDING_PHASE) this.cursor = tokenEnd(token);
    return token;
  }

  /** Takes the token if it is there. */
  protected match(index: number, type: TokenType): boolean {
    this.settle();
    let matched = false;
    this.option(index, () => {
      this.take(index, type);
      matched = true;
    });
    return matched || this.RECORDING_PHASE;
  }

  /** Takes the token or reports that it is missing. */
  protected expect(index: number, type: TokenType, spelling: string): boolean {
    const matched = this.match(index, type);
    if (!matched) this.report(`expected '${spelling}'`);
    return matched;
  }

  /** A decision that lookahead does not take; while chevrotain records the rules every way is taken. */
  protected chosen(condition: boolean): boolean {
    return this.RECORDING_PHASE || condition;
  }

  protected ahead(type: TokenType, distance = 1): boolean {
    return tokenMatcher(this.LA(distance), type);
  }

  protected atEnd(): boolean {
    return this.LA(1).tokenType === EOF;
  }

  /** Reports a mistake at the next word. */
  protected report(message: string): void {
    if (this.RECORDING_PHASE) return;
    const start = skipLayout(this.source.text, this.cursor);
    this.reportAt(message, start, wordEnd(this.source.text, start));
  }

  protected reportAt(message: string, start: number, end: number): void {
    if (this.RECORDING_PHASE || this.silent) return;
    this.mistakes.push(syntaxError({ source: this.source, start, end }, message));
  }

  protected reportLiteral(mistake: LiteralMistake): void {
    const start = mistake.end === undefined ? skipLayout(this.source.text, mistake.start) : mistake.start;
    this.reportAt(mistake.message, start, mistake.end ?? wordEnd(this.source.text, start));
  }

  /** Counts nesting; when it gets too deep, reports that and keeps what follows from it to itself. */
  protected nested<T>(body: () => T, tooDeep: () => T): T {
    if (this.RECORDING_PHASE) return body();
    if (this.depth >= MAX_DEPTH) {
      this.report('too deeply nested');
      this.silent = true;
      return tooDeep();
    }
    this.depth++;
    const result = body();
    this.depth--;
    return result;
  }

  protected spanFrom(start: number, end = this.cursor): Span {
    return { source: this.source, start, end };
  }

  /** Stands in for an expression that is not there; no program with one leaves the parser. */
  protected missing(): Expression {
    return { kind: 'identifier', name: '', span: this.spanFrom(this.cursor) };
  }
}
