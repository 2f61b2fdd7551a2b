/** Picks one of `below` numbers. */
export type Random = (below: number) => number;

/** Marsaglia's xorshift, so that a seed names a failure. */
export function randomSource(seed: number): Random {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
