import { dominators, reversePostorder } from './dominators.ts';
import { type Block, type IrFunction, predecessors, successors } from './ir.ts';

const NO_LOOPS: ReadonlyMap<Block, number> = new Map();

/** Most programs have no loop: then nobody need know what dominates what. */
function leadsBack(fn: IrFunction): boolean {
  const seen = new Set<Block>();
  for (const block of reversePostorder(fn)) {
    seen.add(block);
    if (successors(block).some((next) => seen.has(next))) return true;
  }
  return false;
}

/** How many natural loops each block is in; none where it is missing. */
export function loopDepths(fn: IrFunction): ReadonlyMap<Block, number> {
  if (!leadsBack(fn)) return NO_LOOPS;
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
