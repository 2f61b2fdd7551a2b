import type { Operation } from '../isa/operation.ts';
import type { Block, FlowGraph, Step } from './control-flow.ts';
import { type BlockStates, edgeState } from './states.ts';
import { asConstant } from './value.ts';

/** Copies of a loop's body, and the most instructions that they may make together: more only fills caches. */
const FACTORS = [8, 4, 2];
const MAX_INSTRUCTIONS = 64;

/**
 * Writes loops of one block that run a known number of times out: copies of the body follow each other without a question,
 * as the counter cannot meet its end between them. The engines ask at each turn of a loop whether to stop the script, which
 * costs as much as a short body.
 */
export function unrollLoops(graph: FlowGraph, states: readonly BlockStates[]): FlowGraph {
  let found = false;
  const blocks = graph.blocks.map((block) => {
    const turns = turnsOf(block, graph, states);
    const factor = FACTORS.find(
      (copies) => turns !== undefined && turns % copies === 0 && copies * block.steps.length <= MAX_INSTRUCTIONS,
    );
    if (factor === undefined) return block;
    found = true;
    const body = block.steps.slice(0, -1);
    // Each copy is a step of its own: what is known differs.
    const copies = Array.from({ length: factor }, () => body.map((step) => ({ ...step })));
    return { ...block, steps: [...copies.flat(), block.steps.at(-1)!] };
  });
  return found ? { ...graph, blocks } : graph;
}

/** How many times a block that only repeats itself runs before it is left; undefined where that is not known. */
function turnsOf(block: Block, graph: FlowGraph, states: readonly BlockStates[]): number | undefined {
  const { index, steps, successors, predecessors } = block;
  // A function may begin with its loop: then callers choose where the counter starts.
  if (index === 0) return undefined;
  if (successors.length !== 2 || !successors.includes(index)) return undefined;
  const last = steps.at(-1)!;
  const limit = limitOf(last, successors[0] === index);
  if (limit === undefined) return undefined;
  const counter = last.insn.dst;
  const body = steps.slice(0, -1);
  if (!body.every(({ operation }) => SIMPLE.has(operation.kind))) return undefined;
  const [change, ...others] = body.filter((step) => writes(step, counter));
  const by = change === undefined || others.length > 0 ? undefined : incrementOf(change);
  if (by === undefined) return undefined;
  const starts = predecessors
    .filter((from) => from !== index)
    .map((from) => asConstant(edgeState(graph.blocks[from]!, block, states[from]!.at(-1)!)[counter]!));
  const [start] = starts;
  if (start === undefined || !starts.every((known) => known?.low === start.low && known.high === start.high))
    return undefined;
  const distance = limit - start.low;
  const isCounted = start.high === 0 && start.low >= 0 && distance > 0 && distance % by === 0;
  return isCounted ? distance / by : undefined;
}

/** Instructions that do nothing but compute, load and store. */
const SIMPLE: ReadonlySet<Operation['kind']> = new Set(['alu', 'neg', 'movsx', 'end', 'load', 'store', 'ld_imm64']);

function writes({ operation, insn }: Step, register: number): boolean {
  return operation.kind !== 'store' && insn.dst === register;
}

/** The number that a counter grows by. */
function incrementOf({ operation, insn }: Step): number | undefined {
  const isIncrement = operation.kind === 'alu' && operation.op === 'add' && operation.source === 'imm' && insn.imm > 0;
  return isIncrement ? insn.imm : undefined;
}

/** The number at which a loop ends whose counter meets it exactly; `repeats`: the jump is taken to go on. */
function limitOf({ operation, insn }: Step, repeats: boolean): number | undefined {
  if (operation.kind !== 'jump' || operation.source !== 'imm' || insn.imm <= 0) return undefined;
  const { op } = operation;
  const ends = repeats ? op === 'jne' || op === 'jlt' || op === 'jslt' : op === 'jeq' || op === 'jge' || op === 'jsge';
  return ends ? insn.imm : undefined;
}
