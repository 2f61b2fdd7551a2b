import { FRAME_POINTER } from '../isa/instruction.ts';
import { covers, mayLoop } from './equivalence.ts';
import { formatState } from './print-state.ts';
import { isLiveUnit } from './live-stack.ts';
import { markPathPrecise, propagatePrecision } from './precision.ts';
import { NOT_INIT, UNKNOWN_SCALAR, type Register, sameContents, withPrecise, withoutLink } from './register.ts';
import { reject, violation } from './rejection.ts';
import { isSpill, withoutDead } from './stack.ts';
import {
  type Checkpoint,
  type Frame,
  type State,
  copyState,
  currentFrame,
  frameSlot,
  historyLength,
  mapRegisters,
} from './state.ts';
import { type Walk, recordJump } from './walk.ts';

/**
 * Remembered states and what they save: a path that reaches a checkpoint in a state which the checkpoint covers need not
 * be followed. The heuristics of when to remember and forget are the kernel's (kernel/bpf/states.c), since the limit on
 * processed instructions makes them observable.
 */
const key = (w: Walk, slot: number, callsite: number): number => (callsite + 1) * (w.graph.insns.length + 1) + slot;

function checkpointsAt(w: Walk, slot: number): Checkpoint[] {
  const k = key(w, slot, currentFrame(w.state).callsite);
  let list = w.checkpoints.get(k);
  if (list === undefined) w.checkpoints.set(k, (list = []));
  return list;
}

/** Forgets registers that are not read any more, so that states differ less. */
function forgetDead(w: Walk, s: State): void {
  for (let f = 0; f < s.frames.length; f++) {
    const live = w.live[frameSlot(s, f)]!;
    const registers = s.frames[f]!.registers;
    for (let r = 0; r < FRAME_POINTER; r++) if ((live & (1 << r)) === 0) registers[r] = NOT_INIT;
    forgetDeadStack(w, s, f);
  }
}

/** Of callers it matters what they read after the call, and all that was handed out with it. */
function forgetDeadStack(w: Walk, s: State, f: number): void {
  let slot = frameSlot(s, f);
  if (f < s.frames.length - 1 && w.marks.callback[slot] !== 1) {
    if (w.liveStack.handsOut[slot] === 1) return;
    slot++;
  }
  const { stack } = s.frames[f]!;
  for (let i = 0; i < stack.length; i++) {
    const before = stack[i]!;
    if (before.kinds === 0 && before.spill === undefined) continue;
    stack[i] = withoutDead(before, isLiveUnit(w.liveStack, slot, 2 * i + 1), isLiveUnit(w.liveStack, slot, 2 * i));
  }
}

const imprecise = (r: Register): Register => (r.precise ? withPrecise(r, false) : r);

const ids: number[] = [];
function noteId(r: Register): Register {
  if (r.id !== 0 && r.type === 'scalar') ids.push(r.id);
  return r;
}
function withoutLoneId(r: Register): Register {
  const alone = r.id !== 0 && r.type === 'scalar' && ids.indexOf(r.id) === ids.lastIndexOf(r.id);
  return alone ? withoutLink(r) : r;
}
/** A number whose id nobody shares stands alone. */
function forgetLoneIds(s: State): void {
  ids.length = 0;
  mapRegisters(s, noteId);
  if (ids.length > 0) mapRegisters(s, withoutLoneId);
}

/** Names the loop that a state is in and the calls that led there; undefined outside of loops. */
function loopOf(w: Walk, s: State): string | number | undefined {
  if (s.frames.length === 1) return w.loops[s.slot] === 0 ? undefined : w.loops[s.slot];
  let name = '';
  for (let f = 0; f < s.frames.length; f++) {
    const slot = frameSlot(s, f);
    const loop = w.loops[slot]!;
    if (loop !== 0) return `${name}${loop}`;
    name += `${slot},`;
  }
  return undefined;
}

function enterLoop(w: Walk, checkpoint: Checkpoint): void {
  const name = loopOf(w, checkpoint);
  if (name === undefined) return;
  let visit = w.loopVisits.get(name);
  if (visit === undefined) w.loopVisits.set(name, (visit = { entry: undefined, backedges: [] }));
  visit.entry ??= checkpoint;
  checkpoint.visit = visit;
}

const MAX_ROUNDS = 64;

/** Once every path out of a loop is explored, the marks are carried around it until they settle. */
function leaveLoop(w: Walk, s: State): void {
  const { visit } = s;
  if (visit === undefined || visit.entry !== s) return;
  visit.entry = undefined;
  w.liveStates -= visit.backedges.length;
  for (let round = 0, changed = true; changed; round++) {
    if (round > MAX_ROUNDS) {
      for (const { state } of visit.backedges) markPathPrecise(state);
      break;
    }
    changed = false;
    for (const { state } of visit.backedges) {
      if (propagatePrecision(w, state.equalTo!, state)) changed = true;
    }
  }
  visit.backedges.length = 0;
}

/** A path has ended: the checkpoints on it whose last path this was are now proved. */
export function closePath(w: Walk, s: State): void {
  for (let state: State | undefined = s; state !== undefined; state = state.parent) {
    if (--state.branches > 0) return;
    leaveLoop(w, state);
  }
}

const marksIncomplete = (checkpoint: Checkpoint): boolean =>
  checkpoint.visit !== undefined && checkpoint.visit.backedges.length > 0;

type Match = 'none' | 'safe' | 'loop';

/** Compares with a state of which not all paths are explored: seeing it again means a loop. */
function compareOpen(w: Walk, old: Checkpoint, slot: number): Match {
  if (w.marks.force[slot] === 1) {
    const isCallback = w.marks.callback[slot] === 1;
    const goneOn = isCallback || old.mayGotoDepth !== w.state.mayGotoDepth;
    if (goneOn && covers(old, w.state, w, 'ranges_of_all')) return 'loop';
    if (isCallback) return 'none';
  }
  const endless =
    mayLoop(old, w.state) &&
    covers(old, w.state, w, 'exact') &&
    old.mayGotoDepth === w.state.mayGotoDepth &&
    old.callbackUnrollDepth === w.state.callbackUnrollDepth;
  if (endless) {
    const frame = w.state.frames.length - 1;
    const states = [`cur state:${formatState(w.state, frame)}`, `old state:${formatState(old, frame)}`];
    reject(violation('EINVAL', `infinite loop detected at insn ${slot}`, ...states));
  }
  return 'none';
}

function accept(w: Walk, old: Checkpoint, match: Match): void {
  old.hits++;
  if (w.marks.jump[w.slot] === 1) recordJump(w);
  propagatePrecision(w, old, w.state);
  if (match !== 'loop') return;
  const state = copyState(w.state);
  state.equalTo = old;
  const { visit } = old;
  if (visit === undefined) return markPathPrecise(state);
  visit.backedges.push({ state });
  w.liveStates++;
  w.peakStates = Math.max(w.peakStates, w.liveStates);
}

function remember(w: Walk, list: Checkpoint[], slot: number): void {
  w.totalStates++;
  w.liveStates++;
  w.peakStates = Math.max(w.peakStates, w.liveStates);
  w.jumpsAtCheckpoint = w.jumps;
  w.processedAtCheckpoint = w.processed;
  mapRegisters(w.state, imprecise);
  forgetLoneIds(w.state);
  const checkpoint = copyState(w.state);
  enterLoop(w, checkpoint);
  w.state.parent = checkpoint;
  w.state.firstSlot = slot;
  w.state.depth = checkpoint.depth + 1;
  w.state.history = undefined;
  // The copy is the one that counts this path; the current state starts over below it.
  w.state.branches = 1;
  list.unshift(checkpoint);
}

/** True if a remembered state covers the current one at `slot`; otherwise remembers it if that seems to pay. */
export function isCovered(w: Walk, slot: number): boolean {
  const forced = w.marks.force[slot] === 1 || historyLength(w.state) > 40;
  let add = forced || (w.jumps - w.jumpsAtCheckpoint >= 2 && w.processed - w.processedAtCheckpoint >= 8);
  forgetDead(w, w.state);
  const list = checkpointsAt(w, slot);
  w.statesPerSlot = Math.max(w.statesPerSlot, list.length);
  for (let i = 0; i < list.length; i++) {
    const old = list[i]!;
    let match: Match = 'none';
    if (old.branches > 0) {
      match = compareOpen(w, old, slot);
      if (
        match === 'none' &&
        !forced &&
        w.jumps - w.jumpsAtCheckpoint < 20 &&
        w.processed - w.processedAtCheckpoint < 100
      ) {
        add = false;
      }
    } else {
      const incomplete = marksIncomplete(old);
      if (covers(old, w.state, w, incomplete ? 'ranges_of_all' : 'range')) {
        match = incomplete ? 'loop' : 'safe';
      }
    }
    if (match !== 'none') {
      accept(w, old, match);
      return true;
    }
    if (add) old.misses++;
    const patience = w.marks.force[slot] === 1 && old.branches > 0 ? 64 : 3;
    if (old.misses > old.hits * patience + patience) {
      list.splice(i--, 1);
      // Its children still lean on it; only then does it stop counting.
      if (old.branches === 0 && !marksIncomplete(old)) w.liveStates--;
    }
  }
  if (add) remember(w, list, slot);
  return false;
}

/** The checkpoint of the loop round before this one: still open, same calls, further up this path. */
export function previousRound(w: Walk, s: State, depth: number, slot: number): Checkpoint | undefined {
  const callsite = currentFrame(s).callsite;
  return w.checkpoints
    .get(key(w, slot, callsite))
    ?.find((old) => old.branches > 0 && old.depth < depth && sameCalls(old, s));
}

function sameCalls(a: State, b: State): boolean {
  return a.frames.length === b.frames.length && a.frames.every((f, i) => f.callsite === b.frames[i]!.callsite);
}

function widened(old: Register, current: Register): Register {
  if (old.type !== 'scalar' || current.type !== 'scalar' || old.precise || current.precise) return current;
  return sameContents(old, current) ? current : UNKNOWN_SCALAR;
}

/**
 * Between rounds of a loop whose count is not tracked: numbers that changed and never mattered are forgotten, so that
 * the rounds converge.
 */
export function widen(old: State, current: State): void {
  old.frames.forEach((before, f) => {
    const now: Frame = current.frames[f]!;
    now.registers.forEach((r, i) => {
      now.registers[i] = widened(before.registers[i]!, r);
    });
    const slots = Math.min(before.stack.length, now.stack.length);
    for (let i = 0; i < slots; i++) {
      const was = before.stack[i]!;
      const is = now.stack[i]!;
      if (!isSpill(was) || !isSpill(is)) continue;
      const spill = widened(was.spill!, is.spill!);
      if (spill !== is.spill) now.stack[i] = { kinds: is.kinds, spill };
    }
  });
}
