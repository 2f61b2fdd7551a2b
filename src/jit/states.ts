import { REGISTER_COUNT } from '../isa/instruction.ts';
import type { Block, FlowGraph } from './control-flow.ts';
import type { ProgramNames, State } from './transfer.ts';
import { CONTEXT_SYMBOL, FRAME_SYMBOL, refine, transfer } from './transfer.ts';
import { address, constant, equalValues, FULL, join, MAX_S32, MAX_U32 } from './value.ts';

/** Register values on entry: the calling convention, and zero for what a function may not read. */
function entryState(isMain: boolean): State {
  return Array.from({ length: REGISTER_COUNT }, (_, register) => {
    if (register === 10) return address(FRAME_SYMBOL, 0);
    if (isMain && register === 1) return address(CONTEXT_SYMBOL, 0);
    return !isMain && register >= 1 && register <= 5 ? FULL : constant(0, 0);
  });
}

/** Registers before each step of a block, and behind its last. */
export type BlockStates = readonly State[];

/** Values in each block: at its start the join over all edges, iterated until stable. */
export function findStates(graph: FlowGraph, isMain: boolean, names: ProgramNames): BlockStates[] {
  const states: (State | undefined)[] = graph.blocks.map(() => undefined);
  const within: (BlockStates | undefined)[] = graph.blocks.map(() => undefined);
  const thresholds = widenings(graph);
  const widen = (max: number): number => thresholds.find((threshold) => threshold >= max) ?? MAX_U32;
  states[0] = entryState(isMain);
  const pending = graph.blocks.map((_, index) => index === 0);
  // Passes in reverse postorder: a block is looked at after those before it, except along back edges.
  const nextPending = (from: number): number => {
    const later = pending.indexOf(true, from);
    return later === -1 ? pending.indexOf(true) : later;
  };
  for (let index = 0; index !== -1; index = nextPending(index)) {
    pending[index] = false;
    const block = graph.blocks[index]!;
    // The last visit of a block is that of its final state.
    const walked = walk(block, states[index]!, names);
    within[index] = walked;
    const out = walked.at(-1)!;
    for (const successor of block.successors) {
      const incoming = edgeState(block, graph.blocks[successor]!, out);
      const known = states[successor];
      const isBackward = successor <= index;
      const joined =
        known?.map((value, register) => {
          const merged = join(value, incoming[register]!);
          return isBackward && merged.max !== value.max ? { ...merged, max: widen(merged.max) } : merged;
        }) ?? incoming;
      if (known !== undefined && joined.every((value, register) => equalValues(value, known[register]!))) continue;
      states[successor] = joined;
      pending[successor] = true;
    }
  }
  return graph.blocks.map((block) => within[block.index] ?? walk(block, entryState(isMain), names));
}

/** The state before each step of a block, and behind its last. */
function walk({ steps }: Block, start: State, names: ProgramNames): BlockStates {
  const states = [start];
  let state = start;
  for (const step of steps) states.push((state = transfer(step, state, names)));
  return states;
}

/**
 * A bound that grows around a loop jumps to the next number that some comparison mentions, so that the analysis ends after
 * few rounds and still finds the bound that the loop's own condition sets.
 */
function widenings({ blocks }: FlowGraph): number[] {
  const numbers = new Set([MAX_S32, MAX_U32]);
  for (const { insn, operation } of blocks.flatMap(({ steps }) => steps.at(-1)!)) {
    if (operation.kind !== 'jump' || operation.source !== 'imm') continue;
    for (const near of [-1, 0, 1]) if (insn.imm + near >= 0) numbers.add(insn.imm + near);
  }
  return [...numbers].sort((a, b) => a - b);
}

/** The state at the start of `to` when control comes from `from`, which ended with `out`. */
export function edgeState(from: Block, to: Block, out: State): State {
  const [taken, other] = from.successors;
  // With one successor both ways of a jump lead there (or one was never reached): nothing is learnt.
  if (taken === undefined || other === undefined) return out;
  return refine(from.steps.at(-1)!, taken === to.index ? 0 : 1, out);
}
