import { template } from '../source/diagnostic.ts';
import type { Diagnostic } from '../source/diagnostic.ts';
import type { Span } from '../source/source.ts';

/** An error whose words are used in one place only. */
export function error(code: string, span: Span | undefined, message: string): Diagnostic {
  return template(code, 'error', () => message)(span);
}

/** A warning whose words are used in one place only. */
export function warning(code: string, span: Span | undefined, message: string): Diagnostic {
  return template(code, 'warning', () => message)(span);
}
