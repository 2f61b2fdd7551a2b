import { commonDominator } from './dominators.ts';
import type { Flow } from './flow.ts';
import { type Block, successors } from './ir.ts';

const NO_LOOPS: ReadonlyMap<Block, number> = new Map();

/** How many natural loops each block is in; none where it is missing. */
export function loopDepths(flow: Flow): ReadonlyMap<Block, number> {
  if (!flow.hasLoops) return NO_LOOPS;
  const { dominators: doms, predecessors: preds } = flow;
  const depths = new Map<Block, number>(doms.order.map((block) => [block, 0]));
  const bodies = new Map<Block, Set<Block>>();
  for (const block of doms.order) {
    for (const head of successors(block)) {
      // A back edge: from a block that its head dominates.
      if (commonDominator(doms, block, head) !== head) continue;
      const body = bodies.get(head) ?? new Set([head]);
      bodies.set(head, body);
      const work = [block];
      for (let next = work.pop(); next !== undefined; next = work.pop()) {
        if (body.has(next)) continue;
        body.add(next);
        work.push(...preds.get(next)!.filter((pred) => depths.has(pred)));
      }
    }
  }
  for (const body of bodies.values()) for (const block of body) depths.set(block, depths.get(block)! + 1);
  return depths;
}
