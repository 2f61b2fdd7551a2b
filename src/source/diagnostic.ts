import type { Span } from './source.ts';

export type Severity = 'error' | 'warning';

/** A message to the user, as a value; only render.ts makes text of it. */
export interface Diagnostic {
  /** Stable kebab-case name of the mistake, e.g. `undefined-map`. */
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  /** The message is the whole text, printed as it is: output of clang that bpftrace passes on. */
  readonly verbatim?: true;
  /** Absent where no place in the script is to blame. */
  readonly span?: Span;
  readonly hints: readonly string[];
  readonly related: readonly { readonly message: string; readonly span: Span }[];
}

/**
 * Declares one kind of message beside the pass that reports it:
 * `const undefinedMap = template('undefined-map', 'error', (name: string) => `Undefined map: ${name}`);`
 */
export function template<Args extends readonly unknown[]>(
  code: string,
  severity: Severity,
  message: (...args: Args) => string,
): (span: Span | undefined, ...args: Args) => Diagnostic {
  return (span, ...args) => ({
    code,
    severity,
    message: message(...args),
    ...(span === undefined ? {} : { span }),
    hints: [],
    related: [],
  });
}

export function withHint(diagnostic: Diagnostic, ...hints: readonly string[]): Diagnostic {
  return { ...diagnostic, hints: [...diagnostic.hints, ...hints] };
}

export function withRelated(diagnostic: Diagnostic, message: string, span: Span): Diagnostic {
  return { ...diagnostic, related: [...diagnostic.related, { message, span }] };
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === 'error');
}
