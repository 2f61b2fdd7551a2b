import type { ParserMethod } from 'chevrotain';
import type { AttachPoint, CStatement, Expression, Import, Probe, Program } from '../ast/nodes.ts';
import { scanCDefinition } from '../lexer/raw.ts';
import * as t from '../lexer/tokens.ts';
import type { Span } from '../source/source.ts';
import { splitAttachPoint } from './attach-point.ts';
import { readDecisions, type DecisionTable } from './decisions.ts';
import { DeclarationRules, type Root } from './declarations.ts';

/** The rules of the top level, and with them the whole grammar. */
export class Grammar extends DeclarationRules {
  /** Records the rules and works out their decisions, unless those are known. */
  constructor(skipValidations: boolean, known?: DecisionTable) {
    super(skipValidations);
    if (known === undefined) this.performSelfAnalysis();
    else readDecisions(this, known);
  }

  readonly program: ParserMethod<[], Program> = this.RULE('program', () => {
    const roots: Root[] = [];
    const cStatements: CStatement[] = [];
    let header: string | undefined;
    const ok = () => !this.failed();
    this.settle();
    this.OPTION(() => {
      header = this.take(1, t.Shebang).image;
    });
    this.MANY1({ GATE: ok, DEF: () => cStatements.push(this.SUBRULE1(this.cStatement)) });
    this.MANY2({
      GATE: ok,
      DEF: () =>
        this.OR1([
          { ALT: () => roots.push(this.SUBRULE1(this.config, { ARGS: [roots] })) },
          { ALT: () => roots.push(this.SUBRULE1(this.rootImport)) },
        ]),
    });
    this.MANY3({
      GATE: () => ok() && !this.atEnd(),
      DEF: () => {
        const start = this.settle();
        this.OR2([
          { ALT: () => cStatements.push(this.SUBRULE(this.lateCStatement)) },
          {
            ALT: () => this.misplaced(this.take(1, t.ConfigKeyword), 'config must appear before probes and functions'),
          },
          {
            ALT: () =>
              this.misplaced(this.take(1, t.ImportKeyword), 'root imports must appear before probes and functions'),
          },
          { ALT: () => roots.push(this.SUBRULE(this.macro)) },
          { ALT: () => roots.push(this.SUBRULE(this.subprogram)) },
          { ALT: () => roots.push(this.SUBRULE(this.mapDeclaration)) },
          { ALT: () => roots.push(this.SUBRULE(this.probe)) },
        ]);
        if (this.cursor === start) this.report('unexpected input');
        this.settle();
      },
    });
    if (!this.RECORDING_PHASE && ok() && !this.atEnd()) {
      this.report('expected attach point');
      this.report('unexpected input');
    }
    return this.ACTION((): Program => {
      const of = <K extends NonNullable<Root>['kind']>(kind: K) =>
        roots.filter((root): root is Extract<Root, { kind: K }> => root?.kind === kind);
      const config = of('config')[0];
      return {
        kind: 'program',
        ...(header === undefined ? {} : { header }),
        cStatements,
        imports: of('import'),
        ...(config === undefined ? {} : { config }),
        mapDeclarations: of('map_declaration'),
        macros: of('macro'),
        subprograms: of('subprogram'),
        probes: of('probe'),
        span: this.spanFrom(0, this.source.text.length),
      };
    });
  });

  /** An expression and nothing else. */
  readonly loneExpression: ParserMethod<[], Expression> = this.RULE('loneExpression', () => {
    const expression = this.SUBRULE(this.expression);
    this.settle();
    if (!this.RECORDING_PHASE && !this.atEnd()) this.report('unexpected input');
    return expression;
  });

  private readonly cStatement: ParserMethod<[], CStatement> = this.RULE('cStatement', () => {
    const start = this.settle();
    return this.OR<CStatement>([
      {
        ALT: () => {
          const line = this.take(1, t.Preprocessor);
          return this.ACTION(() => {
            const span = this.spanFrom(start);
            if (this.source.text[this.cursor] === '\n') this.cursor++;
            return { kind: 'c_statement', text: line.image.trimEnd(), span };
          });
        },
      },
      {
        ALT: () => {
          this.take(1, t.CDefinitionText);
          return this.ACTION(() => {
            const definition = scanCDefinition(this.source.text, start)!;
            const { mistake } = definition;
            if (mistake !== undefined) this.reportLiteral({ message: mistake.message, start: mistake.offset });
            return { kind: 'c_statement', text: definition.text, span: this.spanFrom(start) };
          });
        },
      },
    ]);
  });

  private readonly lateCStatement: ParserMethod<[], CStatement> = this.RULE('lateCStatement', () => {
    const start = this.settle();
    const statement = this.SUBRULE(this.cStatement);
    this.ACTION(() => this.reportAt('C definitions must appear before probes and functions', start, this.cursor));
    return statement;
  });

  private readonly rootImport: ParserMethod<[], Import | undefined> = this.RULE('rootImport', () => {
    const start = this.settle();
    this.take(1, t.ImportKeyword);
    return this.SUBRULE(this.importPath, { ARGS: [start] });
  });

  private readonly probe: ParserMethod<[], Probe | undefined> = this.RULE('probe', () => {
    const start = this.settle();
    const attachPoints = [this.SUBRULE1(this.attachPoint)];
    let listed = true;
    this.MANY({
      GATE: () => listed,
      DEF: () => {
        this.settle();
        this.take(1, t.Comma);
        this.settle();
        let more = false;
        this.OPTION1(() => {
          attachPoints.push(this.SUBRULE2(this.attachPoint));
          more = true;
        });
        if (more || this.ahead(t.PredicateOpen) || this.ahead(t.LBrace)) return;
        this.report('expected attach point');
        listed = false;
      },
    });
    const span = this.ACTION(() => this.spanFrom(start, attachPoints.at(-1)!.span.end));
    let predicate: Expression | undefined;
    let predicateSpan: Span | undefined;
    this.settle();
    this.OPTION2(() => {
      const open = this.take(1, t.PredicateOpen);
      predicate = this.SUBRULE(this.expression);
      if (!this.match(3, t.PredicateClose)) this.report("expected '/' to close predicate");
      predicateSpan = this.ACTION(() => this.spanFrom(open.startOffset));
    });
    const body = this.SUBRULE(this.plainBlock);
    return this.ACTION((): Probe | undefined => {
      return {
        kind: 'probe',
        attachPoints,
        ...(predicate === undefined ? {} : { predicate }),
        ...(predicateSpan === undefined ? {} : { predicateSpan }),
        body,
        span,
      };
    });
  });

  private readonly attachPoint: ParserMethod<[], AttachPoint> = this.RULE('attachPoint', () => {
    const token = this.take(1, t.AttachPointText);
    return this.ACTION((): AttachPoint => ({
      kind: 'attach_point',
      ...splitAttachPoint(token.image),
      span: this.spanFrom(token.startOffset),
    }));
  });
}
