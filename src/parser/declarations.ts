import type { IToken, ParserMethod } from 'chevrotain';
import type {
  Config,
  ConfigAssignment,
  Import,
  Macro,
  MacroParameter,
  MapDeclaration,
  Probe,
  Subprogram,
} from '../ast/nodes.ts';
import { integerValue } from '../lexer/integer.ts';
import { tokenEnd } from '../lexer/lex.ts';
import * as t from '../lexer/tokens.ts';
import { isReserved } from './reserved.ts';
import { StatementRules } from './statements.ts';

/** What the top level of a script consists of; after a mistake it may be nothing. */
export type Root = Import | Config | MapDeclaration | Macro | Subprogram | Probe | undefined;

/** The rules of what the top level declares beside probes. */
export abstract class DeclarationRules extends StatementRules {
  protected misplaced(word: IToken, message: string): void {
    this.reportAt(message, word.startOffset, tokenEnd(word));
  }

  protected readonly config: ParserMethod<[Root[]], Config | undefined> = this.RULE('config', (before: Root[]) => {
    const start = this.settle();
    const word = this.take(1, t.ConfigKeyword);
    const isSecond = this.ACTION(() => before.some((root) => root?.kind === 'config'));
    if (isSecond) {
      this.misplaced(word, 'duplicate config block');
      return undefined;
    }
    if (!this.expect(1, t.Assign, '=') || !this.expect(2, t.LBrace, '{')) return undefined;
    const assignments: ConfigAssignment[] = [];
    let broken = false;
    this.settle();
    this.MANY({
      GATE: () => !broken && !this.ahead(t.RBrace) && !this.atEnd(),
      DEF: () => {
        const assignment = this.SUBRULE(this.configAssignment);
        this.ACTION(() => {
          if (assignment === undefined) broken = true;
          else if (assignment !== 'without value') assignments.push(assignment);
        });
        this.settle();
        this.OPTION3({ GATE: () => !broken, DEF: () => this.take(1, t.Semicolon) });
        this.ACTION(() => {
          if (broken || this.ahead(t.RBrace) || this.source.text[this.cursor - 1] === ';') return;
          this.report("expected ';'");
          // bpftrace goes on at the closing brace.
          while (!this.atEnd() && !this.ahead(t.RBrace)) this.SKIP_TOKEN();
          broken = true;
        });
        this.settle();
      },
    });
    if (!this.RECORDING_PHASE && !broken && !this.ahead(t.RBrace) && !this.atEnd()) this.report('expected config key');
    this.expect(4, t.RBrace, '}');
    return this.ACTION((): Config | undefined => ({ kind: 'config', assignments, span: this.spanFrom(start) }));
  });

  private readonly configAssignment: ParserMethod<[], ConfigAssignment | 'without value' | undefined> = this.RULE(
    'configAssignment',
    () => {
      const start = this.settle();
      const key = this.take(1, t.Identifier);
      if (!this.expect(2, t.Assign, '=')) return undefined;
      this.settle();
      let value: ConfigAssignment['value'] | undefined;
      let isMissing = false;
      this.OR([
        { ALT: () => (value = this.stringValue(this.take(1, t.StringText))) },
        {
          ALT: () => {
            const text = this.SUBRULE(this.integerText);
            this.ACTION(() => {
              const number = integerValue(text);
              if (typeof number === 'bigint') value = number;
              else this.report('invalid integer in config');
            });
          },
        },
        {
          ALT: () => {
            const word = this.take(2, t.Identifier).image;
            value = word === 'true' ? true : word === 'false' ? false : word;
          },
        },
        {
          ALT: () => {
            isMissing = true;
            this.report('expected string, int, boolean, or ident');
          },
        },
      ]);
      return this.ACTION((): ConfigAssignment | 'without value' | undefined =>
        value === undefined
          ? isMissing
            ? 'without value'
            : undefined
          : { kind: 'config_assignment', name: key.image, value, span: this.spanFrom(start) },
      );
    },
  );

  protected readonly macro: ParserMethod<[], Macro | undefined> = this.RULE('macro', () => {
    const start = this.settle();
    this.take(1, t.MacroKeyword);
    const name = this.identifier(1, 'expected macro name');
    if (name === undefined && !this.RECORDING_PHASE) return undefined;
    const span = this.spanFrom(start);
    if (!this.expect(2, t.LParen, '(')) return undefined;
    const parameters: (MacroParameter | undefined)[] = [];
    this.settle();
    if (this.chosen(!this.ahead(t.RParen))) {
      parameters.push(this.SUBRULE1(this.macroParameter));
      this.MANY(() => {
        this.settle();
        this.take(1, t.Comma);
        parameters.push(this.SUBRULE2(this.macroParameter));
      });
    }
    if (!this.expect(3, t.RParen, ')')) return undefined;
    const body = this.SUBRULE(this.block);
    return this.ACTION((): Macro | undefined => {
      if (body === undefined) return undefined;
      const known = parameters.filter((parameter) => parameter !== undefined);
      const nameSpan = this.spanFrom(name!.startOffset, tokenEnd(name!));
      return { kind: 'macro', name: name!.image, nameSpan, parameters: known, body, span };
    });
  });

  private readonly macroParameter: ParserMethod<[], MacroParameter | undefined> = this.RULE('macroParameter', () => {
    const start = this.settle();
    const parameter = (mode: MacroParameter['mode'], name: string): MacroParameter => ({
      kind: 'macro_parameter',
      mode,
      name,
      span: this.spanFrom(start),
    });
    return this.OR<MacroParameter | undefined>([
      {
        ALT: () => {
          const variable = this.SUBRULE(this.variable);
          return this.ACTION(() => parameter('variable', variable.name));
        },
      },
      {
        ALT: () => {
          const map = this.SUBRULE(this.map);
          return this.ACTION(() => parameter('map', map.name));
        },
      },
      {
        ALT: () => {
          const word = this.take(1, t.Identifier);
          return this.ACTION(() => {
            const name = word.image;
            if (!isReserved(name)) return parameter('expression', name);
            this.reportAt(`builtin '${name}' can't be used as a macro argument`, start, this.cursor);
            return undefined;
          });
        },
      },
      {
        ALT: () => {
          const isDollar = this.ahead(t.Dollar);
          this.report(
            isDollar ? "expected identifier after '$'" : 'expected macro argument ($var, @map, or identifier)',
          );
          return undefined;
        },
      },
    ]);
  });

  protected readonly subprogram: ParserMethod<[], Subprogram | undefined> = this.RULE('subprogram', () => {
    const start = this.settle();
    this.take(1, t.FnKeyword);
    const name = this.identifier(1, 'expected function name');
    if (name === undefined && !this.RECORDING_PHASE) return undefined;
    const span = this.spanFrom(start);
    if (!this.expect(2, t.LParen, '(')) return undefined;
    const parameters: (Subprogram['parameters'][number] | undefined)[] = [];
    this.settle();
    if (this.chosen(!this.ahead(t.RParen))) {
      parameters.push(this.SUBRULE1(this.parameter));
      this.MANY({
        GATE: () => parameters.at(-1) !== undefined,
        DEF: () => {
          this.settle();
          this.take(1, t.Comma);
          parameters.push(this.SUBRULE2(this.parameter));
        },
      });
    }
    if (!this.expect(3, t.RParen, ')')) return undefined;
    if (!this.expect(4, t.Colon, ':')) return undefined;
    const returns = this.SUBRULE(this.declaredType);
    if (returns === undefined && !this.RECORDING_PHASE) return undefined;
    const body = this.SUBRULE(this.plainBlock);
    return this.ACTION((): Subprogram | undefined => {
      const known = parameters.filter((parameter) => parameter !== undefined);
      return { kind: 'subprogram', name: name!.image, parameters: known, returns: returns!, body, span };
    });
  });

  private readonly parameter: ParserMethod<[], Subprogram['parameters'][number] | undefined> = this.RULE(
    'parameter',
    () => {
      const start = this.settle();
      let found = false;
      let variable = this.ACTION(() => ({ kind: 'variable' as const, name: '', span: this.spanFrom(start) }));
      this.OPTION(() => {
        variable = this.SUBRULE(this.variable);
        found = true;
      });
      if (!found && !this.RECORDING_PHASE) {
        const isDollar = this.ahead(t.Dollar);
        this.report(isDollar ? "expected identifier after '$'" : 'expected variable in function argument');
        if (!isDollar) return undefined;
      }
      if (!this.expect(1, t.Colon, ':')) return undefined;
      const type = this.SUBRULE(this.declaredType);
      return this.ACTION((): Subprogram['parameters'][number] | undefined =>
        type === undefined ? undefined : { variable, type, span: this.spanFrom(start) },
      );
    },
  );

  protected readonly mapDeclaration: ParserMethod<[], MapDeclaration | undefined> = this.RULE('mapDeclaration', () => {
    const start = this.settle();
    this.take(1, t.LetKeyword);
    const isMap = this.ahead(t.MapName) || this.RECORDING_PHASE;
    if (!isMap) {
      const end = start + 'let'.length;
      this.reportAt('root-level let statements need to be map declarations, e.g. let @a = hash(2);', start, end);
      return undefined;
    }
    this.settle();
    const map = this.SUBRULE(this.map);
    if (!this.expect(1, t.Assign, '=')) return undefined;
    const type = this.identifier(2, 'expected map type name');
    if (type === undefined && !this.RECORDING_PHASE) return undefined;
    if (!this.expect(3, t.LParen, '(')) return undefined;
    const text = this.integerOrNothing(4);
    const maxEntries = this.ACTION(() => integerValue(text));
    if (typeof maxEntries !== 'bigint' && !this.RECORDING_PHASE) {
      this.report('expected positive integer for map declaration max entries');
      return undefined;
    }
    if (!this.expect(5, t.RParen, ')')) return undefined;
    this.match(6, t.Semicolon);
    return this.ACTION((): MapDeclaration | undefined => {
      const span = this.spanFrom(start);
      return { kind: 'map_declaration', map, type: type!.image, maxEntries: maxEntries as bigint, span };
    });
  });
}
