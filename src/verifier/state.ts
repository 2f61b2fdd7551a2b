import { FRAME_POINTER, REGISTER_COUNT } from '../isa/instruction.ts';
import { NOT_INIT, type Register, pointerRegister } from './register.ts';
import { EMPTY_SLOT, type Slot, isSpill } from './stack.ts';

/** Where the main program's frame was called from: nowhere. */
const MAIN_CALLSITE = -1;

/** One function's activation. */
export interface Frame {
  /** Slot of the call that entered it. */
  readonly callsite: number;
  readonly index: number;
  /** Start slot of the function. */
  readonly start: number;
  readonly registers: Register[];
  /** Slot 0 is fp-8. */
  readonly stack: Slot[];
  readonly inCallback: boolean;
  /** How often the callback of the call at hand was entered on this path. */
  callbackDepth: number;
}

/** A resource acquired and not yet released: a reserved ring-buffer record. */
export interface Reference {
  readonly id: number;
  /** Slot that acquired it. */
  readonly slot: number;
}

/** A register or a stack slot of a frame. */
export interface Place {
  readonly frame: number;
  readonly isRegister: boolean;
  readonly index: number;
}

/** A step of the path that straight-line backtracking could not guess. Paths that fork share what came before. */
export interface HistoryEntry {
  readonly before: HistoryEntry | undefined;
  /** Number of entries up to this one. */
  readonly count: number;
  readonly slot: number;
  readonly previous: number;
  /** Stack slot that the instruction spilled to or filled from. */
  stack: { readonly frame: number; readonly index: number } | undefined;
  /** Operands that are stack pointers. */
  dstIsStack: boolean;
  srcIsStack: boolean;
  /** Registers and spills that a comparison narrowed together. */
  linked: readonly Place[] | undefined;
}

/** Everything known at a point of a path. */
export interface State {
  readonly frames: Frame[];
  references: readonly Reference[];
  /** The checkpoint from which this path came. */
  parent: Checkpoint | undefined;
  /** First slot since that checkpoint. */
  firstSlot: number;
  lastSlot: number;
  slot: number;
  /** The newest entry since that checkpoint. */
  history: HistoryEntry | undefined;
  /** Paths through this state that are still to be explored. */
  branches: number;
  depth: number;
  callbackUnrollDepth: number;
  mayGotoDepth: number;
  /** The checkpoint that this state was found equal to, in a loop. */
  equalTo: Checkpoint | undefined;
  /** Of checkpoints in loops: what ties the loop's rounds together. */
  visit: LoopVisit | undefined;
  /** Of checkpoints: comparisons that ended a path here, and such as did not. */
  hits: number;
  misses: number;
}

/** A round through a loop that ended in a state already known: its precision marks have to be carried back. */
export interface Backedge {
  readonly state: State;
}
export interface LoopVisit {
  entry: Checkpoint | undefined;
  readonly backedges: Backedge[];
}

/** A remembered state, against which later ones are compared. */
export type Checkpoint = State;

const framePointers: Register[] = [];

export function newFrame(callsite: number, index: number, start: number, inCallback: boolean): Frame {
  const registers: Register[] = new Array<Register>(REGISTER_COUNT).fill(NOT_INIT);
  registers[FRAME_POINTER] = framePointers[index] ??= pointerRegister('fp', { frame: index });
  return { callsite, index, start, registers, stack: [], inCallback, callbackDepth: 0 };
}

function copyFrame(f: Frame): Frame {
  return {
    callsite: f.callsite,
    index: f.index,
    start: f.start,
    registers: f.registers.slice(),
    stack: f.stack.slice(),
    inCallback: f.inCallback,
    callbackDepth: f.callbackDepth,
  };
}

/** A program starts with its context in r1. */
export function initialState(): State {
  const main = newFrame(MAIN_CALLSITE, 0, 0, false);
  main.registers[1] = pointerRegister('ctx');
  return {
    frames: [main],
    references: [],
    parent: undefined,
    firstSlot: 0,
    lastSlot: -1,
    slot: 0,
    history: undefined,
    branches: 1,
    depth: 0,
    callbackUnrollDepth: 0,
    mayGotoDepth: 0,
    equalTo: undefined,
    visit: undefined,
    hits: 0,
    misses: 0,
  };
}

/** A copy that can go its own way. Registers and stack slots are shared: they are immutable. */
export function copyState(s: State): State {
  return {
    frames: s.frames.map(copyFrame),
    references: s.references,
    parent: s.parent,
    firstSlot: s.firstSlot,
    lastSlot: s.lastSlot,
    slot: s.slot,
    history: s.history,
    branches: s.branches,
    depth: s.depth,
    callbackUnrollDepth: s.callbackUnrollDepth,
    mayGotoDepth: s.mayGotoDepth,
    equalTo: s.equalTo,
    visit: undefined,
    hits: 0,
    misses: 0,
  };
}

export const historyLength = (s: State): number => s.history?.count ?? 0;
export const currentFrame = (s: State): Frame => s.frames[s.frames.length - 1]!;
export const slotAt = (f: Frame, index: number): Slot => f.stack[index] ?? EMPTY_SLOT;

/** Makes the frame's stack reach down to `offset`. */
export function growStack(f: Frame, offset: number): void {
  const slots = Math.ceil(-offset / 8);
  while (f.stack.length < slots) f.stack.push(EMPTY_SLOT);
}

/** Replaces registers, spilled ones too, wherever `change` returns another. */
export function mapRegisters(s: State, change: (r: Register) => Register): void {
  for (const frame of s.frames) {
    for (let i = 0; i < FRAME_POINTER; i++) {
      const r = frame.registers[i]!;
      const changed = change(r);
      if (changed !== r) frame.registers[i] = changed;
    }
    for (let i = 0; i < frame.stack.length; i++) {
      const slot = frame.stack[i]!;
      if (slot.spill === undefined || !isSpill(slot)) continue;
      const changed = change(slot.spill);
      if (changed !== slot.spill) frame.stack[i] = { kinds: slot.kinds, spill: changed };
    }
  }
}

export function readPlace(s: State, place: Place): Register | undefined {
  const frame = s.frames[place.frame];
  if (frame === undefined) return undefined;
  return place.isRegister ? frame.registers[place.index] : frame.stack[place.index]?.spill;
}

export function writePlace(s: State, place: Place, register: Register): void {
  const frame = s.frames[place.frame]!;
  if (place.isRegister) frame.registers[place.index] = register;
  else frame.stack[place.index] = { kinds: slotAt(frame, place.index).kinds, spill: register };
}

/** The slot at which each frame stands: its call, or the current one for the innermost. */
export function frameSlot(s: State, frame: number): number {
  return frame === s.frames.length - 1 ? s.slot : s.frames[frame + 1]!.callsite;
}
