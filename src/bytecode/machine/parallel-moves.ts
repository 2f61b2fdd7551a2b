import type { Reg } from './insn.ts';

export interface Move {
  readonly dst: Reg;
  readonly src: Reg;
}

/** Moves that are meant to happen all at once, one after the other: none overwrites what a later one reads. `fresh` gives a register for a cycle. */
export function inOrder(parallel: readonly Move[], fresh: () => Reg): readonly Move[] {
  let moves = [...parallel];
  const ordered: Move[] = [];
  while (moves.length > 0) {
    const ready = moves.findIndex((move) => !moves.some((other) => other !== move && other.src === move.dst));
    if (ready >= 0) {
      ordered.push(...moves.splice(ready, 1));
      continue;
    }
    const saved = fresh();
    const { dst } = moves[0]!;
    ordered.push({ dst: saved, src: dst });
    moves = moves.map((move) => (move.src === dst ? { dst: move.dst, src: saved } : move));
  }
  return ordered;
}
