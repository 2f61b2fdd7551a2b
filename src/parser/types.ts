import type { IToken, ParserMethod } from 'chevrotain';
import type { Expression, Identifier, Typeof, TypeExpression } from '../ast/nodes.ts';
import { integerValue } from '../lexer/integer.ts';
import * as t from '../lexer/tokens.ts';
import { LiteralRules } from './literals.ts';
import { isAggregate, isReserved, isTypeWord } from './reserved.ts';

/** Further than any type reaches: how far lookahead goes for the end of one. */
const LONGEST_TYPE = 64;

type Operand = Expression | TypeExpression;

/** The rules of types, and of what takes a type or an expression. */
export abstract class TypeRules extends LiteralRules {
  abstract readonly expression: ParserMethod<[], Expression>;

  /** `uint8`, `struct foo *`, `string[16]`. */
  protected readonly type = this.RULE('type', (): TypeExpression | undefined => {
    const start = this.settle();
    const word = this.identifier(1, 'expected type name');
    if (word === undefined && !this.RECORDING_PHASE) return undefined;
    let name = this.ACTION(() => word!.image);
    let broken = false;
    this.OPTION2({
      GATE: () => isAggregate(name),
      DEF: () => {
        const tag = this.take(2, t.Identifier);
        this.ACTION(() => (name = `${name} ${tag.image}`));
      },
    });
    if (isAggregate(name)) {
      this.report('expected identifier');
      broken = true;
    }
    if (broken && !this.RECORDING_PHASE) return undefined;
    const nameSpan = this.spanFrom(start);
    const suffixes: ('*' | { readonly length: bigint | null })[] = [];
    this.settle();
    this.MANY(() => {
      this.OR([
        {
          ALT: () => {
            this.take(1, t.Star);
            suffixes.push('*');
          },
        },
        {
          ALT: () => {
            this.take(1, t.LBracket);
            const empty = this.ahead(t.RBracket);
            const length = this.integerOrNothing(5);
            this.expect(3, t.RBracket, ']');
            this.ACTION(() => {
              const value = integerValue(length);
              suffixes.push({ length: empty ? null : typeof value === 'bigint' ? value : 0n });
            });
          },
        },
      ]);
      this.settle();
    });
    return this.ACTION(() => ({ kind: 'type', name, nameSpan, suffixes, span: this.spanFrom(start) }));
  });

  /** `typeof(expression or type)` */
  protected readonly typeofCall: ParserMethod<[], Typeof> = this.RULE('typeofCall', () => {
    const start = this.settle();
    this.take(1, t.Typeof);
    this.expect(1, t.LParen, '(');
    this.settle();
    const operand = this.SUBRULE(this.typeOrExpression, { ARGS: [')'] });
    this.expect(2, t.RParen, ')');
    return this.ACTION((): Typeof => ({ kind: 'typeof', operand, span: this.spanFrom(start) }));
  });

  /** What a `let`, a parameter or a function is declared as. */
  protected readonly declaredType: ParserMethod<[], TypeExpression | Typeof | undefined> = this.RULE(
    'declaredType',
    () => {
      this.settle();
      return this.OR<TypeExpression | Typeof | undefined>({
        IGNORE_AMBIGUITIES: true,
        DEF: [{ ALT: () => this.SUBRULE(this.typeofCall) }, { ALT: () => this.SUBRULE(this.type) }],
      });
    },
  );

  /** A type where it can be told from an expression: by its words or suffixes, and by what follows. */
  private readonly typeOrExpression: ParserMethod<[string], Operand> = this.RULE('typeOrExpression', (ends: string) => {
    const reference = this.ACTION(() => this.typeReference(ends));
    let result: Operand | undefined;
    this.OPTION1({
      GATE: () => reference === 'type',
      DEF: () => {
        result = this.SUBRULE(this.type) ?? this.missing();
      },
    });
    this.OPTION2({
      GATE: () => reference === 'word' && result === undefined,
      DEF: () => {
        const word = this.take(1, t.Identifier);
        const identifier = (): Identifier => {
          return { kind: 'identifier', name: word.image, span: this.spanFrom(word.startOffset) };
        };
        result = this.ACTION(identifier);
      },
    });
    if (result !== undefined && !this.RECORDING_PHASE) return result;
    return this.SUBRULE(this.expression);
  });

  private typeReference(ends: string): 'type' | 'word' | undefined {
    const word = this.LA(1);
    if (!this.ahead(t.Identifier) || isReserved(word.image)) return undefined;
    let k = 2;
    let isType = isTypeWord(word.image);
    if (isAggregate(word.image)) {
      if (!this.ahead(t.Identifier, k)) return undefined;
      isType = true;
      k++;
    }
    for (; k < LONGEST_TYPE; k++) {
      if (this.ahead(t.LBracket, k)) {
        const close = this.closing(k);
        if (close === undefined) return undefined;
        k = close;
      } else if (!this.ahead(t.Star, k)) break;
      isType = true;
    }
    const next = this.LA(k).image[0];
    if (next === undefined || !ends.includes(next)) return undefined;
    return isType ? 'type' : 'word';
  }

  /** The distance of the bracket that closes the one at distance k. */
  private closing(k: number): number | undefined {
    let depth = 0;
    for (; this.LA(k).image !== ''; k++) {
      if (this.ahead(t.LBracket, k)) depth++;
      else if (this.ahead(t.RBracket, k) && --depth === 0) return k;
    }
    return undefined;
  }

  /** `sizeof`, `offsetof`, `typeinfo`: calls that take a type or an expression. */
  protected readonly typeQuery: ParserMethod<[], Expression> = this.RULE('typeQuery', () => {
    const start = this.settle();
    return this.OR<Expression>([
      {
        ALT: () => {
          this.take(1, t.Sizeof);
          const operand = this.SUBRULE1(this.typeArgument);
          return this.ACTION(() => ({ kind: 'sizeof', operand, span: this.spanFrom(start) }));
        },
      },
      {
        ALT: () => {
          this.take(1, t.Typeinfo);
          const operand = this.SUBRULE2(this.typeArgument);
          return this.ACTION(() => ({ kind: 'typeinfo', operand, span: this.spanFrom(start) }));
        },
      },
      {
        ALT: () => {
          this.take(1, t.Offsetof);
          this.expect(1, t.LParen, '(');
          const operand = this.SUBRULE3(this.typeOperand);
          this.expect(2, t.Comma, ',');
          const fields: string[] = [];
          const field = (name: IToken | undefined) => fields.push(name?.image ?? '');
          field(this.SUBRULE1(this.fieldName, { ARGS: [''] }));
          this.settle();
          this.MANY(() => {
            this.take(1, t.Dot);
            field(this.SUBRULE2(this.fieldName, { ARGS: [''] }));
            this.settle();
          });
          this.expect(3, t.RParen, ')');
          return this.ACTION(() => ({ kind: 'offsetof', operand, fields, span: this.spanFrom(start) }));
        },
      },
    ]);
  });

  private readonly typeArgument: ParserMethod<[], Operand> = this.RULE('typeArgument', () => {
    this.expect(1, t.LParen, '(');
    const operand = this.SUBRULE(this.typeOperand);
    this.expect(2, t.RParen, ')');
    return operand;
  });

  private readonly typeOperand: ParserMethod<[], Operand> = this.RULE('typeOperand', () => {
    let result: Operand | undefined;
    this.settle();
    this.OPTION(() => {
      result = this.SUBRULE(this.typeofCall);
    });
    if (result !== undefined && !this.RECORDING_PHASE) return result;
    return this.SUBRULE(this.typeOrExpression, { ARGS: [';,=){}'] });
  });
}
