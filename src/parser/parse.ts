import type { IToken } from 'chevrotain';
import type { Expression, Program } from '../ast/nodes.ts';
import { lex } from '../lexer/lex.ts';
import { bug } from '../source/bug.ts';
import { hasErrors } from '../source/diagnostic.ts';
import type { Diagnostic } from '../source/diagnostic.ts';
import type { Source, Span } from '../source/source.ts';
import { writeDecisions, type DecisionTable } from './decisions.ts';
import { Grammar } from './grammar.ts';

export interface Parsed<T> {
  /** Absent when there is an error. */
  readonly value?: T;
  readonly diagnostics: readonly Diagnostic[];
}

export interface ParsedProgram {
  /** Absent when there is an error. */
  readonly program?: Program;
  readonly diagnostics: readonly Diagnostic[];
  /** In order, with their slashes and stars. */
  readonly comments: readonly Span[];
}

/** Replaced by the build with the grammar's decisions, as JSON; absent when the sources run as they are. */
declare const TSBPFTRACE_DECISIONS: string | undefined;

const KNOWN_DECISIONS = typeof TSBPFTRACE_DECISIONS === 'string' ? TSBPFTRACE_DECISIONS : undefined;

let grammar: Grammar | undefined;

/** The parser itself; a test builds it with chevrotain's validations, which take too long for every start. */
export function createGrammar(skipValidations: boolean, known?: DecisionTable): Grammar {
  return new Grammar(skipValidations, known);
}

/** What the build puts in place of the grammar's recording. */
export function grammarDecisions(): DecisionTable {
  return writeDecisions(createGrammar(true));
}

/** Parses a whole script, or a file of the standard library. */
export function parse(source: Source): ParsedProgram {
  const { tokens, comments } = lex(source.text);
  const { value, diagnostics } = run(source, tokens, (rules) => rules.program());
  const spans = comments.map((comment) => ({ source, ...comment }));
  return { ...(value === undefined ? {} : { program: value }), diagnostics, comments: spans };
}

/** Parses one expression, e.g. the text of a C macro. */
export function parseExpression(source: Source): Parsed<Expression> {
  return run(source, lex(source.text, 'code').tokens, (rules) => rules.loneExpression());
}

function run<T>(source: Source, tokens: IToken[], rule: (rules: Grammar) => T): Parsed<T> {
  grammar ??= createGrammar(true, KNOWN_DECISIONS && JSON.parse(KNOWN_DECISIONS));
  grammar.start(source, tokens);
  const value = rule(grammar);
  const diagnostics = grammar.mistakes;
  // The rules report mistakes themselves; chevrotain finding one means that a rule took a way that its lookahead denies.
  const [refused] = grammar.errors;
  if (refused !== undefined && !hasErrors(diagnostics)) bug(`grammar: ${refused.name}: ${refused.message}`);
  return hasErrors(diagnostics) ? { diagnostics } : { value, diagnostics };
}
