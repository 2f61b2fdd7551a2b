import type { ParserMethod } from 'chevrotain';
import type {
  Block,
  BlockExpression,
  Expression,
  For,
  Import,
  Jump,
  MapRef,
  Range,
  Statement,
  Variable,
} from '../ast/nodes.ts';
import * as t from '../lexer/tokens.ts';
import { AssignmentRules, type Item } from './assignments.ts';
import { withoutResult } from './without-result.ts';

/** The rules of blocks and of the statements that steer. */
export abstract class StatementRules extends AssignmentRules {
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
}
