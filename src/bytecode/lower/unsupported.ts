import { template } from '../../source/diagnostic.ts';
import type { Span } from '../../source/source.ts';
import type { Lowerer } from './lowerer.ts';
import type { Operand } from './operand.ts';

const notGenerated = template(
  'not-generated',
  'error',
  (what: string) => `Code generation does not support ${what} yet`,
);

/** Reports a construct that has no code yet; the program is not loaded then, so that any value will do. */
export function unsupported(l: Lowerer, span: Span, what: string): Operand {
  l.unit.diagnostics.push(notGenerated(span, what));
  return { kind: 'producer', write: () => undefined };
}
