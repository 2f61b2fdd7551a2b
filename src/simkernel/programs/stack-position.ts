import type { UserPlace } from './user-stack.ts';

/** A chain of functions of the program, outermost first, as a tree of what was ever called; programs are in few places. */
export interface StackPosition {
  readonly frames: readonly string[];
  readonly callees: Map<string, StackPosition>;
  /** Registers there, and the stack down from the outermost position; null until the program first is there. */
  place: UserPlace | null;
  words: Int32Array | null;
}
/** A place that the program has not been at, or, with registers, one that it is at. */
export function createPosition(frames: readonly string[], place: UserPlace | null): StackPosition {
  return { frames, callees: new Map(), place, words: null };
}
