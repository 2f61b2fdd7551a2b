import type { Insn } from '../isa/instruction.ts';
import type { Operation } from '../isa/operation.ts';
import { type Graph, type Postorder, successors } from './graph.ts';

const CALLER_SAVED = 0x3f;
export const ARGUMENTS = 0x3e;
const bit = (register: number): number => 1 << register;

interface Effect {
  readonly reads: number;
  readonly writes: number;
}

/** Registers that an instruction reads and writes, as bit sets. */
export function registerEffect(insn: Insn, op: Operation, argumentCount: (helper: number) => number): Effect {
  const dst = bit(insn.dst);
  const src = bit(insn.src);
  switch (op.kind) {
    case 'alu': {
      const operand = op.source === 'reg' ? src : 0;
      return { reads: op.op === 'mov' ? operand : dst | operand, writes: dst };
    }
    case 'neg':
    case 'end':
      return { reads: dst, writes: dst };
    case 'movsx':
    case 'load':
    case 'load_acquire':
      return { reads: src, writes: dst };
    case 'store':
      return { reads: op.source === 'reg' ? dst | src : dst, writes: 0 };
    case 'store_release':
      return { reads: dst | src, writes: 0 };
    case 'atomic':
      if (op.op === 'cmpxchg') return { reads: dst | src | bit(0), writes: bit(0) };
      return { reads: dst | src, writes: op.fetch ? src : 0 };
    case 'jump':
      return { reads: op.source === 'reg' ? dst | src : dst, writes: 0 };
    case 'ja':
    case 'may_goto':
      return { reads: 0, writes: 0 };
    case 'call': {
      const reads = op.callee !== 'subprogram' ? ((1 << (argumentCount(insn.imm) + 1)) - 1) & ARGUMENTS : ARGUMENTS;
      return { reads, writes: CALLER_SAVED };
    }
    case 'callx':
      return { reads: ARGUMENTS | dst, writes: CALLER_SAVED };
    case 'exit':
      return { reads: bit(0), writes: 0 };
    case 'ld_imm64':
      return { reads: 0, writes: dst };
    case 'ld_packet':
      return { reads: bit(6) | (op.mode === 'ind' ? src : 0), writes: CALLER_SAVED };
  }
}

/** By slot, the registers whose value before it may still be read: other registers need not agree to prune. */
export function liveRegisters(
  g: Graph,
  orders: readonly Postorder[],
  argumentCount: (helper: number) => number,
): Uint16Array {
  const count = g.insns.length;
  const live = new Uint16Array(count + 2);
  const effects = g.insns.map((insn, slot) => {
    const op = g.operations[slot];
    return op === undefined ? { reads: 0, writes: 0 } : registerEffect(insn, op, argumentCount);
  });
  for (const { slots, hasLoops } of orders) while (liveBefore(g, slots, effects, live) && hasLoops);
  return live;
}

/** One round backwards; true if anything changed. */
function liveBefore(g: Graph, order: readonly number[], effects: readonly Effect[], live: Uint16Array): boolean {
  let changed = false;
  for (const slot of order) {
    let after = 0;
    for (const s of successors(g, slot)) after |= live[s]!;
    const before = (after & ~effects[slot]!.writes) | effects[slot]!.reads;
    if (before === live[slot]) continue;
    live[slot] = before;
    changed = true;
  }
  return changed;
}
