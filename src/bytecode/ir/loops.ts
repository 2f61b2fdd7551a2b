import { dominators } from './dominators.ts';
import { type Block, type IrFunction, predecessors, successors } from './ir.ts';

/** How many natural loops each block is in. */
export function loopDepths(fn: IrFunction): Map<Block, number> {
  const doms = dominators(fn);
  const preds = predecessors(fn);
  const depths = new Map<Block, number>(doms.order.map((block) => [block, 0]));
  const bodies = new Map<Block, Set<Block>>();
  for (const block of doms.order) {
    for (const head of successors(block)) {
      // A back edge: from a block that its head dominates.
      let above = block;
      while (doms.position.get(above)! > doms.position.get(head)!) above = doms.idom.get(above)!;
      if (above !== head) continue;
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
