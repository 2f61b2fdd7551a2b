import type { Program } from '../ast/nodes.ts';
import { NO_TYPES } from '../btf/type-set.ts';
import type { TypedProgram } from '../lang/typed-program.ts';
import { hasErrors } from '../source/diagnostic.ts';
import type { Diagnostic } from '../source/diagnostic.ts';
import { assemble } from './assemble.ts';
import { defaultConfig } from './config.ts';
import type { CheckInput, NamedOption, PassContext } from './context.ts';
import { inferTypes } from './infer-types.ts';
import { machineNames } from './machine-names.ts';
import { PASSES } from './passes.ts';

export interface CheckResult {
  /** Absent when there are errors. */
  readonly typed?: TypedProgram;
  /** Errors first, then warnings, each in the order in which they were found. */
  readonly diagnostics: readonly Diagnostic[];
  /** Options that the script asks for, by name, as far as they were found: for `-- --help`. */
  readonly options: ReadonlyMap<string, NamedOption>;
}

/** Gives a parsed program its meaning on a machine: types, maps, attach targets; or says what is wrong with it. */
export function check(program: Program, input: CheckInput): CheckResult {
  const diagnostics: Diagnostic[] = [];
  const context: PassContext = {
    positional: [],
    named: [],
    env: {},
    unsafe: false,
    ...defined(input),
    report: (diagnostic) => void diagnostics.push(diagnostic),
    names: machineNames(input.target),
    config: defaultConfig(),
    definitions: { types: NO_TYPES, macros: new Map(), enumerators: new Map() },
    importedHeaders: new Map(),
    attachPoints: new Map(),
    sessions: new Map(),
    maps: { scalar: new Map(), badKeyed: new Set(), badScalar: new Set(), badIterator: new Set() },
    options: new Map(),
    spelled: new Map(),
    temporaries: 0,
  };
  let current = program;
  for (const pass of PASSES) {
    current = pass.run(current, context);
    if (hasErrors(diagnostics)) return { diagnostics: sorted(diagnostics), options: context.options };
  }
  const inferred = inferTypes(current, context, diagnostics);
  if (inferred === undefined) return { diagnostics: sorted(diagnostics), options: context.options };
  const typed = assemble(inferred.program, inferred.inference, context, diagnostics);
  return { typed, diagnostics: sorted(diagnostics), options: context.options };
}

function sorted(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return [...diagnostics].sort((a, b) => (a.severity === b.severity ? 0 : a.severity === 'error' ? -1 : 1));
}

/** Without the properties that are present but undefined: they would hide the defaults. */
function defined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
