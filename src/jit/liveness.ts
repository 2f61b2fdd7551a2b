import type { HelperRow } from '../abi/helpers.ts';
import { HELPERS } from '../abi/helpers.ts';
import { ARG_WORDS } from '../abi/helper-types.ts';
import type { MemoryAccess } from '../abi/verified-image.ts';
import { REGISTER_COUNT } from '../isa/instruction.ts';
import type { AluOp } from '../isa/opcodes.ts';
import type { FlowGraph, Step } from './control-flow.ts';
import { helperById } from './transfer.ts';

/** A set of register halves: bit r is the low half of register r, bit r + 11 its high half. */
export type Halves = number;

/** The low half of a register. */
export function lowOf(register: number): Halves {
  return 1 << register;
}

/** The high half, and the low half with it: a high half may have to be computed from the low one. */
export function bothOf(register: number): Halves {
  return (1 << register) | (1 << (register + REGISTER_COUNT));
}

/** Whether the high half of a register is in the set. */
export function hasHigh(halves: Halves, register: number): boolean {
  return (halves & (1 << (register + REGISTER_COUNT))) !== 0;
}

/** Whether the low half of a register is in the set. */
export function hasLow(halves: Halves, register: number): boolean {
  return (halves & (1 << register)) !== 0;
}

export interface LivenessNeeds {
  readonly accesses: readonly (MemoryAccess | undefined)[];
  /** Halves of r1 to r5 that the subprogram at a slot reads. */
  readonly argumentsOf: (slot: number) => Halves;
}

const R0 = 0;

/** Halves that are read before they are written, from just before a step on. */
export function liveBefore(step: Step, after: Halves, { accesses, argumentsOf }: LivenessNeeds): Halves {
  const { slot, insn, operation } = step;
  const { dst, src, imm } = insn;
  const access = accesses[slot];
  const pointerTo = (register: number): Halves => (access?.region === 'probe' ? bothOf(register) : lowOf(register));
  const sized = (register: number, size: number): Halves => (size === 8 ? bothOf(register) : lowOf(register));
  const without = (register: number): Halves => after & ~bothOf(register);
  switch (operation.kind) {
    case 'alu': {
      if (!hasLow(after, dst)) return after;
      const operand = (halves: (register: number) => Halves): Halves => (operation.source === 'reg' ? halves(src) : 0);
      const wide = operation.width === 64 && (hasHigh(after, dst) || NEEDS_HIGH[operation.op]);
      const half = wide ? bothOf : lowOf;
      if (operation.op === 'mov') return without(dst) | operand(half);
      const isShift = operation.op === 'lsh' || operation.op === 'rsh' || operation.op === 'arsh';
      return without(dst) | half(dst) | operand(isShift ? lowOf : half);
    }
    case 'neg':
      return without(dst) | (operation.width === 64 && hasHigh(after, dst) ? bothOf(dst) : lowOf(dst));
    case 'movsx':
      return hasLow(after, dst) ? without(dst) | lowOf(src) : after;
    case 'end': {
      const swapsHalves = operation.bits === 64 && operation.order !== 'le';
      return without(dst) | (swapsHalves || (operation.bits === 64 && hasHigh(after, dst)) ? bothOf(dst) : lowOf(dst));
    }
    case 'jump': {
      const half = operation.width === 64 ? bothOf : lowOf;
      return after | half(dst) | (operation.source === 'reg' ? half(src) : 0);
    }
    case 'call':
      if (operation.callee !== 'subprogram') return without(R0) | helperArguments(imm);
      return without(R0) | argumentsOf(slot + 1 + imm);
    case 'exit':
      return bothOf(R0);
    case 'load':
    case 'load_acquire':
      return without(dst) | pointerTo(src);
    case 'store':
      return after | lowOf(dst) | (operation.source === 'reg' ? sized(src, operation.size) : 0);
    case 'store_release':
      return after | lowOf(dst) | sized(src, operation.size);
    case 'atomic': {
      const used = lowOf(dst) | sized(src, operation.size);
      if (operation.op === 'cmpxchg') return without(R0) | used | sized(R0, operation.size);
      return (operation.fetch ? without(src) : after) | used;
    }
    case 'ld_imm64':
      return without(dst);
    case 'ja':
    case 'may_goto':
    case 'callx':
    case 'ld_packet':
      return after;
  }
}

/** Whether the low half of a 64-bit result depends on high halves. */
const NEEDS_HIGH: Record<AluOp, boolean> = {
  add: false,
  sub: false,
  mul: false,
  or: false,
  and: false,
  xor: false,
  mov: false,
  lsh: false,
  rsh: true,
  arsh: true,
  div: true,
  mod: true,
  sdiv: true,
  smod: true,
};

function helperArguments(id: number): Halves {
  const name = helperById(id);
  if (name === undefined) return 0;
  const row: HelperRow = HELPERS[name];
  return row.args.reduce((halves, kind, index) => halves | (ARG_WORDS[kind] === 2 ? bothOf : lowOf)(index + 1), 0);
}

/** Live halves at the start of each block. */
export function findLiveness(graph: FlowGraph, needs: LivenessNeeds): Halves[] {
  const live: Halves[] = graph.blocks.map(() => 0);
  for (let changed = true; changed;) {
    changed = false;
    for (const block of [...graph.blocks].reverse()) {
      let halves = block.successors.reduce((set, successor) => set | live[successor]!, 0);
      for (let at = block.steps.length - 1; at >= 0; at--) halves = liveBefore(block.steps[at]!, halves, needs);
      if (halves !== live[block.index]) {
        live[block.index] = halves;
        changed = true;
      }
    }
  }
  return live;
}
