import { FRAME_POINTER } from '../../isa/instruction.ts';
import {
  endReads,
  endTargets,
  type MachineBlock,
  type MachineEnd,
  type MachineFunction,
  type MachineInsn,
  type Reg,
  reads,
  writes,
} from './insn.ts';

/**
 * Half-open range of positions. Instruction i reads at 2i and writes at 2i + 1, so that a result may take the register
 * of an operand that ends there.
 */
export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface Intervals {
  /** Disjoint, in descending order while built, ascending in the end. */
  readonly ranges: ReadonlyMap<Reg, readonly Range[]>;
}

/** What is to be followed: registers, or the slots of spilled values. */
export interface Accesses {
  readonly reads: (insn: MachineInsn) => readonly Reg[];
  readonly writes: (insn: MachineInsn) => readonly Reg[];
  readonly endReads: (end: MachineEnd) => readonly Reg[];
}
export const REGISTERS: Accesses = { reads, writes, endReads };

/** What a block reads before it writes it, grown to what is live at its entry, and what it writes. */
interface Flow {
  readonly live: Set<Reg>;
  readonly written: ReadonlySet<Reg>;
}

function flowOf(block: MachineBlock, { reads, writes, endReads }: Accesses): Flow {
  const live = new Set<Reg>(endReads(block.end));
  const written = new Set<Reg>();
  for (let i = block.insns.length - 1; i >= 0; i--) {
    const insn = block.insns[i]!;
    for (const reg of writes(insn)) {
      live.delete(reg);
      written.add(reg);
    }
    for (const reg of reads(insn)) live.add(reg);
  }
  return { live, written };
}

function liveAtEntry(fn: MachineFunction, accesses: Accesses): ReadonlyMap<MachineBlock, ReadonlySet<Reg>> {
  const flows = new Map(fn.blocks.map((block) => [block, flowOf(block, accesses)]));
  // From the end on: without a way back, which is to a block that was passed already, one round says everything.
  const passed = new Set<MachineBlock>();
  let hasLoops = false;
  for (let changed = true; changed;) {
    changed = false;
    for (let index = fn.blocks.length - 1; index >= 0; index--) {
      const block = fn.blocks[index]!;
      const { live, written } = flows.get(block)!;
      const before = live.size;
      for (const next of endTargets(block.end)) {
        if (!passed.has(next)) hasLoops = true;
        for (const reg of flows.get(next)!.live) if (!written.has(reg)) live.add(reg);
      }
      passed.add(block);
      if (live.size !== before) changed = true;
    }
    if (!hasLoops) break;
  }
  return new Map(Array.from(flows, ([block, { live }]) => [block, live]));
}

/** Where each register, real or virtual, or slot holds something that is still wanted. r10 is left out. */
export function liveRanges(fn: MachineFunction, accesses = REGISTERS): Intervals {
  const { reads, writes, endReads } = accesses;
  const entry = liveAtEntry(fn, accesses);
  const ranges = new Map<Reg, Range[]>();
  const add = (reg: Reg, from: number, to: number): void => {
    if (reg === FRAME_POINTER) return;
    let list = ranges.get(reg);
    if (list === undefined) ranges.set(reg, (list = []));
    const last = list[list.length - 1];
    // Built from the end: the last one added is the earliest.
    if (last !== undefined && last.from <= to) list[list.length - 1] = { from: Math.min(from, last.from), to: last.to };
    else list.push({ from, to });
  };
  let position = fn.blocks.reduce((sum, block) => sum + block.insns.length + 1, 0);
  for (let index = fn.blocks.length - 1; index >= 0; index--) {
    const block = fn.blocks[index]!;
    const start = 2 * (position - block.insns.length - 1);
    const end = 2 * position;
    // For each live register: where its life inside the block ends.
    const live = new Map<Reg, number>();
    for (const next of endTargets(block.end)) for (const reg of entry.get(next)!) live.set(reg, end);
    position--;
    for (const reg of endReads(block.end)) if (!live.has(reg)) live.set(reg, 2 * position);
    for (let i = block.insns.length - 1; i >= 0; i--) {
      position--;
      const insn = block.insns[i]!;
      const read = reads(insn);
      for (const reg of writes(insn)) {
        const to = live.get(reg) ?? 2 * position + 2;
        live.delete(reg);
        add(reg, 2 * position + 1, to);
        // Two-address operations go on in the same register.
        if (read.includes(reg) && insn.op !== 'call' && insn.op !== 'call_function') live.set(reg, 2 * position + 1);
      }
      // `set` writes its result before it reads its operands.
      const readAt = insn.op === 'set' ? 2 * position + 2 : 2 * position;
      for (const reg of read) if (!live.has(reg)) live.set(reg, readAt);
    }
    for (const [reg, to] of live) add(reg, start, to);
  }
  for (const list of ranges.values()) list.reverse();
  return { ranges };
}

/** Whether ranges of `a` from the one at `first` on share a position with any of `b`. */
export function overlap(a: readonly Range[], first: number, b: readonly Range[]): boolean {
  for (let i = first, j = 0; i < a.length && j < b.length;) {
    const x = a[i]!;
    const y = b[j]!;
    if (x.to <= y.from) i++;
    else if (y.to <= x.from) j++;
    else return true;
  }
  return false;
}
