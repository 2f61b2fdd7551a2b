import type { ParserMethod } from 'chevrotain';
import type { Expression, RecordLiteral } from '../ast/nodes.ts';
import { tokenEnd } from '../lexer/lex.ts';
import * as t from '../lexer/tokens.ts';
import { isAggregate, isReserved } from './reserved.ts';
import { TypeRules } from './types.ts';

type RecordField = RecordLiteral['fields'][number];

/** The rules of what `(` opens: tuples, records, casts and groups. */
export abstract class ParenthesesRules extends TypeRules {
  protected abstract readonly unary: ParserMethod<[], Expression>;

  protected readonly parenthesized: ParserMethod<[], Expression> = this.RULE('parenthesized', () => {
    const start = this.settle();
    this.take(1, t.LParen);
    this.settle();
    const form = this.ACTION(() => this.parenthesesForm());
    let result: Expression | undefined;
    this.OPTION1({
      GATE: () => form === 'empty',
      DEF: () => {
        this.take(1, t.RParen);
        result = this.ACTION(() => ({ kind: 'tuple', elements: [], span: this.spanFrom(start) }));
      },
    });
    this.OPTION2({
      GATE: () => form === 'record',
      DEF: () => {
        result = this.SUBRULE(this.record, { ARGS: [start] });
      },
    });
    this.OPTION3({
      GATE: () => form === 'cast',
      DEF: () => {
        result = this.SUBRULE(this.cast, { ARGS: [start] });
      },
    });
    if (result !== undefined && !this.RECORDING_PHASE) return result;
    return this.SUBRULE(this.grouping, { ARGS: [start] });
  });

  /** What stands behind an opening parenthesis, by looking ahead. */
  private parenthesesForm(): 'empty' | 'record' | 'cast' | 'grouping' {
    if (this.ahead(t.RParen)) return 'empty';
    const word = this.LA(1).image;
    if (!this.ahead(t.Identifier)) return 'grouping';
    if (this.ahead(t.Assign, 2) && !isReserved(word)) return 'record';
    if (isReserved(word)) return 'grouping';
    let k = 2;
    if (this.ahead(t.Typeof)) {
      k = this.behindTypeof();
    } else {
      if (isAggregate(word)) {
        if (!this.ahead(t.Identifier, k)) return 'grouping';
        k++;
      }
      for (; ; k++) {
        if (this.ahead(t.Star, k)) continue;
        if (!this.ahead(t.LBracket, k)) break;
        if (this.ahead(t.Integer, k + 1)) k++;
        if (!this.ahead(t.RBracket, k + 1)) {
          // bpftrace has taken `(x[` for a type by now and does not take the complaint back.
          const token = this.LA(k + 1);
          const offset = Number.isNaN(token.startOffset) ? this.source.text.length : token.startOffset;
          this.reportLiteral({ message: "expected ']'", start: offset });
          return 'grouping';
        }
        k++;
      }
    }
    if (!this.ahead(t.RParen, k)) return 'grouping';
    return /^[\w$@"(\-!~*&]/.test(this.LA(k + 1).image) ? 'cast' : 'grouping';
  }

  private behindTypeof(): number {
    let depth = 0;
    for (let k = 2; this.LA(k).image !== ''; k++) {
      if (this.ahead(t.LParen, k)) depth++;
      else if (this.ahead(t.RParen, k) && --depth <= 0) return k + 1;
    }
    return 2;
  }

  /** `(a=1, b=2)`, behind the parenthesis. */
  private readonly record: ParserMethod<[number], RecordLiteral> = this.RULE('record', (start: number) => {
    const fields: RecordField[] = [];
    let complete = true;
    const add = (field: RecordField | undefined): void => {
      this.ACTION(() => {
        if (field === undefined) complete = false;
        else if (fields.some(({ name }) => name === field.name)) {
          const message = `Named argument list already contains name: ${field.name}`;
          this.reportAt(message, field.span.start, field.span.end);
        } else fields.push(field);
      });
    };
    add(this.SUBRULE1(this.recordField));
    this.MANY({
      GATE: () => complete,
      DEF: () => {
        this.settle();
        this.take(1, t.Comma);
        add(this.SUBRULE2(this.recordField));
      },
    });
    this.expect(2, t.RParen, ')');
    return this.ACTION((): RecordLiteral => ({ kind: 'record', fields, span: this.spanFrom(start) }));
  });

  private readonly recordField: ParserMethod<[], RecordField | undefined> = this.RULE('recordField', () => {
    const start = this.settle();
    const name = this.identifier(1, 'expected identifier');
    if (name === undefined && !this.RECORDING_PHASE) {
      this.skipToParenthesis();
      return undefined;
    }
    this.expect(2, t.Assign, '=');
    const value = this.SUBRULE(this.expression);
    return this.ACTION((): RecordField => ({ name: name!.image, value, span: this.spanFrom(start) }));
  });

  /** Behind a field without a name bpftrace goes on at the closing parenthesis. */
  private skipToParenthesis(): void {
    let depth = 1;
    while (!this.atEnd()) {
      if (this.ahead(t.LParen)) depth++;
      else if (this.ahead(t.RParen) && --depth === 0) return;
      this.cursor = tokenEnd(this.LA(1));
      this.SKIP_TOKEN();
    }
  }

  /** `(type)operand`, behind the parenthesis; its span is the type's parentheses. */
  private readonly cast: ParserMethod<[number], Expression> = this.RULE('cast', (start: number) => {
    const type = this.SUBRULE(this.declaredType);
    this.take(1, t.RParen);
    this.settle();
    const span = this.ACTION(() => this.spanFrom(start));
    const operand = this.SUBRULE(this.unary);
    return this.ACTION((): Expression => (type === undefined ? this.missing() : { kind: 'cast', type, operand, span }));
  });

  /** `(a)` or `(a, b)`, behind the parenthesis. */
  private readonly grouping: ParserMethod<[number], Expression> = this.RULE('grouping', (start: number) => {
    const first = this.SUBRULE1(this.expression);
    const elements = [first];
    let isTuple = false;
    this.settle();
    this.MANY({
      // A comma may stand behind the last element too.
      DEF: () => {
        this.settle();
        this.take(1, t.Comma);
        isTuple = true;
        this.settle();
        if (this.chosen(!this.ahead(t.RParen))) elements.push(this.SUBRULE2(this.expression));
      },
    });
    this.expect(1, t.RParen, ')');
    return this.ACTION((): Expression => (isTuple ? { kind: 'tuple', elements, span: this.spanFrom(start) } : first));
  });
}
