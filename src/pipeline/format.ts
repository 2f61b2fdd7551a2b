import { format } from '../ast/format.ts';
import { parse } from '../parser/parse.ts';
import { bug } from '../source/bug.ts';
import { createSource } from '../source/source.ts';
import type { Diagnostic } from '../source/diagnostic.ts';
import type { Source } from '../source/source.ts';

/** A comment moves by one place a pass at most; one in the middle of long chains of fields has moved to their end by then. */
const MOST_PASSES = 16;

/** --fmt: the script in bpftrace's own layout; without text when it does not parse. Formatting the result changes nothing. */
export function formatSource(source: Source): { readonly text?: string; readonly diagnostics: readonly Diagnostic[] } {
  const { program, comments, diagnostics } = parse(source);
  if (program === undefined) return { diagnostics };
  let text = format(program, comments);
  // Most scripts stay as they are now. A comment in an odd place (`$a./* why */b`) is put where it belongs to another node.
  for (let pass = 1; pass < MOST_PASSES; pass++) {
    const next = layOutAgain(source.name, text);
    if (next === text) break;
    text = next;
  }
  return { text, diagnostics };
}

function layOutAgain(name: string, text: string): string {
  const { program, comments } = parse(createSource(name, text));
  return program === undefined ? bug(`the formatted script does not parse:\n${text}`) : format(program, comments);
}
