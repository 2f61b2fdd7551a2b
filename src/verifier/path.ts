import { isSubprogramCall } from './graph.ts';
import { registerEffect } from './live-registers.ts';
import type { State } from './state.ts';
import type { Walk } from './walk.ts';

const LONGEST = 10_000;

/** Slots of the path that led to the walk's current instruction, newest first, without that instruction itself. */
function* pathBack(walk: Walk): Generator<number> {
  let state: State = walk.state;
  let slot = walk.slot;
  let first = state.firstSlot;
  let entries = state.history.length;
  for (let steps = 0; steps < LONGEST; steps++) {
    const entry = entries > 0 ? state.history[entries - 1] : undefined;
    const atEntry = entry !== undefined && entry.slot === slot;
    if (slot === first && (entries === 0 || (entries === 1 && atEntry))) {
      const { parent } = state;
      if (parent === undefined) return;
      slot = parent.lastSlot;
      first = parent.firstSlot;
      entries = parent.history.length;
      state = parent;
    } else if (atEntry) {
      slot = entry.previous;
      entries--;
    } else slot--;
    if (slot < 0) return;
    if (walk.graph.operations[slot] !== undefined) yield slot;
  }
}

/** The instruction of the current function that last gave a register its content; undefined if that was the start. */
export function lastWriter(walk: Walk, register: number): number | undefined {
  let inside = 0;
  for (const slot of pathBack(walk)) {
    const op = walk.graph.operations[slot]!;
    if (op.kind === 'exit') inside++;
    else if (isSubprogramCall(op) && inside > 0) {
      if (--inside === 0 && register < 6) return slot;
      continue;
    } else if (isSubprogramCall(op)) return undefined;
    if (inside > 0) continue;
    const insn = walk.graph.insns[slot]!;
    if ((registerEffect(insn, op, () => 5).writes & (1 << register)) !== 0) return slot;
  }
  return undefined;
}
