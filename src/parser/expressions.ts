import type { IToken, ParserMethod } from 'chevrotain';
import type {
  BinaryOperator,
  Expression,
  Identifier,
  If,
  BlockExpression,
  MapAccess,
  MapRef,
  RecordLiteral,
  Typeof,
  TypeExpression,
  UnaryOperator,
  Variable,
} from '../ast/nodes.ts';
import { integerValue, scanInteger } from '../lexer/integer.ts';
import { decodeString } from '../lexer/string.ts';
import { tokenEnd } from '../lexer/lex.ts';
import * as t from '../lexer/tokens.ts';
import { GrammarCursor } from './cursor.ts';
import { isReserved, isTypeWord } from './reserved.ts';

/** Loosest first; operators of one row are equally strong and group from the left. */
const PRECEDENCE: readonly (readonly BinaryOperator[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '>', '<=', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];
const STRENGTHS: ReadonlyMap<string, number> = new Map(
  PRECEDENCE.flatMap((row, strength) => row.map((operator) => [operator, strength])),
);

const MAX_POSITIONAL = (1n << 63n) - 1n;
const LONGEST_TYPE = 64;

type Operand = Expression | TypeExpression;
type RecordField = RecordLiteral['fields'][number];

/** The rules of expressions and types. */
export abstract class ExpressionRules extends GrammarCursor {
  /** `{ statements; result }`, reporting when there is no `{`; after a mistake nothing comes back. */
  protected abstract readonly block: ParserMethod<[], BlockExpression | undefined>;
  /** The same where `{` is next; the block's span is to begin at `start`. */
  protected abstract readonly braces: ParserMethod<[start: number], BlockExpression | undefined>;

  readonly expression = this.RULE('expression', (): Expression => this.SUBRULE(this.ternary));

  private readonly ternary: ParserMethod<[], Expression> = this.RULE('ternary', () => {
    const condition = this.SUBRULE(this.binary, { ARGS: [0] });
    let result = condition;
    this.OPTION(() => {
      this.take(1, t.Question);
      let isShort = false;
      let then: Expression | undefined;
      this.OPTION2(() => {
        this.take(1, t.Colon);
        isShort = true;
      });
      if (this.chosen(!isShort)) {
        then = this.SUBRULE1(this.ternary);
        this.expect(3, t.Colon, ':');
      }
      const otherwise = this.SUBRULE2(this.ternary);
      result = this.ACTION(() => {
        const span = this.spanFrom(condition.span.start);
        return { kind: 'ternary', condition, ...(then === undefined ? {} : { then }), otherwise, span };
      });
    });
    return result;
  });

  private readonly binary: ParserMethod<[number], Expression> = this.RULE('binary', (strength: number) => {
    const left = this.SUBRULE(this.unary);
    return this.SUBRULE(this.operations, { ARGS: [left, strength] });
  });

  /** The operators behind `left` that bind at least as strongly as `strength`. */
  protected readonly operations: ParserMethod<[Expression, number], Expression> = this.RULE(
    'operations',
    (left: Expression, strength: number) => {
      let result = left;
      this.MANY({
        GATE: () => (STRENGTHS.get(this.LA(1).image) ?? -1) >= strength,
        DEF: () => {
          const token = this.take(1, t.BinaryOperatorToken);
          const next = this.ACTION(() => STRENGTHS.get(token.image)! + 1);
          const right = this.SUBRULE(this.binary, { ARGS: [next] });
          this.ACTION(() => {
            const operator = token.image as BinaryOperator;
            const operatorSpan = this.spanFrom(token.startOffset, tokenEnd(token));
            const span = this.spanFrom(result.span.start);
            result = { kind: 'binary', operator, left: result, right, operatorSpan, span };
          });
        },
      });
      return result;
    },
  );

  protected readonly unary: ParserMethod<[], Expression> = this.RULE('unary', () =>
    this.nested(
      () => this.SUBRULE(this.prefixed),
      () => this.missing(),
    ),
  );

  private readonly prefixed: ParserMethod<[], Expression> = this.RULE('prefixed', () => {
    const start = this.settle();
    if (!this.chosen(this.ahead(t.ExpressionStart))) {
      return this.SUBRULE1(this.postfix, { ARGS: [this.noExpression()] });
    }
    return this.OR<Expression>([
      { ALT: () => this.step(this.take(1, t.Increment), this.SUBRULE1(this.unary), start) },
      { ALT: () => this.step(this.take(1, t.Decrement), this.SUBRULE2(this.unary), start) },
      {
        ALT: () => {
          this.take(1, t.Ampersand);
          const operand = this.SUBRULE(this.addressable);
          return this.ACTION(() => ({ kind: 'address_of', operand, span: this.spanFrom(start) }));
        },
      },
      { ALT: () => this.prefix(this.take(1, t.Star), this.SUBRULE3(this.unary), start) },
      { ALT: () => this.prefix(this.take(1, t.Not), this.SUBRULE4(this.unary), start) },
      { ALT: () => this.prefix(this.take(1, t.Tilde), this.SUBRULE5(this.unary), start) },
      { ALT: () => this.prefix(this.take(1, t.Minus), this.SUBRULE6(this.unary), start) },
      {
        ALT: () => {
          const operand = this.SUBRULE(this.primary);
          return this.SUBRULE2(this.postfix, { ARGS: [operand] });
        },
      },
    ]);
  });

  private prefix(operator: IToken, operand: Expression, start: number): Expression {
    return this.ACTION((): Expression => ({
      kind: 'unary',
      operator: operator.image as UnaryOperator,
      postfix: false,
      operand,
      span: this.spanFrom(start),
    }));
  }

  private step(operator: IToken, operand: Expression, start: number): Expression {
    this.ACTION(() => {
      if (isStorage(operand)) return;
      this.reportAt('increment/decrement requires a variable or map', operand.span.start, operand.span.end);
    });
    return this.prefix(operator, operand, start);
  }

  private readonly addressable: ParserMethod<[], Expression> = this.RULE('addressable', () => {
    this.settle();
    let operand: Expression | undefined;
    this.OPTION1(() => {
      operand = this.SUBRULE(this.variable);
    });
    this.OPTION2({
      GATE: () => operand === undefined,
      DEF: () => {
        operand = this.SUBRULE(this.map);
      },
    });
    if (operand !== undefined && !this.RECORDING_PHASE) return operand;
    this.report('address-of operator (&) can only be used on a map or variable');
    return this.SUBRULE(this.unary);
  });

  protected readonly postfix: ParserMethod<[Expression], Expression> = this.RULE('postfix', (operand: Expression) => {
    let result = operand;
    let broken = false;
    const step = (token: IToken): void => {
      this.ACTION(() => {
        if (!isStorage(result)) {
          const end = tokenEnd(token);
          this.reportAt('increment/decrement requires a variable or map', token.startOffset, end);
          broken = true;
          return;
        }
        const span = this.spanFrom(result.span.start);
        result = { kind: 'unary', operator: token.image as UnaryOperator, postfix: true, operand: result, span };
      });
    };
    const field = (name: IToken | undefined, arrow: boolean): void => {
      this.ACTION(() => {
        if (name === undefined) {
          broken = true;
          return;
        }
        const fieldSpan = this.spanFrom(name.startOffset);
        const span = this.spanFrom(result.span.start);
        result = { kind: 'field', base: result, field: name.image, fieldSpan, arrow, span };
      });
    };
    this.MANY({
      GATE: () => !broken,
      DEF: () =>
        this.OR([
          {
            ALT: () => {
              this.take(1, t.Dot);
              this.OR1([
                {
                  ALT: () => {
                    const index = this.SUBRULE(this.integerText);
                    this.ACTION(() => {
                      const value = integerValue(index);
                      const span = this.spanFrom(result.span.start);
                      const position = typeof value === 'bigint' ? Number(value) : 0;
                      result = { kind: 'tuple_access', base: result, index: position, span };
                    });
                  },
                },
                { ALT: () => field(this.SUBRULE1(this.fieldName, { ARGS: ["expected field name after '.'"] }), false) },
              ]);
            },
          },
          {
            ALT: () => {
              this.take(1, t.Arrow);
              field(this.SUBRULE2(this.fieldName, { ARGS: ["expected field name after '->'"] }), true);
            },
          },
          {
            ALT: () => {
              this.take(1, t.LBracket);
              const index = this.SUBRULE(this.expression);
              this.expect(1, t.RBracket, ']');
              this.ACTION(() => {
                result = { kind: 'index', base: result, index, span: this.spanFrom(result.span.start) };
              });
            },
          },
          { ALT: () => step(this.take(1, t.Increment)) },
          { ALT: () => step(this.take(1, t.Decrement)) },
        ]),
    });
    return result;
  });

  private readonly fieldName: ParserMethod<[string], IToken | undefined> = this.RULE('fieldName', (missing: string) =>
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

  protected readonly primary: ParserMethod<[], Expression> = this.RULE('primary', () => {
    const start = this.settle();
    if (!this.chosen(this.ahead(t.OperandStart))) return this.noExpression();
    return this.OR<Expression>({
      // Keywords are words too; the alternatives in front take the ones that start something.
      IGNORE_AMBIGUITIES: true,
      DEF: [
        { ALT: () => this.SUBRULE(this.parenthesized) },
        { ALT: () => this.SUBRULE(this.conditional) },
        { ALT: () => this.SUBRULE(this.typeQuery) },
        {
          ALT: () => {
            this.take(1, t.Comptime);
            const operand = this.SUBRULE(this.unary);
            return this.ACTION(() => ({ kind: 'comptime', operand, span: this.spanFrom(start) }));
          },
        },
        { ALT: () => this.SUBRULE(this.braces, { ARGS: [start] }) ?? this.missing() },
        { ALT: () => this.SUBRULE(this.word) },
        { ALT: () => this.SUBRULE(this.mapOrAccess) },
        { ALT: () => this.SUBRULE(this.variable) },
        {
          ALT: () => {
            this.take(1, t.ParameterCount);
            return this.ACTION(() => ({ kind: 'positional_count', span: this.spanFrom(start) }));
          },
        },
        { ALT: () => this.positional(this.take(1, t.Positional)) },
        { ALT: () => this.SUBRULE(this.integer) },
        { ALT: () => this.SUBRULE(this.string) },
      ],
    });
  });

  private noExpression(): Expression {
    this.report(this.ahead(t.Dollar) ? "expected identifier after '$'" : 'expected expression');
    return this.missing();
  }

  private positional(token: IToken): Expression {
    return this.ACTION((): Expression => {
      const span = this.spanFrom(token.startOffset);
      const index = BigInt(token.image.slice(1));
      if (index < 1n || index > MAX_POSITIONAL) {
        const message = `param ${token.image} is out of integer range [1, ${MAX_POSITIONAL}]`;
        this.reportAt(message, span.start, span.end);
      }
      return { kind: 'positional', index: Number(index), span };
    });
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

  protected readonly mapOrAccess = this.RULE('mapOrAccess', (): MapRef | MapAccess => {
    const map = this.SUBRULE(this.map);
    let result: MapRef | MapAccess = map;
    this.settle();
    this.OPTION(() => {
      const keys: Expression[] = [];
      this.take(1, t.LBracket);
      keys.push(this.SUBRULE1(this.expression));
      this.MANY(() => {
        this.settle();
        this.take(1, t.Comma);
        keys.push(this.SUBRULE2(this.expression));
      });
      this.expect(1, t.RBracket, ']');
      this.ACTION(() => {
        const span = this.spanFrom(map.span.start);
        const key: Expression = keys.length > 1 ? { kind: 'tuple', elements: keys, span } : keys[0]!;
        result = { kind: 'map_access', map, key, span };
      });
    });
    return result;
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

  /** A call, a boolean or a bare word. */
  private readonly word: ParserMethod<[], Expression> = this.RULE('word', () => {
    const name = this.take(1, t.Identifier);
    const nameSpan = this.ACTION(() => this.spanFrom(name.startOffset));
    const isBoolean = name.image === 'true' || name.image === 'false';
    let result = this.ACTION((): Expression =>
      isBoolean
        ? { kind: 'boolean', value: name.image === 'true', span: nameSpan }
        : { kind: 'identifier', name: name.image, span: nameSpan },
    );
    if (!isBoolean) this.settle();
    this.OPTION({
      GATE: () => !isBoolean,
      DEF: () => {
        const args = this.SUBRULE(this.callArguments);
        result = this.ACTION(() => {
          const span = this.spanFrom(name.startOffset);
          return { kind: 'call', name: name.image, nameSpan, args, span };
        });
      },
    });
    return result;
  });

  private readonly callArguments: ParserMethod<[], Expression[]> = this.RULE('callArguments', () => {
    const args: Expression[] = [];
    this.take(1, t.LParen);
    this.settle();
    if (this.chosen(!this.ahead(t.RParen))) {
      args.push(this.SUBRULE1(this.callArgument));
      this.MANY(() => {
        this.settle();
        this.take(1, t.Comma);
        args.push(this.SUBRULE2(this.callArgument));
      });
    }
    this.expect(1, t.RParen, ')');
    return args;
  });

  private readonly callArgument: ParserMethod<[], Expression> = this.RULE('callArgument', () => {
    let type: Typeof | undefined;
    this.settle();
    this.OPTION(() => {
      type = this.SUBRULE(this.typeofCall);
    });
    if (type !== undefined && !this.RECORDING_PHASE) return type;
    return this.SUBRULE(this.expression);
  });

  /** `if` with its blocks; the condition needs parentheses unless it is a single operand. */
  protected readonly conditional: ParserMethod<[], If> = this.RULE('conditional', () => {
    const start = this.settle();
    this.take(1, t.If);
    const condition = this.SUBRULE(this.condition);
    const then = this.SUBRULE1(this.block);
    let otherwise: BlockExpression | If | undefined;
    this.OPTION(() => {
      this.take(1, t.Else);
      this.settle();
      this.OR([
        { ALT: () => (otherwise = this.SUBRULE(this.braces, { ARGS: [this.cursor] })) },
        { ALT: () => (otherwise = this.SUBRULE(this.conditional)) },
        { ALT: () => this.report("expected '{' or 'if' after 'else'") },
      ]);
    });
    return this.ACTION((): If => {
      const span = this.spanFrom(start);
      const block = then ?? { kind: 'block_expression', statements: [], span };
      return { kind: 'if', condition, then: block, ...(otherwise === undefined ? {} : { otherwise }), span };
    });
  });

  protected readonly condition: ParserMethod<[], Expression> = this.RULE('condition', () => {
    let inner: Expression | undefined;
    this.settle();
    this.OPTION(() => {
      this.take(1, t.LParen);
      inner = this.SUBRULE(this.expression);
      this.expect(2, t.RParen, ')');
    });
    if (inner !== undefined && !this.RECORDING_PHASE) return inner;
    return this.SUBRULE(this.unary);
  });

  // Types

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
  private readonly typeQuery: ParserMethod<[], Expression> = this.RULE('typeQuery', () => {
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

  // Parentheses

  private readonly parenthesized: ParserMethod<[], Expression> = this.RULE('parenthesized', () => {
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

function isStorage(expression: Expression): boolean {
  return expression.kind === 'variable' || expression.kind === 'map' || expression.kind === 'map_access';
}

function isAggregate(word: string): boolean {
  return word === 'struct' || word === 'union' || word === 'enum';
}
