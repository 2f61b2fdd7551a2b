import { type Block, type IrFunction, predecessors } from './ir.ts';

/** Reachable blocks, every block before its successors except along back edges. */
export function reversePostorder(fn: IrFunction): Block[] {
  const seen = new Set<Block>([fn.entry]);
  const order: Block[] = [];
  // An explicit stack: unrolled scripts have thousands of blocks in a row. Beside it, how many ways on were gone.
  const stack: Block[] = [fn.entry];
  const gone: number[] = [0];
  while (stack.length > 0) {
    const top = stack.length - 1;
    const block = stack[top]!;
    const next = wayOn(block, gone[top]!++);
    if (next === undefined) {
      order.push(block);
      stack.pop();
      gone.pop();
    } else if (!seen.has(next)) {
      seen.add(next);
      stack.push(next);
      gone.push(0);
    }
  }
  return order.reverse();
}

/** Visiting the `otherwise` side first puts the `then` side right behind its branch. */
function wayOn({ terminator: end }: Block, index: number): Block | undefined {
  if (end?.op === 'jump') return index === 0 ? end.target : undefined;
  if (end?.op !== 'branch' || index > 1) return undefined;
  return index === 0 ? end.otherwise : end.then;
}

export interface Dominators {
  readonly order: readonly Block[];
  readonly position: ReadonlyMap<Block, number>;
  readonly idom: ReadonlyMap<Block, Block>;
  readonly children: ReadonlyMap<Block, readonly Block[]>;
}

/** Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm". */
export function dominators(fn: IrFunction): Dominators {
  const order = reversePostorder(fn);
  const position = new Map(order.map((block, index) => [block, index]));
  const preds = predecessors(fn);
  const idom = new Map<Block, Block>([[fn.entry, fn.entry]]);
  const meet = (a: Block, b: Block): Block => {
    while (a !== b) {
      while (position.get(a)! > position.get(b)!) a = idom.get(a)!;
      while (position.get(b)! > position.get(a)!) b = idom.get(b)!;
    }
    return a;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (const block of order) {
      if (block === fn.entry) continue;
      const known = preds.get(block)!.filter((pred) => idom.has(pred));
      const best = known.reduce(meet);
      if (idom.get(block) !== best) {
        idom.set(block, best);
        changed = true;
      }
    }
  }
  const children = new Map<Block, Block[]>(order.map((block) => [block, []]));
  for (const block of order) if (block !== fn.entry) children.get(idom.get(block)!)!.push(block);
  return { order, position, idom, children };
}

/** The closest block that dominates both. */
export function commonDominator(doms: Dominators, a: Block, b: Block): Block {
  while (a !== b) {
    while (doms.position.get(a)! > doms.position.get(b)!) a = doms.idom.get(a)!;
    while (doms.position.get(b)! > doms.position.get(a)!) b = doms.idom.get(b)!;
  }
  return a;
}
