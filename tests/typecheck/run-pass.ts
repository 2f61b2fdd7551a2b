import { printAst } from '../../src/ast/print.ts';
import type { Program } from '../../src/ast/nodes.ts';
import { NO_TYPES } from '../../src/btf/type-set.ts';
import { parse, parseExpression } from '../../src/parser/parse.ts';
import type { Diagnostic } from '../../src/source/diagnostic.ts';
import { createSource } from '../../src/source/source.ts';
import { defaultConfig } from '../../src/typecheck/config.ts';
import type { Pass, PassContext } from '../../src/typecheck/context.ts';
import { machineNames } from '../../src/typecheck/machine-names.ts';
import { target } from './check-text.ts';

export interface PassResult {
  readonly program: Program;
  readonly context: PassContext;
  readonly messages: readonly string[];
  /** The program after the passes, as `-d ast` would show it, one space between words. */
  readonly text: string;
}

/** Runs single passes over a script, in the order given. */
export function runPasses(text: string, passes: readonly Pass[], given: Partial<PassContext> = {}): PassResult {
  const parsed = parse(createSource('test.bt', text));
  if (parsed.program === undefined) throw new Error(parsed.diagnostics[0]?.message);
  const diagnostics: Diagnostic[] = [];
  const context: PassContext = {
    target,
    parse,
    parseExpression,
    positional: [],
    named: [],
    env: {},
    unsafe: false,
    report: (diagnostic) => void diagnostics.push(diagnostic),
    names: machineNames(target),
    config: defaultConfig(),
    definitions: { types: NO_TYPES, macros: new Map(), enumerators: new Map() },
    importedHeaders: new Map(),
    attachPoints: new Map(),
    sessions: new Map(),
    maps: { scalar: new Map(), badKeyed: new Set(), badScalar: new Set(), badIterator: new Set() },
    options: new Map(),
    spelled: new Map(),
    temporaries: 0,
    ...given,
  };
  const program = passes.reduce((current, pass) => pass.run(current, context), parsed.program);
  return {
    program,
    context,
    messages: diagnostics.map(({ severity, message }) => `${severity}: ${message}`),
    text: printAst(program).replace(/\s+/g, ' ').trim(),
  };
}
