import type { Comptime, Program } from '../ast/nodes.ts';
import { hasErrors } from '../source/diagnostic.ts';
import type { Diagnostic } from '../source/diagnostic.ts';
import type { PassContext } from './context.ts';
import { foldTree } from './fold.ts';
import { error } from './messages.ts';
import { checkAggregationParameters } from './types/aggregation-parameters.ts';
import { insertCasts } from './types/casts.ts';
import { checkTypes } from './types/check-types.ts';
import { Inference } from './types/infer.ts';
import type { LockedTypes } from './types/infer.ts';
import { checkTargetProcess } from './types/target-process.ts';
import { answerTypeQuestions } from './types/introspection.ts';

export interface InferredProgram {
  readonly program: Program;
  readonly inference: Inference;
}

/** Each round answers questions about types that the round before made answerable. */
const MOST_ROUNDS = 50;

/** Finds every type, makes conversions explicit, finds the types of the result, and checks them. */
export function inferTypes(
  program: Program,
  context: PassContext,
  diagnostics: readonly Diagnostic[],
): InferredProgram | undefined {
  const settled = settle(program, context, diagnostics);
  if (settled === undefined) return undefined;
  const cast = insertCasts(settled.program, settled.inference, context);
  const inference = new Inference(context, settled.inference.locked);
  inference.run(cast);
  checkTypes(cast, inference, context);
  if (hasErrors(diagnostics)) return undefined;
  checkAggregationParameters(cast, inference, context);
  checkTargetProcess(cast, context);
  return hasErrors(diagnostics) ? undefined : { program: cast, inference };
}

/** Runs inference until no compile-time question is left: sizeof, typeinfo, `if comptime`. */
function settle(
  program: Program,
  context: PassContext,
  diagnostics: readonly Diagnostic[],
): InferredProgram | undefined {
  let current = program;
  let locked: LockedTypes = new Map();
  let before: readonly Comptime[] = [];
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const inference = new Inference(context, locked);
    inference.run(current);
    if (hasErrors(diagnostics)) return undefined;
    const answered = answerTypeQuestions(current, inference, context);
    if (hasErrors(diagnostics)) return undefined;
    const unresolved = inference.unresolvedComptimes;
    if (answered === undefined && unresolved.length === 0) return { program: current, inference };
    if (answered === undefined && sameNodes(unresolved, before)) {
      for (const node of unresolved) {
        context.report(error('comptime', node.span, 'Unable to resolve comptime expression'));
      }
      return undefined;
    }
    before = unresolved;
    locked = inference.lockedTypes();
    current = foldTree(answered ?? current, context);
    if (hasErrors(diagnostics)) return undefined;
  }
  const text =
    `Type resolution exceeded maximum iterations (${MOST_ROUNDS}); ` + 'possible infinite loop in comptime expressions';
  context.report(error('comptime', program.span, text));
  return undefined;
}

function sameNodes(a: readonly Comptime[], b: readonly Comptime[]): boolean {
  return a.length === b.length && a.every((node, i) => node.span === b[i]!.span);
}
