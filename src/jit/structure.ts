import type { Block, FlowGraph } from './control-flow.ts';
import { dominates } from './control-flow.ts';
import type { Writer } from './writer.ts';

/** What the shape of the code leaves to the caller. */
export interface BlockEmitter {
  /** The statements of a block without its final jump. */
  readonly body: (block: Block) => void;
  /** Condition under which the first of two successors is taken; `negated` asks for the opposite. */
  readonly condition: (block: Block, negated: boolean) => string;
  /** Statements on the way from one block to another. */
  readonly edge: (from: Block, to: Block) => void;
}

/** Labelled blocks beyond this depth would strain the parser of the JavaScript engine. */
const MAX_MERGE_CHILDREN = 400;

/** Writes a function's blocks as structured JavaScript where that is possible, as a loop over a switch otherwise. */
export function emitFlow(graph: FlowGraph, writer: Writer, emitter: BlockEmitter): void {
  if (graph.reducible && isShallow(graph)) emitStructured(graph, writer, emitter);
  else emitSwitch(graph, writer, emitter);
}

function isShallow(graph: FlowGraph): boolean {
  const children = new Map<number, number>();
  for (const { index } of graph.blocks) {
    if (!isMerge(graph, index)) continue;
    const dominator = graph.dominators[index]!;
    children.set(dominator, (children.get(dominator) ?? 0) + 1);
  }
  return Math.max(0, ...children.values()) <= MAX_MERGE_CHILDREN;
}

/** More than one forward edge leads here, so that the block cannot be written where a branch to it stands. */
function isMerge({ blocks }: FlowGraph, index: number): boolean {
  return blocks[index]!.predecessors.filter((from) => from < index).length > 1;
}

/**
 * Norman Ramsey, "Beyond Relooper" (ICFP 2022): a block is written inside its immediate dominator; merges become labelled
 * blocks that a `break` leaves, back edges `continue` their header's loop.
 */
function emitStructured(graph: FlowGraph, writer: Writer, { body, condition, edge }: BlockEmitter): void {
  const { blocks, dominators } = graph;
  const mergeChildren: number[][] = blocks.map(() => []);
  for (const { index } of blocks) {
    if (index !== 0 && isMerge(graph, index)) mergeChildren[dominators[index]!]!.push(index);
  }
  const isHeader = blocks.map(({ index, predecessors }) =>
    predecessors.some((from) => from >= index && dominates(dominators, index, from)),
  );

  /**
   * `next`: the block that runs when control falls off the end of what is being written. What comes last in a tree is
   * written by this loop, not by recursion: programs may have thousands of blocks in a row.
   */
  function emitTree(index: number, next: number | undefined): void {
    let at: number | undefined = index;
    while (at !== undefined) {
      const block: Block = blocks[at]!;
      if (isHeader[at]) {
        const header: number = at;
        writer.block(`loop${header}: for (;;)`, () => {
          const rest = emitWithin(block, mergeChildren[header]!, header);
          if (rest !== undefined) emitTree(rest, header);
        });
        return;
      }
      at = emitWithin(block, mergeChildren[at]!, next);
    }
  }

  /** Writes a block with its merges, later ones in reverse postorder outermost; returns the tree to be written after it. */
  function emitWithin(block: Block, merges: readonly number[], next: number | undefined): number | undefined {
    const last = merges.at(-1);
    if (last === undefined) return emitBlock(block, next);
    writer.block(`to${last}:`, () => {
      const rest = emitWithin(block, merges.slice(0, -1), last);
      if (rest !== undefined) emitTree(rest, last);
    });
    return last;
  }

  function emitBlock(block: Block, next: number | undefined): number | undefined {
    body(block);
    const [taken, other] = block.successors;
    if (taken === undefined) return undefined;
    if (other === undefined) return emitBranch(block, taken, next);
    // A branch that is a mere jump goes first: what follows then needs no nesting.
    const takenFirst = isJump(block, taken) || !isJump(block, other);
    const [first, second] = takenFirst ? [taken, other] : [other, taken];
    writer.block(`if (${condition(block, !takenFirst)})`, () => {
      const rest = emitBranch(block, first, undefined);
      if (rest !== undefined) emitTree(rest, undefined);
    });
    return emitBranch(block, second, next);
  }

  function isJump(from: Block, to: number): boolean {
    return to <= from.index || isMerge(graph, to);
  }

  /** Jumps to a block; returns it when it is to be written right here. */
  function emitBranch(from: Block, to: number, next: number | undefined): number | undefined {
    edge(from, blocks[to]!);
    if (!isJump(from, to)) return to;
    if (to !== next) writer.line(to <= from.index ? `continue loop${to};` : `break to${to};`);
    return undefined;
  }

  emitTree(0, undefined);
}

/** Any graph at all: the number of the next block in a variable. */
function emitSwitch({ blocks }: FlowGraph, writer: Writer, { body, condition, edge }: BlockEmitter): void {
  const go = (from: Block, to: number): void => {
    edge(from, blocks[to]!);
    writer.line(`at = ${to};`);
    writer.line('continue;');
  };
  writer.line('let at = 0;');
  writer.block('for (;;) switch (at)', () => {
    for (const block of blocks) {
      writer.block(`case ${block.index}:`, () => {
        body(block);
        const [taken, other] = block.successors;
        if (taken === undefined) return;
        if (other === undefined) {
          go(block, taken);
          return;
        }
        writer.block(`if (${condition(block, false)})`, () => go(block, taken));
        go(block, other);
      });
    }
  });
}
