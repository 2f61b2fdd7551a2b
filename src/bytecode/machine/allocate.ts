import { FRAME_POINTER } from '../../isa/instruction.ts';
import { bug } from '../../source/bug.ts';
import {
  FIRST_VIRTUAL,
  type MachineFunction,
  type Reg,
  endReads,
  mapEndRegisters,
  mapRegisters,
  reads,
  writes,
} from './insn.ts';
import { placeSpills, spill } from './spill.ts';
import { threadJumps } from './thread-jumps.ts';
import { type Range, liveRanges, overlap } from './liveness.ts';

const REGISTERS = 10;
/** r6 to r9 outlive calls, so that they are kept for what needs them. */
const PREFERENCE: readonly Reg[] = [0, 5, 4, 3, 2, 1, 6, 7, 8, 9];

/**
 * Linear scan over live ranges with holes: values in order of their first definition, each to a register that is free
 * over all its ranges, rather the one that a move shares with it. Where none is free the cheapest to reload goes to the
 * frame, and the scan starts again with short values around its uses.
 */
export function allocateRegisters(fn: MachineFunction, frameLimit: number): 'ok' | 'frame is full' {
  // Made by spilling: nothing could be won by spilling them again.
  const temporaries = new Set<Reg>();
  for (;;) {
    const scan = new Scan(fn, temporaries).run();
    if (scan.spilled.size === 0) {
      assign(fn, scan.assigned);
      placeSpills(fn);
      threadJumps(fn);
      return fn.frame <= frameLimit ? 'ok' : 'frame is full';
    }
    spill(fn, scan.spilled, temporaries);
  }
}

interface Candidate {
  readonly reg: Reg;
  readonly ranges: readonly Range[];
  /** The first range that does not end before the value in hand begins. */
  current: number;
}

/** One scan: where each value goes, and which have no place. */
class Scan {
  readonly #fn: MachineFunction;
  readonly #temporaries: ReadonlySet<Reg>;
  readonly #ranges: ReadonlyMap<Reg, readonly Range[]>;
  /** By machine register, who holds it at the position at hand or later. */
  readonly #taken: Candidate[][] = Array.from({ length: REGISTERS }, () => []);
  readonly #assigned = new Map<Reg, Reg>();
  readonly #spilled = new Set<Reg>();
  /** Counted when first something must be spilled. */
  #weights: ReadonlyMap<Reg, number> | undefined;

  constructor(fn: MachineFunction, temporaries: ReadonlySet<Reg>) {
    this.#fn = fn;
    this.#temporaries = temporaries;
    this.#ranges = liveRanges(fn).ranges;
  }

  run(): { readonly assigned: ReadonlyMap<Reg, Reg>; readonly spilled: ReadonlySet<Reg> } {
    const hints = moveHints(this.#fn);
    for (const candidate of this.#candidates()) {
      const begins = candidate.ranges[0]!.from;
      for (const holders of this.#taken) dropEnded(holders, begins);
      const isFree = (reg: Reg): boolean => !this.#taken[reg]!.some((other) => this.#conflict(candidate, other));
      const hinted = hintedRegisters(candidate.reg, hints, this.#assigned);
      const choice = hinted.find(isFree) ?? PREFERENCE.find(isFree) ?? this.#makeFree(candidate);
      if (choice === undefined) {
        this.#spilled.add(candidate.reg);
        continue;
      }
      this.#taken[choice]!.push(candidate);
      this.#assigned.set(candidate.reg, choice);
    }
    return { assigned: this.#assigned, spilled: this.#spilled };
  }

  /** Values in order of their first definition; the machine's own registers hold theirs from the start. */
  #candidates(): Candidate[] {
    const candidates: Candidate[] = [];
    for (const [reg, ranges] of this.#ranges) {
      const list = reg < REGISTERS ? this.#taken[reg]! : candidates;
      list.push({ reg, ranges, current: 0 });
    }
    return candidates.sort((a, b) => a.ranges[0]!.from - b.ranges[0]!.from || a.reg - b.reg);
  }

  #conflict(candidate: Candidate, other: Candidate): boolean {
    return !this.#spilled.has(other.reg) && overlap(other.ranges, other.current, candidate.ranges);
  }
  #conflicts(candidate: Candidate, reg: Reg): readonly Candidate[] {
    return this.#taken[reg]!.filter((other) => this.#conflict(candidate, other));
  }

  /** Spills those that are cheaper to reload than the candidate, from the register where they are cheapest. */
  #makeFree(candidate: Candidate): Reg | undefined {
    let choice: Reg | undefined;
    let cheapest = this.#weightOf(candidate);
    for (const reg of PREFERENCE) {
      const cost = this.#conflicts(candidate, reg).reduce((sum, other) => sum + this.#weightOf(other), 0);
      if (cost >= cheapest) continue;
      cheapest = cost;
      choice = reg;
    }
    if (choice === undefined) {
      if (this.#weightOf(candidate) === Infinity) bug('no register for a reload');
      return undefined;
    }
    for (const other of this.#conflicts(candidate, choice)) {
      this.#spilled.add(other.reg);
      this.#assigned.delete(other.reg);
    }
    return choice;
  }

  /** What spilling it would cost, by how long it would free a register. */
  #weightOf({ reg, ranges }: Candidate): number {
    if (reg < FIRST_VIRTUAL || this.#temporaries.has(reg)) return Infinity;
    this.#weights ??= useWeights(this.#fn);
    const length = ranges.reduce((sum, range) => sum + range.to - range.from, 0);
    return (this.#weights.get(reg) ?? 0) / (length + 8);
  }
}

/** Leaves those that still hold something at this position, in their order. */
function dropEnded(holders: Candidate[], position: number): void {
  let kept = 0;
  for (const holder of holders) if (outlasts(holder, position)) holders[kept++] = holder;
  holders.length = kept;
}

/** Whether it holds anything from this position on; those that begin later begin no earlier. */
function outlasts(candidate: Candidate, position: number): boolean {
  const { ranges } = candidate;
  while (candidate.current < ranges.length && ranges[candidate.current]!.to <= position) candidate.current++;
  return candidate.current < ranges.length;
}

function useWeights(fn: MachineFunction): Map<Reg, number> {
  const weights = new Map<Reg, number>();
  for (const block of fn.blocks) {
    const each = 10 ** Math.min(block.depth, 6);
    const count = (reg: Reg): void => void weights.set(reg, (weights.get(reg) ?? 0) + each);
    for (const insn of block.insns) {
      reads(insn).forEach(count);
      writes(insn).forEach(count);
    }
    endReads(block.end).forEach(count);
  }
  return weights;
}

/** Which registers a register is moved from and to, the most frequent first. */
function moveHints(fn: MachineFunction): Map<Reg, Reg[]> {
  const hints = new Map<Reg, Reg[]>();
  const add = (reg: Reg, partner: Reg): void => {
    if (reg < FIRST_VIRTUAL || partner === FRAME_POINTER) return;
    const list = hints.get(reg);
    if (list === undefined) hints.set(reg, [partner]);
    else if (!list.includes(partner)) list.push(partner);
  };
  for (const block of fn.blocks)
    for (const insn of block.insns)
      if (insn.op === 'mov') {
        add(insn.dst, insn.src);
        add(insn.src, insn.dst);
      }
  return hints;
}

function hintedRegisters(reg: Reg, hints: ReadonlyMap<Reg, readonly Reg[]>, assigned: ReadonlyMap<Reg, Reg>): Reg[] {
  const result: Reg[] = [];
  if (!hints.has(reg)) return result;
  const seen = new Set<Reg>([reg]);
  let ring: readonly Reg[] = [reg];
  // Partners of partners: a chain of copies should end up in one register.
  for (let distance = 0; distance < 3; distance++) {
    const next: Reg[] = [];
    for (const from of ring)
      for (const partner of hints.get(from) ?? []) {
        if (seen.has(partner)) continue;
        seen.add(partner);
        const real = partner < FIRST_VIRTUAL ? partner : assigned.get(partner);
        if (real !== undefined) result.push(real);
        if (partner >= FIRST_VIRTUAL) next.push(partner);
      }
    ring = next;
  }
  return result;
}

function assign(fn: MachineFunction, assigned: ReadonlyMap<Reg, Reg>): void {
  const real = (reg: Reg): Reg => (reg < FIRST_VIRTUAL ? reg : (assigned.get(reg) ?? bug('value without a register')));
  for (const block of fn.blocks) {
    for (const insn of block.insns) mapRegisters(insn, real, real);
    block.insns = block.insns.filter((insn) => insn.op !== 'mov' || insn.src !== insn.dst);
    mapEndRegisters(block.end, real);
  }
}
