import type { ParserMethod } from 'chevrotain';
import type {
  Assignment,
  AssignmentOperator,
  Block,
  BlockExpression,
  Expression,
  For,
  Import,
  Jump,
  MapAccess,
  MapRef,
  Range,
  Statement,
  TypeExpression,
  Typeof,
  UnaryOperator,
  Variable,
} from '../ast/nodes.ts';
import { tokenEnd } from '../lexer/lex.ts';
import * as t from '../lexer/tokens.ts';
import { ExpressionRules } from './expressions.ts';
import { withoutResult } from './without-result.ts';

/** What one step through a block yields; after a mistake it may be nothing. */
type Item = { readonly statement: Statement } | { readonly result: Expression } | undefined;

const IMMUTABLE =
  'Tuples and records are immutable once created. Consider creating a new value and assigning it instead.';

/** The rules of blocks and statements. */
export abstract class StatementRules extends ExpressionRules {
  protected readonly block: ParserMethod<[], BlockExpression | undefined> = this.RULE('block', () => {
    // Before settling: bpftrace's block starts where it began to look for the brace.
    const start = this.cursor;
    let found = false;
    let block: BlockExpression | undefined;
    this.settle();
    this.OPTION(() => {
      found = true;
      block = this.SUBRULE(this.braces, { ARGS: [start] });
    });
    if (!found) this.report("expected '{'");
    return block;
  });

  /** A block without a value: of a probe, a loop or a function. */
  protected readonly plainBlock: ParserMethod<[], Block> = this.RULE('plainBlock', () => {
    const block = this.SUBRULE(this.block);
    return this.ACTION((): Block =>
      block === undefined ? { kind: 'block', statements: [], span: this.spanFrom(this.cursor) } : withoutResult(block),
    );
  });

  protected readonly braces: ParserMethod<[number], BlockExpression | undefined> = this.RULE(
    'braces',
    (start: number) => {
      this.take(1, t.LBrace);
      const statements: Statement[] = [];
      let result: Expression | undefined;
      this.settle();
      this.MANY({
        GATE: () => !this.failed() && !this.ahead(t.RBrace) && !this.atEnd(),
        DEF: () => {
          const item = this.nested(
            () => this.SUBRULE(this.statement),
            () => undefined,
          );
          this.ACTION(() => {
            if (item === undefined) return;
            if ('statement' in item) statements.push(item.statement);
            else result = item.result;
          });
          this.settle();
        },
      });
      if (!this.RECORDING_PHASE) {
        if (!this.failed() && !this.ahead(t.RBrace) && !this.atEnd()) this.unexpectedInBlock();
        if (this.failed()) return undefined;
      }
      if (!this.expect(2, t.RBrace, '}')) return undefined;
      return this.ACTION((): BlockExpression | undefined => {
        const span = this.spanFrom(start);
        return { kind: 'block_expression', statements, ...(result === undefined ? {} : { result }), span };
      });
    },
  );

  /** What no statement starts with; bpftrace stumbles over it more than once. */
  private unexpectedInBlock(): void {
    this.report('expected expression');
    if (this.ahead(t.Semicolon)) return;
    this.report("expected ';'");
    this.report('unexpected input in block');
  }

  private readonly statement: ParserMethod<[], Item> = this.RULE('statement', () => {
    const start = this.settle();
    const as = (statement: Statement): Item => this.ACTION(() => ({ statement }));
    const counted = (item: Item): Item => {
      if (this.cursor === start) this.report('unexpected input in block');
      return item;
    };
    return this.OR<Item>({
      // A word that starts a statement does not start an expression.
      IGNORE_AMBIGUITIES: true,
      DEF: [
        { ALT: () => this.SUBRULE(this.blockImport) },
        { ALT: () => as(this.SUBRULE(this.loop)) },
        { ALT: () => this.SUBRULE(this.forLoop) },
        { ALT: () => as(this.SUBRULE(this.jump)) },
        {
          GATE: () => this.LA(1).image === '_' && this.ahead(t.Assign, 2),
          ALT: () => as(this.SUBRULE(this.discard)),
        },
        { ALT: () => counted(this.SUBRULE(this.declaration)) },
        { GATE: () => /^[$@]/.test(this.LA(1).image), ALT: () => counted(this.SUBRULE(this.sigil)) },
        { ALT: () => counted(this.SUBRULE(this.expressionStatement)) },
      ],
    });
  });

  private readonly blockImport: ParserMethod<[], Item> = this.RULE('blockImport', () => {
    const start = this.settle();
    this.take(1, t.Import);
    const statement = this.SUBRULE(this.importPath, { ARGS: [start] });
    return this.ACTION((): Item => (statement === undefined ? undefined : { statement }));
  });

  /** What follows `import`. */
  protected readonly importPath: ParserMethod<[number], Import | undefined> = this.RULE(
    'importPath',
    (start: number) => {
      let name: string | undefined;
      this.settle();
      this.OPTION(() => {
        name = this.stringValue(this.take(1, t.StringText));
      });
      const span = this.spanFrom(start);
      if (name === undefined && !this.RECORDING_PHASE) {
        this.report("expected string after 'import'");
        return undefined;
      }
      if (!this.match(2, t.Semicolon)) {
        this.report("expected ';' after import");
        return undefined;
      }
      return this.ACTION((): Import | undefined => ({ kind: 'import', name: name!, span }));
    },
  );

  private readonly loop: ParserMethod<[], Statement> = this.RULE('loop', () => {
    const start = this.settle();
    const isWhile = this.ahead(t.While);
    this.OR([{ ALT: () => this.take(1, t.While) }, { ALT: () => this.take(1, t.Unroll) }]);
    const condition = this.SUBRULE(this.condition);
    const body = this.SUBRULE(this.plainBlock);
    return this.ACTION((): Statement => {
      const span = this.spanFrom(start);
      return isWhile ? { kind: 'while', condition, body, span } : { kind: 'unroll', count: condition, body, span };
    });
  });

  private readonly forLoop: ParserMethod<[], Item> = this.RULE('forLoop', () => {
    const start = this.settle();
    this.take(1, t.For);
    let hasParenthesis = false;
    this.settle();
    this.OPTION1(() => {
      this.take(1, t.LParen);
      hasParenthesis = true;
    });
    this.settle();
    let variable: Variable | undefined;
    this.OPTION2(() => {
      variable = this.SUBRULE(this.variable);
    });
    if (variable === undefined && !this.RECORDING_PHASE) {
      // bpftrace's complaint about a lone '$' comes first, and it keeps looking.
      if (!this.ahead(t.Dollar)) {
        this.report('expected variable in for loop');
        return undefined;
      }
      this.report("expected identifier after '$'");
    }
    if (!this.expect(3, t.Colon, ':')) return undefined;
    this.settle();
    const first = this.SUBRULE1(this.primary);
    this.settle();
    let iterable: MapRef | Range | undefined = this.ACTION(() => (first.kind === 'map' ? first : undefined));
    let isRange = false;
    this.OPTION4(() => {
      this.take(1, t.DotDot);
      isRange = true;
      const end = this.SUBRULE2(this.primary);
      iterable = this.ACTION(() => ({ kind: 'range', start: first, end, span: this.spanFrom(start) }));
    });
    this.OPTION5({
      GATE: () => hasParenthesis,
      DEF: () => {
        this.settle();
        this.take(1, t.RParen);
        hasParenthesis = false;
      },
    });
    if (hasParenthesis && !this.RECORDING_PHASE) {
      this.report("expected ')'");
      return undefined;
    }
    if (iterable === undefined && !isRange && !this.RECORDING_PHASE) {
      this.report('expected map or range in for loop');
      return undefined;
    }
    const body = this.SUBRULE(this.plainBlock);
    return this.ACTION((): Item => {
      if (variable === undefined || iterable === undefined) return undefined;
      const statement: For = { kind: 'for', variable, iterable, body, span: this.spanFrom(start) };
      return { statement };
    });
  });

  private readonly jump: ParserMethod<[], Jump> = this.RULE('jump', () => {
    const start = this.settle();
    let value: Expression | undefined;
    let jump: Jump['jump'] = 'return';
    this.OR([
      {
        ALT: () => {
          this.take(1, t.Break);
          jump = 'break';
        },
      },
      {
        ALT: () => {
          this.take(1, t.Continue);
          jump = 'continue';
        },
      },
      {
        ALT: () => {
          this.take(1, t.Return);
          this.settle();
          if (this.chosen(!this.ahead(t.Semicolon) && !this.ahead(t.RBrace))) value = this.SUBRULE(this.expression);
        },
      },
    ]);
    this.endStatement(2);
    return this.ACTION((): Jump => {
      return { kind: 'jump', jump, ...(value === undefined ? {} : { value }), span: this.spanFrom(start) };
    });
  });

  private readonly discard: ParserMethod<[], Statement> = this.RULE('discard', () => {
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
  private readonly declaration: ParserMethod<[], Item> = this.RULE('declaration', () => {
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
  private readonly sigil: ParserMethod<[], Item> = this.RULE('sigil', () => {
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

  private readonly expressionStatement: ParserMethod<[], Item> = this.RULE('expressionStatement', () => {
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
