import { FRAME_POINTER, type Insn } from '../isa/instruction.ts';
import type { Operation } from '../isa/operation.ts';
import { HELPER_TAIL_CALL } from './graph.ts';
import { withPrecise } from './register.ts';
import { isScalarSpill, isSpill } from './stack.ts';
import { type HistoryEntry, type State, slotAt } from './state.ts';
import type { Walk } from './walk.ts';
import {
  type Wanted,
  dropRegister,
  dropSlot,
  finishTrail,
  isDone,
  meetsTrail,
  newWanted,
  startTrail,
  wantLinked,
  wantRegister,
  wantSlot,
  wantsRegister,
  wantsSlot,
  wantsSlots,
} from './wanted.ts';
import { ARGUMENTS } from './live-registers.ts';

/**
 * Precision: a number's range matters for pruning only if the safety of something later hangs on it. When it does, this
 * walks back over the path and its checkpoints and marks there whatever the number was made from.
 */

/** Some instructions cannot be followed back; then everything on the path is taken to matter. */
type Back = 'ok' | 'give_up';

function loadedRegister(insn: Insn, op: Operation): number | undefined {
  switch (op.kind) {
    case 'load':
    case 'load_acquire':
      return insn.dst;
    case 'atomic':
      if (!op.fetch) return undefined;
      return op.op === 'cmpxchg' ? 0 : insn.src;
    default:
      return undefined;
  }
}

function backLoad(register: number, entry: HistoryEntry | undefined, w: Wanted): Back {
  if (!wantsRegister(w, register)) return 'ok';
  dropRegister(w, register);
  if (entry?.stack !== undefined) wantSlot(w, entry.stack.frame, entry.stack.index);
  return 'ok';
}

function backStore(insn: Insn, stored: boolean, entry: HistoryEntry | undefined, w: Wanted): Back {
  // A number used as an address can only come from pointer subtraction.
  if (wantsRegister(w, insn.dst)) return 'give_up';
  const stack = entry?.stack;
  if (stack === undefined || !wantsSlot(w, stack.frame, stack.index)) return 'ok';
  dropSlot(w, stack.frame, stack.index);
  if (stored) wantRegister(w, insn.src);
  return 'ok';
}

function backCall(walk: Walk, insn: Insn, op: Operation, slot: number, next: number, w: Wanted): Back {
  if (op.kind === 'call' && op.callee === 'subprogram') {
    // Leaving the callee backwards: what it wants of its arguments, the caller's registers must provide.
    const wanted = w.registers[w.frame]!;
    if (w.frame === 0 || (wanted & ~ARGUMENTS) !== 0 || wantsSlots(w, w.frame)) return 'give_up';
    w.registers[w.frame] = 0;
    w.frame--;
    w.registers[w.frame]! |= wanted;
    return 'ok';
  }
  if (walk.marks.callback[slot] === 1 && slot !== next - 1) {
    // A callback's arguments come from the helper, not from the caller's registers.
    if (w.frame === 0 || (w.registers[w.frame]! & ~ARGUMENTS) !== 0 || wantsSlots(w, w.frame)) return 'give_up';
    w.registers[w.frame] = 0;
    w.frame--;
    return 'ok';
  }
  dropRegister(w, 0);
  if ((w.registers[w.frame]! & ARGUMENTS) !== 0) return 'give_up';
  const isTailCall = op.kind === 'call' && op.callee === 'helper' && insn.imm === HELPER_TAIL_CALL;
  if (isTailCall && next - slot !== 1) w.frame++;
  return 'ok';
}

function backExit(walk: Walk, next: number, w: Wanted): Back {
  if (next >= 0 && walk.marks.callback[next] === 1) w.registers[w.frame]! &= ~ARGUMENTS;
  if ((w.registers[w.frame]! & ARGUMENTS) !== 0) return 'give_up';
  const before = next >= 1 ? walk.graph.operations[next - 1] : undefined;
  const wantsResult = before?.kind === 'call' && before.callee === 'subprogram' && wantsRegister(w, 0);
  dropRegister(w, 0);
  w.frame++;
  w.registers[w.frame] = 0;
  w.slots[2 * w.frame] = 0;
  w.slots[2 * w.frame + 1] = 0;
  if (wantsResult) wantRegister(w, 0);
  return 'ok';
}

function backJump(insn: Insn, usesRegister: boolean, entry: HistoryEntry | undefined, w: Wanted): Back {
  if (!usesRegister || (!wantsRegister(w, insn.dst) && !wantsRegister(w, insn.src))) return 'ok';
  if (entry?.srcIsStack !== true) wantRegister(w, insn.src);
  if (entry?.dstIsStack !== true) wantRegister(w, insn.dst);
  return 'ok';
}

/** One instruction back: from what is wanted after it to what is wanted before it. */
function back(walk: Walk, slot: number, next: number, entry: HistoryEntry | undefined, w: Wanted): Back {
  const op = walk.graph.operations[slot];
  if (op === undefined) return 'ok';
  const insn = walk.graph.insns[slot]!;
  const linked = entry?.linked;
  if (linked === undefined) return backOperation(walk, insn, op, slot, next, entry, w);
  wantLinked(w, linked);
  const result = backOperation(walk, insn, op, slot, next, entry, w);
  if (result === 'ok') wantLinked(w, linked);
  return result;
}

function backOperation(
  walk: Walk,
  insn: Insn,
  op: Operation,
  slot: number,
  next: number,
  entry: HistoryEntry | undefined,
  w: Wanted,
): Back {
  const loaded = loadedRegister(insn, op);
  if (loaded !== undefined) return backLoad(loaded, entry, w);
  switch (op.kind) {
    case 'alu':
      if (!wantsRegister(w, insn.dst)) return 'ok';
      if (op.op === 'mov') dropRegister(w, insn.dst);
      if (op.source === 'reg') wantRegister(w, insn.src);
      return 'ok';
    case 'movsx':
      if (!wantsRegister(w, insn.dst)) return 'ok';
      dropRegister(w, insn.dst);
      wantRegister(w, insn.src);
      return 'ok';
    case 'store':
      return backStore(insn, op.source === 'reg', entry, w);
    case 'store_release':
    case 'atomic':
      return backStore(insn, true, entry, w);
    case 'jump':
      return backJump(insn, op.source === 'reg', entry, w);
    case 'call':
    case 'callx':
      return backCall(walk, insn, op, slot, next, w);
    case 'exit':
      return backExit(walk, next, w);
    case 'ld_imm64':
      dropRegister(w, insn.dst);
      return 'ok';
    case 'ld_packet':
      return wantsRegister(w, 0) ? 'give_up' : 'ok';
    default:
      return 'ok';
  }
}

function markAllPrecise(start: State): void {
  for (let s: State | undefined = start.parent; s !== undefined; s = s.parent) {
    for (const frame of s.frames) {
      for (let r = 0; r < FRAME_POINTER; r++) {
        const reg = frame.registers[r]!;
        if (reg.type === 'scalar' && !reg.precise) frame.registers[r] = withPrecise(reg, true);
      }
      for (let i = 0; i < frame.stack.length; i++) {
        const slot = frame.stack[i]!;
        if (!isScalarSpill(slot) || slot.spill!.precise) continue;
        frame.stack[i] = { kinds: slot.kinds, spill: withPrecise(slot.spill!, true) };
      }
    }
  }
}

/** Marks what is wanted in a checkpoint; what is no number or already marked needs no further search. */
function markState(s: State, w: Wanted): boolean {
  let changed = false;
  for (let f = w.frame; f >= 0; f--) {
    const frame = s.frames[f];
    if (frame === undefined) continue;
    for (let r = 0; r < FRAME_POINTER; r++) {
      if ((w.registers[f]! & (1 << r)) === 0) continue;
      const reg = frame.registers[r]!;
      if (reg.type !== 'scalar' || reg.precise) w.registers[f]! &= ~(1 << r);
      else {
        frame.registers[r] = withPrecise(reg, true);
        changed = true;
      }
    }
    if (!wantsSlots(w, f)) continue;
    for (let i = 0; i < 64; i++) {
      if (!wantsSlot(w, f, i)) continue;
      const slot = slotAt(frame, i);
      if (!isScalarSpill(slot) || slot.spill!.precise) dropSlot(w, f, i);
      else {
        frame.stack[i] = { kinds: slot.kinds, spill: withPrecise(slot.spill!, true) };
        changed = true;
      }
    }
  }
  return changed;
}

/** Walks back from the end of `start` until nothing is wanted; true if any mark is new. */
function markBack(walk: Walk, start: State, w: Wanted): boolean {
  // Without a checkpoint behind there is nothing to mark.
  if (start.parent === undefined || isDone(w)) return false;
  startTrail(start, w);
  const changed = searchBack(walk, start, w);
  finishTrail();
  return changed;
}

function searchBack(walk: Walk, start: State, w: Wanted): boolean {
  let changed = false;
  let last = start.slot;
  let first = start.firstSlot;
  let next = -1;
  let skip = true;
  for (let s: State = start; ;) {
    let newest = s.history;
    for (let slot = last; ;) {
      const entry = newest?.slot === slot ? newest : undefined;
      // The instruction at hand has not been carried out yet.
      if (skip) skip = false;
      else {
        if (back(walk, slot, next, entry, w) === 'give_up') {
          markAllPrecise(start);
          return true;
        }
        if (isDone(w) || meetsTrail(newest, slot, w)) return changed;
      }
      next = slot;
      if (slot === first && (newest === undefined || (newest.before === undefined && newest.slot === slot))) break;
      if (entry !== undefined) {
        slot = entry.previous;
        newest = entry.before;
      } else slot--;
      if (slot < 0) {
        markAllPrecise(start);
        return true;
      }
    }
    const parent = s.parent;
    if (parent === undefined) break;
    if (markState(parent, w)) changed = true;
    if (isDone(w)) return changed;
    next = first;
    last = parent.lastSlot;
    first = parent.firstSlot;
    s = parent;
  }
  markAllPrecise(start);
  return true;
}

/** A register of the current frame must be exact. */
export function markPrecise(walk: Walk, register: number): void {
  const w = newWanted(walk.state.frames.length - 1);
  wantRegister(w, register);
  markBack(walk, walk.state, w);
}

/** Stack slots must be exact. */
export function markSlotsPrecise(walk: Walk, frame: number, indices: readonly number[]): void {
  const w = newWanted(walk.state.frames.length - 1);
  for (const index of indices) wantSlot(w, frame, index);
  markBack(walk, walk.state, w);
}

/** What is precise in `known` must be in `state`'s past too; true if that marked anything new. */
export function propagatePrecision(walk: Walk, known: State, state: State): boolean {
  const w = newWanted(state.frames.length - 1);
  known.frames.forEach((frame, f) => {
    for (let r = 0; r < FRAME_POINTER; r++) {
      const reg = frame.registers[r]!;
      if (reg.type === 'scalar' && reg.precise) wantRegister(w, r, f);
    }
    frame.stack.forEach((slot, i) => {
      if (isSpill(slot) && slot.spill?.type === 'scalar' && slot.spill.precise) wantSlot(w, f, i);
    });
  });
  return markBack(walk, state, w);
}

/** Gives up on a loop whose marks do not settle. */
export function markPathPrecise(state: State): void {
  markAllPrecise(state);
}
