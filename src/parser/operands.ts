import type { IToken, ParserMethod } from 'chevrotain';
import type { Expression, If, BlockExpression, MapAccess, MapRef, Typeof } from '../ast/nodes.ts';
import * as t from '../lexer/tokens.ts';
import { ParenthesesRules } from './parentheses.ts';

const MAX_POSITIONAL = (1n << 63n) - 1n;

/** The rules of what stands between operators, and of what takes its place: calls, `if`. */
export abstract class OperandRules extends ParenthesesRules {
  /** `{ statements; result }`, reporting when there is no `{`; after a mistake nothing comes back. */
  protected abstract readonly block: ParserMethod<[], BlockExpression | undefined>;
  /** The same where `{` is next; the block's span is to begin at `start`. */
  protected abstract readonly braces: ParserMethod<[start: number], BlockExpression | undefined>;

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

  protected noExpression(): Expression {
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
