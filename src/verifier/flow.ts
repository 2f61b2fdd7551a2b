import { LD_IMM64 } from '../isa/decode.ts';
import { type Graph, calleeOf, isFunctionReference, isSubprogramCall, jumpTarget, successors } from './graph.ts';
import { type Violation, violation } from './rejection.ts';

/** What the walk does at each slot besides executing it. */
export interface WalkMarks {
  /** States are compared with earlier ones here. */
  readonly prune: Uint8Array;
  /** Control may come from elsewhere than the slot before: record where from. */
  readonly jump: Uint8Array;
  /** A checkpoint is always taken here. */
  readonly force: Uint8Array;
  /** A helper that runs a callback is called here. */
  readonly callback: Uint8Array;
}

/** Slots reachable from the start through jumps, calls and function references. */
function reach(g: Graph): Uint8Array {
  const seen = new Uint8Array(g.insns.length);
  const pending = [0];
  while (pending.length > 0) {
    const slot = pending.pop()!;
    if (seen[slot] === 1) continue;
    seen[slot] = 1;
    const op = g.operations[slot];
    if (op === undefined) {
      if (slot + 1 < g.insns.length) pending.push(slot + 1);
      continue;
    }
    if (isSubprogramCall(op) || isFunctionReference(op)) pending.push(calleeOf(g.insns, slot));
    const target = jumpTarget(g.insns[slot]!, op, slot);
    if (target !== undefined) pending.push(target);
    if (op.kind !== 'exit' && op.kind !== 'ja') pending.push(slot + (op.kind === 'ld_imm64' ? 2 : 1));
  }
  return seen;
}

/** Every slot is reachable, and none of the wide instructions is entered in its middle. */
export function findFlowFault(g: Graph): Violation | undefined {
  const seen = reach(g);
  for (let slot = 0; slot < g.insns.length; slot++) {
    if (seen[slot] === 0) return violation('EINVAL', `unreachable insn ${slot}`);
    if (g.insns[slot]!.code !== LD_IMM64) continue;
    if (seen[slot + 1] === 1) return violation('EINVAL', `jump into the middle of ldimm64 insn ${slot}`);
    slot++;
  }
  return undefined;
}

export function markWalk(g: Graph, runsCallback: (slot: number) => boolean): WalkMarks {
  const count = g.insns.length + 2;
  const marks: WalkMarks = {
    prune: new Uint8Array(count),
    jump: new Uint8Array(count),
    force: new Uint8Array(count),
    callback: new Uint8Array(count),
  };
  const land = (slot: number): void => {
    marks.prune[slot] = 1;
    marks.jump[slot] = 1;
  };
  for (let slot = 0; slot < g.insns.length; slot++) {
    const op = g.operations[slot];
    if (op === undefined) continue;
    const target = jumpTarget(g.insns[slot]!, op, slot);
    if (target !== undefined) land(target);
    if (op.kind === 'jump' || op.kind === 'may_goto') marks.prune[slot] = 1;
    if (op.kind === 'may_goto') marks.force[slot] = 1;
    if (isSubprogramCall(op) || isFunctionReference(op)) {
      marks.prune[slot] = 1;
      land(calleeOf(g.insns, slot));
    }
    if (op.kind === 'call') land(slot + 1);
    if (isFunctionReference(op)) land(slot + 2);
    if (op.kind === 'call' && runsCallback(slot)) {
      marks.callback[slot] = 1;
      marks.force[slot] = 1;
      land(slot);
    }
  }
  return marks;
}

function mayLoop(g: Graph, callback: Uint8Array): boolean {
  return g.insns.some((_, slot) => callback[slot] === 1 || successors(g, slot).some((s) => s <= slot));
}

/**
 * Numbers the loops: slots on one cycle share a number above 0, all others have 0. A call that runs a callback is a
 * cycle of its own. (Tarjan's strongly connected components, without recursion.)
 */
export function numberLoops(g: Graph, callback: Uint8Array): Int32Array {
  const count = g.insns.length;
  const loops = new Int32Array(count);
  if (!mayLoop(g, callback)) return loops;
  const order = new Int32Array(count);
  const low = new Int32Array(count);
  const DONE = 0x7fffffff;
  const open: number[] = [];
  let nextOrder = 1;
  let nextLoop = 1;
  for (let root = 0; root < count; root++) {
    if (order[root] !== 0) continue;
    const path = [root];
    walk: while (path.length > 0) {
      const slot = path[path.length - 1]!;
      if (order[slot] === 0) {
        order[slot] = low[slot] = nextOrder++;
        open.push(slot);
      }
      const next = successors(g, slot);
      for (const s of next) {
        if (s >= count) continue;
        if (order[s] === 0) {
          path.push(s);
          continue walk;
        }
        low[slot] = Math.min(low[slot]!, low[s]!);
      }
      path.pop();
      if (low[slot]! < order[slot]!) continue;
      const isLoop = open[open.length - 1] !== slot || next.includes(slot) || callback[slot] === 1;
      for (;;) {
        const member = open.pop()!;
        low[member] = DONE;
        if (isLoop) loops[member] = nextLoop;
        if (member === slot) break;
      }
      if (isLoop) nextLoop++;
    }
  }
  return loops;
}

/** The function's slots that its start reaches. */
export function reachableInFunction(g: Graph, start: number): readonly number[] {
  const seen = new Set<number>();
  const pending = [start];
  while (pending.length > 0) {
    const slot = pending.pop()!;
    if (seen.has(slot) || slot >= g.insns.length) continue;
    seen.add(slot);
    pending.push(...successors(g, slot));
  }
  return [...seen].sort((a, b) => a - b);
}
