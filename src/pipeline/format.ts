import { format } from '../ast/format.ts';
import { parse } from '../parser/parse.ts';
import type { Diagnostic } from '../source/diagnostic.ts';
import type { Source } from '../source/source.ts';

/** --fmt: the script in bpftrace's own layout; without text when it does not parse. */
export function formatSource(source: Source): { readonly text?: string; readonly diagnostics: readonly Diagnostic[] } {
  const { program, comments, diagnostics } = parse(source);
  return program === undefined ? { diagnostics } : { text: format(program, comments), diagnostics };
}
