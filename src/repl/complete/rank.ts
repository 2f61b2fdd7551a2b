import type { Completions } from '../protocol.ts';

/** Something to complete with; what it is, is worked out only for what is shown. */
export interface Candidate {
  readonly text: string;
  readonly detail: () => string;
}

/** Nobody reads more. */
const MOST_ITEMS = 200;
/** Items whose details are worked out. */
const DETAILED = 40;
/** What begins with the prefix, then what contains it; a word that is complete offers nothing. */
export function rank(all: readonly Candidate[], prefix: string, from: number): Completions {
  const lower = prefix.toLowerCase();
  const beginning = all.filter(({ text }) => text.toLowerCase().startsWith(lower));
  const containing =
    lower.length < 2
      ? []
      : all.filter(
          ({ text }) => text.toLowerCase().indexOf(lower, 1) > 0 && !beginning.some((one) => one.text === text),
        );
  const found = [...beginning, ...containing];
  const items = found
    .slice(0, MOST_ITEMS)
    .map(({ text, detail }, i) => ({ text, detail: i < DETAILED ? detail() : '' }));
  return { from, items, count: found.length };
}
