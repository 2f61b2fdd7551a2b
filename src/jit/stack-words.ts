import { HELPERS, type HelperRow } from '../abi/helpers.ts';
import type { MemoryAccess } from '../abi/verified-image.ts';
import type { MapDefinition } from '../abi/program-image.ts';
import type { Block, FlowGraph, Step } from './control-flow.ts';
import { inlinedCall, mapIndex } from './inlining.ts';
import { type Halves, hasLow } from './liveness.ts';
import { type BlockStates, edgeState } from './states.ts';
import { FRAME_SYMBOL, helperById, type ProgramNames, resultOf, type State } from './transfer.ts';
import { asConstant, type Value } from './value.ts';

/**
 * Words of a function's stack that live in variables: distances from r10 (negative, multiples of 4). They are the keys of
 * inlined lookups, which a program writes to its stack because a helper wants an address, and which inlined code only wants
 * the value of.
 */
export type StackWords = ReadonlySet<number>;

export interface StackWordNeeds extends ProgramNames {
  readonly accesses: readonly (MemoryAccess | undefined)[];
  readonly maps: readonly MapDefinition[];
}

/** What a step does with a part of the stack, from and to in bytes from r10. */
interface StackUse {
  /**
   * `key`: an inlined lookup reads whole words. `copy`: a helper reads, for which the words are put in memory before the
   * call. `memory`: anything that a variable cannot do.
   */
  readonly kind: 'read' | 'write' | 'key' | 'copy' | 'memory';
  readonly from: number;
  readonly to: number;
}

/** More words than bits of an int32 stay in memory. */
const MAX_WORDS = 31;
const WORD = 4;
const WHOLE_STACK: StackUse = { kind: 'memory', from: -Infinity, to: 0 };

/** The variable that holds the word at this distance from r10. */
export function wordName(offset: number): string {
  return `s${-offset}`;
}

/** Offsets of the words in a part of the stack. */
function wordsOf({ from, to }: Pick<StackUse, 'from' | 'to'>): number[] {
  return Array.from({ length: (to - from) / WORD }, (_, index) => from + WORD * index);
}

/** The words that a helper reads and that must be in memory when it is called. */
export function copiedWords(step: Step, state: State, needs: StackWordNeeds): number[] {
  return usesOf(step, state, needs).flatMap((use) => (use.kind === 'copy' ? wordsOf(use) : []));
}

export function findStackWords(
  graph: FlowGraph,
  states: readonly BlockStates[],
  live: readonly Halves[],
  needs: StackWordNeeds,
): StackWords {
  // Most programs look nothing up with a key of their own: they are not worth a closer look.
  const steps = graph.blocks.flatMap((block) => block.steps);
  if (!steps.some(({ operation, insn }) => operation.kind === 'call' && helperById(insn.imm) === 'map_lookup_elem'))
    return new Set();
  const uses = graph.blocks.map((block) => usesOfBlock(block, graph, states, live, needs));
  const all = uses.flat(2);
  const inMemory = all.filter(({ kind }) => kind === 'memory');
  const keys = new Set(all.flatMap((use) => (use.kind === 'key' ? wordsOf(use) : [])));
  const candidates = [...keys]
    .filter((offset) => !inMemory.some(({ from, to }) => from < offset + WORD && offset < to))
    .slice(0, MAX_WORDS);
  // What is read before it is written is what another program left there: such words stay in memory.
  const unwritten = liveAtEntry(graph, uses, candidates);
  return new Set(candidates.filter((_, bit) => (unwritten & (1 << bit)) === 0));
}

/** Uses of a block, by step; what the block's end does to pointers counts for its last step. */
function usesOfBlock(
  block: Block,
  graph: FlowGraph,
  states: readonly BlockStates[],
  live: readonly Halves[],
  needs: StackWordNeeds,
): StackUse[][] {
  const within = states[block.index]!;
  const uses = block.steps.map((step, at) => usesOf(step, within[at]!, needs));
  const losesPointer = block.successors.some((successor) => {
    const next = states[successor]![0]!;
    return edgeState(block, graph.blocks[successor]!, within.at(-1)!).some(
      (value, register) => isStack(value) && !isStack(next[register]!) && hasLow(live[successor]!, register),
    );
  });
  if (losesPointer) uses.at(-1)!.push(WHOLE_STACK);
  return uses;
}

/** Bits of the candidates that some path from the entry reads before it writes them. */
function liveAtEntry(graph: FlowGraph, uses: readonly StackUse[][][], candidates: readonly number[]): number {
  const bits = (use: StackUse): number =>
    candidates.reduce((set, offset, bit) => (use.from < offset + WORD && offset < use.to ? set | (1 << bit) : set), 0);
  const effects = uses.map((steps) =>
    steps.map((ofStep) => {
      const part = (wanted: (use: StackUse) => boolean): number =>
        ofStep.filter(wanted).reduce((s, u) => s | bits(u), 0);
      return { writes: part(({ kind }) => kind === 'write'), reads: part(({ kind }) => kind !== 'write') };
    }),
  );
  const live = graph.blocks.map(() => 0);
  for (let changed = true; changed;) {
    changed = false;
    for (const block of [...graph.blocks].reverse()) {
      let set = block.successors.reduce((union, successor) => union | live[successor]!, 0);
      for (const { writes, reads } of [...effects[block.index]!].reverse()) set = (set & ~writes) | reads;
      if (set === live[block.index]) continue;
      live[block.index] = set;
      changed = true;
    }
  }
  return live[0] ?? 0;
}

function isStack({ symbol, low }: Value): boolean {
  return symbol === FRAME_SYMBOL && low !== undefined;
}

/** What a step does with the stack of its function. A pointer that leaves our sight may reach all of it. */
function usesOf(step: Step, state: State, needs: StackWordNeeds): StackUse[] {
  const { insn, operation } = step;
  const [dst, src] = [state[insn.dst]!, state[insn.src]!];
  switch (operation.kind) {
    case 'load':
      return accessUses('read', step, src, operation.size, needs);
    case 'store':
      if (operation.source === 'reg' && isStack(src)) return [WHOLE_STACK];
      return accessUses('write', step, dst, operation.size, needs);
    case 'load_acquire':
    case 'store_release':
    case 'atomic':
      return isStack(src) || isStack(dst) ? [WHOLE_STACK] : [];
    case 'alu': {
      const pointer = operation.source === 'reg' && isStack(src) ? src : operation.op === 'mov' ? undefined : dst;
      if (pointer === undefined || !isStack(pointer)) return [];
      return isStack(resultOf(step, state, needs)?.value ?? pointer) ? [] : [WHOLE_STACK];
    }
    case 'call':
      return operation.callee !== 'subprogram' ? helperUses(insn.imm, state, needs) : pointersOf(state);
    case 'neg':
    case 'end':
      return isStack(dst) ? [WHOLE_STACK] : [];
    case 'movsx':
      return isStack(src) ? [WHOLE_STACK] : [];
    default:
      return [];
  }
}

/** Any pointer to the stack among r1 to r5: a function may go anywhere from it. */
function pointersOf(state: State): StackUse[] {
  return state.slice(1, 6).some(isStack) ? [WHOLE_STACK] : [];
}

function accessUses(
  kind: 'read' | 'write',
  { slot, insn }: Step,
  base: Value,
  size: number,
  { accesses }: StackWordNeeds,
): StackUse[] {
  const access = accesses[slot];
  const from = access?.region === 'stack' ? access.offset : isStack(base) ? base.low! + insn.off : undefined;
  if (from === undefined) return [];
  const isWhole = size >= WORD && from % WORD === 0;
  return [{ kind: isWhole ? kind : 'memory', from, to: from + size }];
}

function helperUses(id: number, state: State, { maps }: StackWordNeeds): StackUse[] {
  const name = helperById(id);
  if (name === undefined) return pointersOf(state);
  const isInlined = inlinedCall(id, state, maps) !== undefined;
  const map = maps[mapIndex(state[1]!) ?? -1];
  const row: HelperRow = HELPERS[name];
  return row.args.flatMap((kind, index): StackUse[] => {
    const value = state[index + 1]!;
    if (!isStack(value)) return [];
    // The function that is called back may go anywhere from the pointer; helpers only go upwards.
    if (kind === 'stack_or_null') return [WHOLE_STACK];
    const from = value.low!;
    const elementSize = map === undefined ? undefined : ELEMENT_SIZES[kind]?.(map);
    if (elementSize !== undefined && from % WORD === 0 && elementSize % WORD === 0)
      return [{ kind: isInlined ? 'key' : 'copy', from, to: from + elementSize }];
    const size = row.args[index + 1]?.startsWith('const_size') === true ? asConstant(state[index + 2]!) : undefined;
    return [{ kind: 'memory', from, to: from + (elementSize ?? size?.low ?? -from) }];
  });
}

/** Arguments that helpers only read, and how long they are. */
const ELEMENT_SIZES: Partial<Record<HelperRow['args'][number], (map: MapDefinition) => number>> = {
  map_key: ({ keySize }) => keySize,
  map_value: ({ valueSize }) => valueSize,
};
