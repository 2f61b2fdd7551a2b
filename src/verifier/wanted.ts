import { FRAME_POINTER, MAX_CALL_FRAMES } from '../isa/instruction.ts';
import type { HistoryEntry, Place, State } from './state.ts';

/** The registers and stack slots whose numbers matter, at a point of a path that is followed backwards. */
export interface Wanted {
  frame: number;
  readonly registers: number[];
  /** Two words of 32 slots a frame. */
  readonly slots: number[];
}

const scratch: Wanted = {
  frame: 0,
  registers: new Array<number>(MAX_CALL_FRAMES + 1).fill(0),
  slots: new Array<number>(2 * (MAX_CALL_FRAMES + 1)).fill(0),
};
export const wantsSlots = (w: Wanted, frame: number): boolean =>
  w.slots[2 * frame] !== 0 || w.slots[2 * frame + 1] !== 0;

/** One search runs at a time, and there are many: they share their memory. */
export function newWanted(frame: number): Wanted {
  scratch.frame = frame;
  for (let f = 0; f <= frame; f++) {
    scratch.registers[f] = 0;
    scratch.slots[2 * f] = 0;
    scratch.slots[2 * f + 1] = 0;
  }
  return scratch;
}

/**
 * The last search: where on which path it started, and what it wanted. A search that comes by there and wants no more has
 * nothing left to find. History entries are made once and belong to one path, so the newest one names the way there.
 */
interface Trail {
  entry: HistoryEntry | undefined;
  slot: number;
  frame: number;
  readonly registers: number[];
  readonly slots: number[];
}
const newTrail = (): Trail => ({
  entry: undefined,
  slot: 0,
  frame: 0,
  registers: new Array<number>(MAX_CALL_FRAMES + 1).fill(0),
  slots: new Array<number>(2 * (MAX_CALL_FRAMES + 1)).fill(0),
});
let trail = newTrail();
let spareTrail = newTrail();

/** Notes where a search starts; once it has ended, `finishTrail` makes it the last one. */
export function startTrail(s: State, w: Wanted): void {
  spareTrail.entry = s.history;
  spareTrail.slot = s.slot;
  spareTrail.frame = w.frame;
  for (let f = 0; f <= w.frame; f++) {
    spareTrail.registers[f] = w.registers[f]!;
    spareTrail.slots[2 * f] = w.slots[2 * f]!;
    spareTrail.slots[2 * f + 1] = w.slots[2 * f + 1]!;
  }
}
export function finishTrail(): void {
  [trail, spareTrail] = [spareTrail, trail];
}

/** Whether the last search came by here and wanted at least as much. */
export function meetsTrail(entry: HistoryEntry | undefined, slot: number, w: Wanted): boolean {
  if (entry === undefined || entry !== trail.entry || slot !== trail.slot || w.frame !== trail.frame) return false;
  for (let f = 0; f <= w.frame; f++) {
    if ((w.registers[f]! & ~trail.registers[f]!) !== 0) return false;
    if ((w.slots[2 * f]! & ~trail.slots[2 * f]!) !== 0) return false;
    if ((w.slots[2 * f + 1]! & ~trail.slots[2 * f + 1]!) !== 0) return false;
  }
  return true;
}

/** Nothing is wanted any more. */
export function isDone(w: Wanted): boolean {
  for (let f = 0; f <= w.frame; f++) if (w.registers[f] !== 0 || wantsSlots(w, f)) return false;
  return true;
}

/** Registers of the frame at hand, slots of any. */
export const wantsRegister = (w: Wanted, r: number): boolean => (w.registers[w.frame]! & (1 << r)) !== 0;
export const wantRegister = (w: Wanted, r: number, frame = w.frame): void => {
  if (r !== FRAME_POINTER) w.registers[frame]! |= 1 << r;
};
export const dropRegister = (w: Wanted, r: number): void => {
  w.registers[w.frame]! &= ~(1 << r);
};
export const wantsSlot = (w: Wanted, frame: number, index: number): boolean =>
  (w.slots[2 * frame + (index >> 5)]! & (1 << (index & 31))) !== 0;
export const wantSlot = (w: Wanted, frame: number, index: number): void => {
  w.slots[2 * frame + (index >> 5)]! |= 1 << (index & 31);
};
export const dropSlot = (w: Wanted, frame: number, index: number): void => {
  w.slots[2 * frame + (index >> 5)]! &= ~(1 << (index & 31));
};

const wants = (w: Wanted, p: Place): boolean =>
  p.isRegister ? (w.registers[p.frame]! & (1 << p.index)) !== 0 : wantsSlot(w, p.frame, p.index);

/** Numbers that a comparison narrowed together matter together. */
export function wantLinked(w: Wanted, linked: readonly Place[]): void {
  if (!linked.some((p) => wants(w, p))) return;
  for (const p of linked) {
    if (p.isRegister) wantRegister(w, p.index, p.frame);
    else wantSlot(w, p.frame, p.index);
  }
}
