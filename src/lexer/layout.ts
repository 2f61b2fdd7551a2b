import { matchEnd } from './match.ts';

const BLANKS = /[ \t\r\n\f\v]+/y;
// An unterminated block comment swallows the rest.
const COMMENT = /\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)/y;

/** A comment with its slashes and stars, by offsets. */
export interface Comment {
  readonly start: number;
  readonly end: number;
}

/** The offset behind blanks and comments; `found` is told of each comment. */
export function skipLayout(text: string, offset: number, found?: (comment: Comment) => void): number {
  for (let start = offset; ;) {
    start = matchEnd(BLANKS, text, start);
    if (text[start] !== '/') return start;
    const end = matchEnd(COMMENT, text, start);
    if (end === start) return start;
    found?.({ start, end });
    start = end;
  }
}

/**
 * Where the word, number or character that a message about `offset` points at ends.
 * bpftrace reports mistakes by characters, not by tokens: `++` counts as one `+`.
 */
export function wordEnd(text: string, offset: number): number {
  return matchEnd(WORD, text, offset);
}

const WORD = /[A-Za-z_]\w*|\d[A-Za-z0-9.]*|[@$]\w*|[^]/y;

/** The offset behind the bracket that closes the one at `offset`, if any does. */
export function skipBalanced(text: string, offset: number, open: string, close: string): number | undefined {
  let depth = 0;
  for (let i = offset; i < text.length; i++) {
    if (text[i] === open) depth++;
    else if (text[i] === close && --depth === 0) return i + 1;
  }
  return undefined;
}
