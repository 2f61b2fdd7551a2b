import type { IToken, ParserMethod } from 'chevrotain';
import type {
  BinaryOperator,
  Expression,
  If,
  BlockExpression,
  MapAccess,
  MapRef,
  Typeof,
  UnaryOperator,
} from '../ast/nodes.ts';
import { integerValue } from '../lexer/integer.ts';
import { tokenEnd } from '../lexer/lex.ts';
import * as t from '../lexer/tokens.ts';
import { ParenthesesRules } from './parentheses.ts';

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

/** The rules of expressions. */
export abstract class ExpressionRules extends ParenthesesRules {
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
}

function isStorage(expression: Expression): boolean {
  return expression.kind === 'variable' || expression.kind === 'map' || expression.kind === 'map_access';
}
