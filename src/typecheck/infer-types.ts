import type { Program } from '../ast/nodes.ts';
import type { PassContext } from './context.ts';
import { insertCasts } from './types/casts.ts';
import { Inference } from './types/infer.ts';

export interface InferredProgram {
  readonly program: Program;
  readonly inference: Inference;
}

/** Finds every type, makes conversions explicit, and finds the types of the result. */
export function inferTypes(program: Program, context: PassContext): InferredProgram {
  const first = new Inference(context, new Map());
  first.run(program);
  const cast = insertCasts(program, first, context);
  const inference = new Inference(context, new Map());
  inference.run(cast);
  return { program: cast, inference };
}
