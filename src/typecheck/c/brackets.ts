import type { CToken } from './tokens.ts';

/** clang's limit, too; it also bounds the recursion of our parsers. */
const MAX_BRACKET_DEPTH = 256;
export const BRACKETS_TOO_DEEP = `bracket nesting level exceeded maximum of ${MAX_BRACKET_DEPTH}`;

/** The first bracket that is nested too deeply. */
export function deepBracket(tokens: readonly CToken[]): CToken | undefined {
  let depth = 0;
  for (const token of tokens) {
    if ('([{'.includes(token.text)) depth++;
    else if (')]}'.includes(token.text)) depth = Math.max(0, depth - 1);
    if (depth > MAX_BRACKET_DEPTH) return token;
  }
  return undefined;
}
