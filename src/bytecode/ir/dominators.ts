import type { Flow } from './flow.ts';
import type { Block } from './ir.ts';

export interface Dominators {
  /** Reachable blocks, every block before its successors except along back edges. */
  readonly order: readonly Block[];
  readonly position: ReadonlyMap<Block, number>;
  /** By position, that of the immediate dominator. */
  readonly above: Int32Array;
  readonly children: ReadonlyMap<Block, readonly Block[]>;
}

const UNKNOWN = -1;

/** Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm". */
export function findDominators({ order, predecessors, hasLoops }: Flow): Dominators {
  const position = new Map<Block, number>();
  for (const [index, block] of order.entries()) position.set(block, index);
  const above = new Int32Array(order.length).fill(UNKNOWN);
  above[0] = 0;
  for (let changed = true; changed;) {
    changed = false;
    for (let at = 1; at < order.length; at++) {
      let best = UNKNOWN;
      for (const pred of predecessors.get(order[at]!)!) {
        const from = position.get(pred);
        if (from === undefined) continue;
        if (above[from] !== UNKNOWN) best = best === UNKNOWN ? from : meet(above, best, from);
      }
      if (above[at] === best) continue;
      above[at] = best;
      changed = hasLoops;
    }
  }
  const children = new Map<Block, Block[]>();
  for (const [at, block] of order.entries()) {
    children.set(block, []);
    if (at > 0) children.get(order[above[at]!]!)!.push(block);
  }
  return { order, position, above, children };
}

function meet(above: Int32Array, a: number, b: number): number {
  while (a !== b) {
    if (a > b) a = above[a]!;
    else b = above[b]!;
  }
  return a;
}

/** The closest block that dominates both. */
export function commonDominator({ order, position, above }: Dominators, a: Block, b: Block): Block {
  return order[meet(above, position.get(a)!, position.get(b)!)]!;
}
