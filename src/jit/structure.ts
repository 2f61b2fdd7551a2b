import type { Block, FlowGraph } from './control-flow.ts';
import { dominates } from './control-flow.ts';

/** A function's control flow without gotos; blocks by index. */
export type Shape =
  /** The statements of a block without its final jump. */
  | { readonly kind: 'body'; readonly block: Block }
  /** The way from one block to another. */
  | { readonly kind: 'edge'; readonly from: Block; readonly to: Block }
  /** `then` where the jump at the end of `block` is taken (`negated`: is not taken). */
  | { readonly kind: 'if'; readonly block: Block; readonly negated: boolean; readonly then: readonly Shape[] }
  /** Runs its body again when that ends. */
  | { readonly kind: 'loop'; readonly header: number; readonly body: readonly Shape[] }
  /** A jump to `target` leaves it; what follows is that block. */
  | { readonly kind: 'merge'; readonly target: number; readonly body: readonly Shape[] }
  | { readonly kind: 'jump'; readonly target: number; readonly backward: boolean };

/** Beyond this depth nested blocks would strain the parser of the JavaScript engine, and our own recursion. */
const MAX_DEPTH = 400;

/** Blocks that more than one forward edge leads to, so that they cannot be written where a branch to them stands. */
function findMerges({ blocks }: FlowGraph): boolean[] {
  return blocks.map(({ index, predecessors }) => predecessors.filter((from) => from < index).length > 1);
}

/** How many blocks each block dominates, itself among them. */
function dominatedBlocks({ blocks, dominators }: FlowGraph): number[] {
  const sizes = blocks.map(() => 1);
  for (let index = blocks.length - 1; index > 0; index--) sizes[dominators[index]!]! += sizes[index]!;
  return sizes;
}

/**
 * The structure of a function's blocks, or undefined where it has none or is nested too deeply. Norman Ramsey, "Beyond Relooper" (ICFP 2022): a
 * block is written inside its immediate dominator; merges become labelled blocks that a jump leaves, back edges repeat their
 * header's loop.
 */
export function structureOf(graph: FlowGraph): readonly Shape[] | undefined {
  const { blocks, dominators } = graph;
  const isMerge = findMerges(graph);
  const mergeChildren: number[][] = blocks.map(() => []);
  for (const { index } of blocks) if (isMerge[index]) mergeChildren[dominators[index]!]!.push(index);
  if (!graph.reducible) return undefined;
  const sizes = dominatedBlocks(graph);
  let isTooDeep = false;
  const isHeader = blocks.map(({ index, predecessors }) =>
    predecessors.some((from) => from >= index && dominates(dominators, index, from)),
  );

  /**
   * `next`: the block that runs when control falls off the end of what is being written. What comes last in a tree is
   * written by this loop, not by recursion: programs may have thousands of blocks in a row.
   */
  function addTree(index: number, next: number | undefined, to: Shape[], depth: number): void {
    let at: number | undefined = index;
    while (at !== undefined) {
      const block: Block = blocks[at]!;
      if (isHeader[at]) {
        const body: Shape[] = [];
        const rest = addWithin(block, mergeChildren[at]!, at, body, depth + 1);
        if (rest !== undefined) addTree(rest, at, body, depth + 1);
        to.push({ kind: 'loop', header: at, body });
        return;
      }
      at = addWithin(block, mergeChildren[at]!, next, to, depth);
    }
  }

  /** Adds a block with its merges, later ones in reverse postorder outermost; returns the tree that comes after it. */
  function addWithin(
    block: Block,
    merges: readonly number[],
    next: number | undefined,
    to: Shape[],
    depth: number,
  ): number | undefined {
    if (depth > MAX_DEPTH) {
      isTooDeep = true;
      return undefined;
    }
    const last = merges.at(-1);
    if (last === undefined) return addBlock(block, next, to, depth);
    const body: Shape[] = [];
    const rest = addWithin(block, merges.slice(0, -1), last, body, depth + 1);
    if (rest !== undefined) addTree(rest, last, body, depth + 1);
    to.push({ kind: 'merge', target: last, body });
    return last;
  }

  function addBlock(block: Block, next: number | undefined, to: Shape[], depth: number): number | undefined {
    to.push({ kind: 'body', block });
    const [taken, other] = block.successors;
    if (taken === undefined) return undefined;
    if (other === undefined) return addBranch(block, taken, next, to);
    // A branch that is a mere jump goes first, or the smaller one: what follows then needs no nesting.
    const takenFirst = isJump(block, taken) || (!isJump(block, other) && sizes[taken]! <= sizes[other]!);
    const [first, second] = takenFirst ? [taken, other] : [other, taken];
    const then: Shape[] = [];
    const rest = addBranch(block, first, undefined, then);
    if (rest !== undefined) addTree(rest, undefined, then, depth + 1);
    to.push({ kind: 'if', block, negated: !takenFirst, then });
    return addBranch(block, second, next, to);
  }

  function isJump(from: Block, to: number): boolean {
    return to <= from.index || isMerge[to]!;
  }

  /** Jumps to a block; returns it when it is to be written right here. */
  function addBranch(from: Block, target: number, next: number | undefined, to: Shape[]): number | undefined {
    to.push({ kind: 'edge', from, to: blocks[target]! });
    if (!isJump(from, target)) return target;
    if (target !== next) to.push({ kind: 'jump', target, backward: target <= from.index });
    return undefined;
  }

  const shapes: Shape[] = [];
  addTree(0, undefined, shapes, 0);
  return isTooDeep ? undefined : shapes;
}
