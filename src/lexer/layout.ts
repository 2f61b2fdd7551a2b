/** The offset behind blanks and comments; an unterminated block comment swallows the rest. */
export function skipLayout(text: string, offset: number): number {
  LAYOUT.lastIndex = offset;
  return LAYOUT.test(text) ? LAYOUT.lastIndex : offset;
}

const LAYOUT = /(?:[ \t\r\n\f\v]+|\/\/[^\n]*|\/\*[^]*?(?:\*\/|$))*/y;

/**
 * Where the word, number or character that a message about `offset` points at ends.
 * bpftrace reports mistakes by characters, not by tokens: `++` counts as one `+`.
 */
export function wordEnd(text: string, offset: number): number {
  WORD.lastIndex = offset;
  return WORD.test(text) ? WORD.lastIndex : offset;
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
