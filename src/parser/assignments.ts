import type { ParserMethod } from 'chevrotain';
import type {
  Assignment,
  AssignmentOperator,
  Expression,
  MapAccess,
  MapRef,
  Statement,
  TypeExpression,
  Typeof,
  UnaryOperator,
  Variable,
} from '../ast/nodes.ts';
import { tokenEnd } from '../lexer/lex.ts';
import * as t from '../lexer/tokens.ts';
import { ExpressionRules } from './expressions.ts';

/** What one step through a block yields; after a mistake it may be nothing. */
export type Item = { readonly statement: Statement } | { readonly result: Expression } | undefined;

const IMMUTABLE =
  'Tuples and records are immutable once created. Consider creating a new value and assigning it instead.';

/** The rules of statements that give something a value or only work a value out. */
export abstract class AssignmentRules extends ExpressionRules {
  protected readonly discard: ParserMethod<[], Statement> = this.RULE('discard', () => {
    const start = this.settle();
    const name = this.take(1, t.Identifier);
    this.take(1, t.Assign);
    const value = this.SUBRULE(this.expression);
    const statement = this.ACTION((): Statement => {
      const target = { kind: 'discard' as const, span: this.spanFrom(start, tokenEnd(name)) };
      return { kind: 'assignment', target, operator: '=', value, span: this.spanFrom(start) };
    });
    this.endStatement(1);
    return statement;
  });

  /** A ';', which the last statement of a block may leave out. */
  protected endStatement(index: number): void {
    this.settle();
    if (this.RECORDING_PHASE || !this.ahead(t.RBrace)) this.expect(index, t.Semicolon, ';');
  }

  /** `let $x`, with a type or a value or both. */
  protected readonly declaration: ParserMethod<[], Item> = this.RULE('declaration', () => {
    const start = this.settle();
    this.take(1, t.Let);
    let variable: Variable | undefined;
    this.settle();
    this.OPTION1(() => {
      variable = this.SUBRULE(this.variable);
    });
    if (variable === undefined && !this.RECORDING_PHASE) {
      if (!this.ahead(t.Dollar)) {
        this.report("expected variable after 'let'");
        return undefined;
      }
      this.report("expected identifier after '$'");
    }
    const declarationSpan = this.spanFrom(start);
    let type: TypeExpression | Typeof | undefined;
    let value: Expression | undefined;
    this.settle();
    this.OPTION2(() => {
      this.take(1, t.Colon);
      type = this.SUBRULE(this.declaredType);
    });
    this.settle();
    this.OPTION3(() => {
      this.take(1, t.Assign);
      value = this.SUBRULE(this.expression);
    });
    const span = value === undefined ? declarationSpan : this.spanFrom(start);
    this.endStatement(4);
    return this.ACTION((): Item => {
      if (variable === undefined) return undefined;
      const parts = { ...(type === undefined ? {} : { type }), ...(value === undefined ? {} : { value }) };
      return { statement: { kind: 'variable_declaration', declarationSpan, variable, ...parts, span } };
    });
  });

  /** What starts with `$` or `@`: an assignment, or an expression without `?:`. */
  protected readonly sigil: ParserMethod<[], Item> = this.RULE('sigil', () => {
    const start = this.settle();
    return this.OR<Item>({
      // Parameters (`$1`) are plain expressions, of which the grammar knows more.
      IGNORE_AMBIGUITIES: true,
      DEF: [
        {
          ALT: () => {
            const target = this.OR1([
              { ALT: () => this.SUBRULE(this.variable) },
              { ALT: () => this.SUBRULE(this.mapOrAccess) },
            ]);
            return this.SUBRULE(this.assignmentOrExpression, { ARGS: [target, start] });
          },
        },
        {
          ALT: () => {
            this.take(1, t.Dollar);
            this.ACTION(() => {
              this.cursor = start;
              this.report("expected identifier after '$'");
            });
            return undefined;
          },
        },
        {
          ALT: () => {
            const expression = this.SUBRULE(this.expression);
            return this.SUBRULE(this.sigilEnd, { ARGS: [expression, start] });
          },
        },
      ],
    });
  });

  private readonly assignmentOrExpression: ParserMethod<[Variable | MapRef | MapAccess, number], Item> = this.RULE(
    'assignmentOrExpression',
    (target: Variable | MapRef | MapAccess, start: number) => {
      this.settle();
      return this.OR<Item>({
        // What goes on behind a whole expression starts with the same operators; the plain cases come first.
        IGNORE_AMBIGUITIES: true,
        DEF: [
          {
            ALT: () => {
              this.take(1, t.Assign);
              const value = this.SUBRULE1(this.expression);
              const span = this.spanFrom(start);
              this.endStatement(1);
              return this.ACTION(() => ({ statement: { kind: 'assignment', target, operator: '=', value, span } }));
            },
          },
          {
            ALT: () => {
              const token = this.take(1, t.CompoundAssign);
              const value = this.SUBRULE2(this.expression);
              const span = this.spanFrom(start);
              const operationSpan = this.spanFrom(token.startOffset);
              this.endStatement(2);
              return this.ACTION(() => {
                const operator = token.image as AssignmentOperator;
                const statement: Assignment = { kind: 'assignment', target, operator, operationSpan, value, span };
                return { statement };
              });
            },
          },
          {
            ALT: () => {
              const token = this.OR1([
                { ALT: () => this.take(1, t.Increment) },
                { ALT: () => this.take(1, t.Decrement) },
              ]);
              const expression = this.ACTION((): Expression => ({
                kind: 'unary',
                operator: token.image as UnaryOperator,
                postfix: true,
                operand: target,
                span: this.spanFrom(start),
              }));
              return this.SUBRULE1(this.sigilEnd, { ARGS: [expression, start] });
            },
          },
          { ALT: () => this.SUBRULE(this.expressionFrom, { ARGS: [target, start] }) },
        ],
      });
    },
  );

  private readonly expressionFrom: ParserMethod<[Expression, number], Item> = this.RULE(
    'expressionFrom',
    (first: Expression, start: number) => {
      const left = this.SUBRULE(this.postfix, { ARGS: [first] });
      this.settle();
      return this.OR<Item>([
        {
          ALT: () => {
            this.take(1, t.Assign);
            this.SUBRULE(this.expression);
            this.ACTION(() => {
              const isImmutable = left.kind === 'tuple_access' || left.kind === 'field';
              this.reportAt(isImmutable ? IMMUTABLE : 'invalid assignment target', start, this.cursor);
            });
            return undefined;
          },
        },
        {
          ALT: () => {
            const expression = this.SUBRULE(this.operations, { ARGS: [left, 0] });
            return this.SUBRULE(this.sigilEnd, { ARGS: [expression, start] });
          },
        },
      ]);
    },
  );

  private readonly sigilEnd: ParserMethod<[Expression, number], Item> = this.RULE(
    'sigilEnd',
    (expression: Expression, start: number) => {
      const span = this.spanFrom(start);
      const statement = (): Item => ({ statement: { kind: 'expression_statement', expression, span } });
      this.settle();
      let ended = false;
      this.OPTION({
        GATE: () => !this.failed(),
        DEF: () => {
          this.take(1, t.Semicolon);
          ended = true;
        },
      });
      return this.ACTION((): Item => {
        if (ended || this.failed()) return statement();
        if (this.ahead(t.RBrace)) return { result: expression };
        this.report("expected ';'");
        return statement();
      });
    },
  );

  protected readonly expressionStatement: ParserMethod<[], Item> = this.RULE('expressionStatement', () => {
    const start = this.settle();
    const expression = this.SUBRULE(this.expression);
    this.settle();
    let ended = false;
    this.OPTION(() => {
      this.take(1, t.Semicolon);
      ended = true;
    });
    return this.ACTION((): Item => {
      if (!ended && this.ahead(t.RBrace)) return { result: expression };
      const mayStandAlone = ['if', 'ternary', 'block_expression'].includes(expression.kind);
      if (!ended && !mayStandAlone) this.report("expected ';'");
      return { statement: { kind: 'expression_statement', expression, span: this.spanFrom(start) } };
    });
  });
}
