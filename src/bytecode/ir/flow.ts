import { type Dominators, findDominators } from './dominators.ts';
import { type Block, type IrFunction, successors } from './ir.ts';

/**
 * How control flows through a function, each answer worked out when it is first asked for. Who changes a terminator or the
 * list of blocks calls `changed`.
 */
export class Flow {
  readonly fn: IrFunction;
  #order: readonly Block[] | undefined;
  #predecessors: ReadonlyMap<Block, readonly Block[]> | undefined;
  #dominators: Dominators | undefined;
  #hasLoops: boolean | undefined;

  constructor(fn: IrFunction) {
    this.fn = fn;
  }

  changed(): void {
    this.#order = undefined;
    this.#predecessors = undefined;
    this.#dominators = undefined;
    this.#hasLoops = undefined;
  }

  /** Reachable blocks, every block before its successors except along back edges. */
  get order(): readonly Block[] {
    return (this.#order ??= reversePostorder(this.fn));
  }
  get predecessors(): ReadonlyMap<Block, readonly Block[]> {
    return (this.#predecessors ??= predecessors(this.fn));
  }
  /** Without loops what follows the order is done after one round. */
  get hasLoops(): boolean {
    return (this.#hasLoops ??= leadsBack(this.order));
  }
  get dominators(): Dominators {
    return (this.#dominators ??= findDominators(this));
  }
}

/** Blocks from which each block is entered. */
function predecessors(fn: IrFunction): Map<Block, Block[]> {
  const result = new Map<Block, Block[]>();
  for (const block of fn.blocks) result.set(block, []);
  for (const block of fn.blocks) for (const next of successors(block)) result.get(next)?.push(block);
  return result;
}

function reversePostorder(fn: IrFunction): Block[] {
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

function leadsBack(order: readonly Block[]): boolean {
  const seen = new Set<Block>();
  for (const block of order) {
    seen.add(block);
    for (const next of successors(block)) if (seen.has(next)) return true;
  }
  return false;
}

/** Visiting the `otherwise` side first puts the `then` side right behind its branch. */
function wayOn({ terminator: end }: Block, index: number): Block | undefined {
  if (end?.op === 'jump') return index === 0 ? end.target : undefined;
  if (end?.op !== 'branch' || index > 1) return undefined;
  return index === 0 ? end.otherwise : end.then;
}
