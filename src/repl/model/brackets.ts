import { classify, type ClassifiedToken } from '../../pipeline/highlight.ts';

const CLOSERS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** Brackets of a text by their offsets. */
export interface Brackets {
  readonly partners: ReadonlyMap<number, number>;
  /** Those that close nothing. */
  readonly stray: ReadonlySet<number>;
  /** How many are still open at the end. */
  readonly open: number;
}

export function matchBrackets(tokens: readonly ClassifiedToken[]): Brackets {
  const partners = new Map<number, number>();
  const stray = new Set<number>();
  const stack: ClassifiedToken[] = [];
  for (const token of tokens) {
    if (token.class !== 'bracket') continue;
    if (CLOSERS[token.text] !== undefined) stack.push(token);
    else if (token.text !== '/') {
      const opener = stack.at(-1);
      if (opener === undefined || CLOSERS[opener.text] !== token.text) stray.add(token.start);
      else {
        stack.pop();
        partners.set(opener.start, token.start);
        partners.set(token.start, opener.start);
      }
    }
  }
  return { partners, stray, open: stack.length };
}

/** The brackets to be marked: the one at the cursor, or before it, and its partner. */
export function bracketsAt({ partners }: Brackets, cursor: number): readonly number[] {
  const at = [cursor, cursor - 1].find((offset) => partners.has(offset));
  return at === undefined ? [] : [at, partners.get(at)!];
}

/** Whether a text is something to run: a command, or a script whose last probe is finished. */
export function isWhole(text: string): boolean {
  if (/^\s*:/.test(text)) return true;
  const tokens = classify(text).filter((token) => token.class !== 'comment');
  const { open, stray } = matchBrackets(tokens);
  const isScript = tokens.some((token) => token.class === 'probe');
  return isScript && tokens.at(-1)?.text === '}' && open === 0 && stray.size === 0;
}
