import type { IToken, ParserMethod } from 'chevrotain';
import type { Expression, MapRef, Variable } from '../ast/nodes.ts';
import { integerValue, scanInteger } from '../lexer/integer.ts';
import { decodeString } from '../lexer/string.ts';
import { tokenEnd } from '../lexer/lex.ts';
import * as t from '../lexer/tokens.ts';
import { GrammarCursor } from './cursor.ts';

/** The rules of single tokens: names, variables, maps, integers and strings. */
export abstract class LiteralRules extends GrammarCursor {
  protected readonly fieldName: ParserMethod<[string], IToken | undefined> = this.RULE('fieldName', (missing: string) =>
    this.identifier(1, missing),
  );

  /** Takes a word or reports `missing`; an empty message reports nothing. */
  protected identifier(index: number, missing: string): IToken | undefined {
    this.settle();
    let name: IToken | undefined;
    this.option(index, () => {
      name = this.take(index, t.Identifier);
    });
    if (name === undefined && missing !== '') this.report(missing);
    return name;
  }

  protected readonly variable = this.RULE('variable', (): Variable => {
    const token = this.take(1, t.Variable);
    return this.ACTION(() => ({
      kind: 'variable',
      name: token.image.slice(1),
      span: this.spanFrom(token.startOffset),
    }));
  });

  protected readonly map = this.RULE('map', (): MapRef => {
    const token = this.take(1, t.MapName);
    return this.ACTION(() => ({ kind: 'map', name: token.image.slice(1), span: this.spanFrom(token.startOffset) }));
  });

  /** The text of an integer. bpftrace reads one also where a word stands, and then complains about its suffix. */
  protected readonly integerText = this.RULE('integerText', (): string => {
    const token = this.take(1, t.Integer);
    return this.ACTION(() => this.checkedDigits(token));
  });

  private checkedDigits(token: IToken): string {
    const scanned = scanInteger(this.source.text, token.startOffset);
    scanned.mistakes.forEach((mistake) => this.reportLiteral(mistake));
    return scanned.digits;
  }

  /** An integer, or an empty text; a word in its place is taken and reported. */
  protected integerOrNothing(index: number): string {
    this.settle();
    let digits = '';
    this.or(index, [
      { ALT: () => (digits = this.subrule(index, this.integerText)) },
      {
        ALT: () => {
          const word = this.take(index, t.Identifier);
          digits = this.ACTION(() => this.checkedDigits(word));
        },
      },
      { ALT: () => undefined },
    ]);
    return digits;
  }

  protected readonly integer = this.RULE('integer', (): Expression => {
    const start = this.settle();
    const text = this.SUBRULE(this.integerText);
    return this.ACTION(() => {
      const span = this.spanFrom(start);
      const value = integerValue(text);
      if (typeof value === 'bigint') return { kind: 'integer', value, text, span };
      this.reportAt(value.message, span.start, span.end);
      return { kind: 'integer', value: 0n, span };
    });
  });

  protected stringValue(token: IToken): string {
    return this.ACTION(() => {
      const decoded = decodeString(this.source.text, token.startOffset, tokenEnd(token));
      decoded.mistakes.forEach((mistake) => this.reportLiteral(mistake));
      return decoded.value;
    });
  }

  protected readonly string = this.RULE('string', (): Expression => {
    const token = this.take(1, t.StringText);
    const value = this.stringValue(token);
    return this.ACTION(() => ({ kind: 'string', value, span: this.spanFrom(token.startOffset) }));
  });
}
