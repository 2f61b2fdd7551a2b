import type { Block, FlowGraph } from './control-flow.ts';
import type { Shape } from './structure.ts';
import { structureOf } from './structure.ts';
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

/** Writes a function's blocks as structured JavaScript where that is possible, as a loop over a switch otherwise. */
export function emitFlow(graph: FlowGraph, writer: Writer, emitter: BlockEmitter): void {
  const shapes = structureOf(graph);
  if (shapes === undefined) emitSwitch(graph, writer, emitter);
  else emitShapes(shapes, writer, emitter);
}

function emitShapes(shapes: readonly Shape[], writer: Writer, emitter: BlockEmitter): void {
  for (const shape of shapes) {
    switch (shape.kind) {
      case 'body':
        emitter.body(shape.block);
        break;
      case 'edge':
        emitter.edge(shape.from, shape.to);
        break;
      case 'if':
        writer.block(`if (${emitter.condition(shape.block, shape.negated)})`, () =>
          emitShapes(shape.then, writer, emitter),
        );
        break;
      case 'loop':
        writer.block(`loop${shape.header}: for (;;)`, () => emitShapes(shape.body, writer, emitter));
        break;
      case 'merge':
        writer.block(`to${shape.target}:`, () => emitShapes(shape.body, writer, emitter));
        break;
      case 'jump':
        writer.line(shape.backward ? `continue loop${shape.target};` : `break to${shape.target};`);
        break;
    }
  }
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
