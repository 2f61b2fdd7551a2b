/** The offset behind what a sticky pattern matches at `offset`: `offset` itself where it matches nothing. */
export function matchEnd(pattern: RegExp, text: string, offset: number): number {
  pattern.lastIndex = offset;
  return pattern.test(text) ? pattern.lastIndex : offset;
}
