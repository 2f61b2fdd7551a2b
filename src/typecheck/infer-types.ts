import type { Program } from '../ast/nodes.ts';
import { hasErrors } from '../source/diagnostic.ts';
import type { Diagnostic } from '../source/diagnostic.ts';
import type { PassContext } from './context.ts';
import { insertCasts } from './types/casts.ts';
import { checkTypes } from './types/check-types.ts';
import { Inference } from './types/infer.ts';

export interface InferredProgram {
  readonly program: Program;
  readonly inference: Inference;
}

/** Finds every type, makes conversions explicit, finds the types of the result, and checks them. */
export function inferTypes(
  program: Program,
  context: PassContext,
  diagnostics: readonly Diagnostic[],
): InferredProgram | undefined {
  const first = new Inference(context, new Map());
  first.run(program);
  if (hasErrors(diagnostics)) return undefined;
  const cast = insertCasts(program, first, context);
  const inference = new Inference(context, new Map());
  inference.run(cast);
  checkTypes(cast, inference, context);
  return hasErrors(diagnostics) ? undefined : { program: cast, inference };
}
