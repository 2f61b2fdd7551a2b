import { FRAME_POINTER } from '../isa/instruction.ts';
import { isSubprogramCall } from './graph.ts';
import { registerEffect } from './live-registers.ts';
import type { HistoryEntry, State } from './state.ts';
import type { Walk } from './walk.ts';

const LONGEST = 10_000;

/** Slots of the path that led to the walk's current instruction, newest first, without that instruction itself. */
function* pathBack(walk: Walk): Generator<number> {
  let state: State = walk.state;
  let first = state.firstSlot;
  // The instruction at hand may have its own entry already.
  let entry = walk.entry === undefined ? state.history : walk.entry.before;
  if (entry === undefined && walk.slot === first) {
    if (state.parent === undefined) return;
    state = state.parent;
    first = state.firstSlot;
    entry = state.history;
  }
  let slot = walk.state.lastSlot;
  for (let steps = 0; steps < LONGEST && slot >= 0; steps++) {
    if (walk.graph.operations[slot] !== undefined) yield slot;
    const here: HistoryEntry | undefined = entry?.slot === slot ? entry : undefined;
    if (slot === first && (entry === undefined || (here !== undefined && here.before === undefined))) {
      const { parent } = state;
      if (parent === undefined) return;
      // A checkpoint's last slot is the one before it.
      slot = parent.lastSlot;
      first = parent.firstSlot;
      entry = parent.history;
      state = parent;
    } else if (here !== undefined) {
      slot = here.previous;
      entry = here.before;
    } else slot--;
  }
}

/** An instruction that gave a register the content that matters. */
export interface Origin {
  readonly register: number;
  readonly slot: number;
}

/** Where something is on a path, counted backwards, and how many calls deeper than the instruction at hand. */
interface Cursor {
  readonly at: number;
  readonly register: number;
}

/** Searches back from a place of the path; the callback says which instruction of the function at hand it was. */
function findBack(
  walk: Walk,
  path: readonly number[],
  from: number,
  wanted: (slot: number) => boolean,
): number | undefined {
  let inside = 0;
  for (let at = from; at < path.length; at++) {
    const slot = path[at]!;
    const op = walk.graph.operations[slot]!;
    if (op.kind === 'exit') {
      inside++;
      continue;
    }
    if (isSubprogramCall(op)) {
      if (inside === 0) return undefined;
      if (--inside > 0) continue;
    } else if (inside > 0) continue;
    if (wanted(slot)) return at;
  }
  return undefined;
}

function writerOf(walk: Walk, path: readonly number[], { at, register }: Cursor): number | undefined {
  return findBack(walk, path, at, (slot) => {
    const op = walk.graph.operations[slot]!;
    const { writes } = registerEffect(walk.graph.insns[slot]!, op, () => 5);
    return (writes & (1 << register)) !== 0;
  });
}

/** What the written register was made from, as places further back. */
function sources(walk: Walk, path: readonly number[], at: number): readonly Cursor[] {
  const slot = path[at]!;
  const insn = walk.graph.insns[slot]!;
  const op = walk.graph.operations[slot]!;
  const before = (register: number): Cursor[] => (register === FRAME_POINTER ? [] : [{ at: at + 1, register }]);
  switch (op.kind) {
    case 'alu': {
      const operand = op.source === 'reg' && insn.src !== insn.dst ? before(insn.src) : [];
      return op.op === 'mov' ? operand : [...operand, ...before(insn.dst)];
    }
    case 'movsx':
      return before(insn.src);
    case 'neg':
    case 'end':
      return before(insn.dst);
    case 'load': {
      if (insn.src !== FRAME_POINTER) return [];
      const spill = findBack(walk, path, at + 1, (s) => {
        const store = walk.graph.insns[s]!;
        return walk.graph.operations[s]!.kind === 'store' && store.dst === FRAME_POINTER && store.off === insn.off;
      });
      if (spill === undefined) return [];
      const store = walk.graph.insns[path[spill]!]!;
      const kept = walk.graph.operations[path[spill]!]!;
      if (kept.kind !== 'store' || kept.source === 'imm' || store.src === FRAME_POINTER) return [];
      return [{ at: spill + 1, register: store.src }];
    }
    default:
      return [];
  }
}

/** Visits after which the search for origins is given up: a loop may have gone round thousands of times. */
const MOST_VISITS = 1000;

/** Instructions that made what a register holds, the last one first, each followed by those that made its operands. */
export function originsOf(walk: Walk, register: number, most: number): readonly Origin[] {
  const path = [...pathBack(walk)];
  const origins = new Map<number, Origin>();
  const seen = new Set<number>();
  const visit = (cursor: Cursor): void => {
    const at = writerOf(walk, path, cursor);
    if (at === undefined || seen.has(at) || seen.size >= MOST_VISITS || origins.size >= most) return;
    seen.add(at);
    const slot = path[at]!;
    if (!origins.has(slot)) origins.set(slot, { register: cursor.register, slot });
    for (const source of sources(walk, path, at)) visit(source);
  };
  visit({ at: 0, register });
  return [...origins.values()];
}
