import type { IToken, ParserMethod } from 'chevrotain';
import type { BinaryOperator, Expression, UnaryOperator } from '../ast/nodes.ts';
import { integerValue } from '../lexer/integer.ts';
import { tokenEnd } from '../lexer/lex.ts';
import * as t from '../lexer/tokens.ts';
import { OperandRules } from './operands.ts';

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

/** The rules of operators. */
export abstract class ExpressionRules extends OperandRules {
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
}

function isStorage(expression: Expression): boolean {
  return expression.kind === 'variable' || expression.kind === 'map' || expression.kind === 'map_access';
}
