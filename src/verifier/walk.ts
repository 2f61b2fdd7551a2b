import type { ContextRow } from '../abi/contexts.ts';
import type { MapDefinition, Program } from '../abi/program-image.ts';
import type { FunctionProtoType, TypeSet } from '../btf/types.ts';
import { collectFacts, type FactCollector } from './facts.ts';
import type { WalkMarks } from './flow.ts';
import type { Graph } from './graph.ts';
import { MAX_PENDING } from './limits.ts';
import type { LiveStack } from './live-stack.ts';
import type { Log } from './log.ts';
import { reject, violation } from './rejection.ts';
import {
  type Checkpoint,
  type HistoryEntry,
  type LoopVisit,
  type Place,
  type State,
  copyState,
  currentFrame,
  historyLength,
  initialState,
} from './state.ts';
import type { Register } from './register.ts';

/** A path that waits to be explored. */
export interface Pending {
  readonly state: State;
  readonly slot: number;
  readonly previous: number;
  readonly logMark: number;
}

/** What a ld_imm64 refers to: a map, a place in the value of one, or a variable of the kernel. */
export interface WideReference {
  readonly map: MapDefinition | undefined;
  /** Byte of the value whose address is loaded; undefined for the map itself. */
  readonly offset: number | undefined;
  /** What a register that it is loaded into holds. */
  readonly register: Register;
}

/** The walk over all paths of one program: what it has been given, where it is, what it remembers. */
export interface Walk {
  readonly program: Program;
  readonly graph: Graph;
  readonly marks: WalkMarks;
  readonly live: Uint16Array;
  readonly liveStack: LiveStack;
  readonly loops: Int32Array;
  readonly wideReferences: readonly (WideReference | undefined)[];
  readonly types: TypeSet | undefined;
  /** Of the function that a tracing program is attached to. */
  readonly prototype: FunctionProtoType | undefined;
  /** What the program may do with its context. */
  readonly context: ContextRow;
  readonly hasFunctionRecords: boolean;
  /** Root may read stack bytes that were never written. */
  readonly allowUninitStack: boolean;
  /** Whether paths end where a remembered state covers them. */
  readonly prune: boolean;
  readonly observe: ((walk: Walk) => void) | undefined;
  readonly log: Log;
  readonly facts: FactCollector;

  state: State;
  slot: number;
  previous: number;
  readonly pending: Pending[];
  readonly checkpoints: Map<number, Checkpoint[]>;
  /** By loop and, inside of calls, by those. */
  readonly loopVisits: Map<string | number, LoopVisit>;
  /** The history entry that belongs to the instruction at hand. */
  entry: HistoryEntry | undefined;
  lastId: number;
  processed: number;
  jumps: number;
  processedAtCheckpoint: number;
  jumpsAtCheckpoint: number;
  totalStates: number;
  liveStates: number;
  peakStates: number;
  statesPerSlot: number;
  /** Kind of pointer first used by each load and store, to refuse mixing what is translated differently. */
  readonly pointerKinds: (string | undefined)[];
}

export type WalkInput = Pick<
  Walk,
  | 'program'
  | 'graph'
  | 'marks'
  | 'live'
  | 'liveStack'
  | 'loops'
  | 'wideReferences'
  | 'types'
  | 'prototype'
  | 'context'
  | 'hasFunctionRecords'
  | 'allowUninitStack'
  | 'prune'
  | 'observe'
  | 'log'
>;

export function startWalk(input: WalkInput): Walk {
  // Spelt out rather than spread: what is read at every instruction then lies in the object itself.
  return {
    program: input.program,
    graph: input.graph,
    marks: input.marks,
    live: input.live,
    liveStack: input.liveStack,
    loops: input.loops,
    wideReferences: input.wideReferences,
    types: input.types,
    prototype: input.prototype,
    context: input.context,
    hasFunctionRecords: input.hasFunctionRecords,
    allowUninitStack: input.allowUninitStack,
    prune: input.prune,
    observe: input.observe,
    log: input.log,
    facts: collectFacts(input.graph, input.marks),
    state: initialState(),
    slot: 0,
    previous: -1,
    pending: [],
    checkpoints: new Map(),
    loopVisits: new Map(),
    entry: undefined,
    lastId: 0,
    processed: 0,
    jumps: 0,
    processedAtCheckpoint: 0,
    jumpsAtCheckpoint: 0,
    totalStates: 0,
    liveStates: 0,
    peakStates: 0,
    statesPerSlot: 0,
    pointerKinds: new Array<string | undefined>(input.graph.insns.length).fill(undefined),
  };
}

export const registersOf = (w: Walk): Register[] => currentFrame(w.state).registers;
export const newId = (w: Walk): number => ++w.lastId;

/** Splits the path: the returned copy of the current state will be explored from `slot` later. */
export function fork(w: Walk, slot: number): State {
  const state = copyState(w.state);
  w.pending.push({ state, slot, previous: w.slot, logMark: w.log.mark() });
  if (w.pending.length > MAX_PENDING) {
    reject(violation('E2BIG', `The sequence of ${w.pending.length} jumps is too complex.`));
  }
  if (state.parent !== undefined) state.parent.branches++;
  return state;
}

/** The history entry of the instruction at hand, made if it has none yet. */
function historyEntry(w: Walk): HistoryEntry {
  if (w.entry === undefined) {
    w.entry = {
      before: w.state.history,
      count: historyLength(w.state) + 1,
      slot: w.slot,
      previous: w.previous,
      stack: undefined,
      dstIsStack: false,
      srcIsStack: false,
      linked: undefined,
    };
    w.state.history = w.entry;
  }
  return w.entry;
}

export function recordJump(w: Walk): void {
  historyEntry(w);
}
export function recordStackAccess(w: Walk, frame: number, index: number): void {
  historyEntry(w).stack = { frame, index };
}
export function recordStackOperands(w: Walk, dst: boolean, src: boolean): void {
  const entry = historyEntry(w);
  entry.dstIsStack ||= dst;
  entry.srcIsStack ||= src;
}
export function recordLinked(w: Walk, linked: readonly Place[]): void {
  historyEntry(w).linked = linked;
}
