import type { HelperRow } from '../abi/helpers.ts';
import { HELPERS } from '../abi/helpers.ts';
import { ARG_WORDS } from '../abi/helper-types.ts';
import type { MemoryAccess } from '../abi/verified-image.ts';
import { REGISTER_COUNT } from '../isa/instruction.ts';
import type { AluOp } from '../isa/opcodes.ts';
import type { Operation } from '../isa/operation.ts';
import type { Block, FlowGraph, Step } from './control-flow.ts';
import { copiedLocation } from './doubles.ts';
import type { BlockStates } from './states.ts';
import { edgeState } from './states.ts';
import { helperById, type State } from './transfer.ts';
import { hasHighVariable, highNeedsLow } from './value.ts';

/** A set of register halves, or of their variables: bit r is the low half of register r, bit r + 11 its high half. */
export type Halves = number;

/** The low half of a register. */
function lowOf(register: number): Halves {
  return 1 << register;
}

/** The high half of a register. */
function highOf(register: number): Halves {
  return 1 << (register + REGISTER_COUNT);
}

/** Both halves of a register. */
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
const ALL: Halves = (1 << (2 * REGISTER_COUNT)) - 1;

/**
 * Variables of halves that are read before they are written, from just before a step on. A half that is known where it is
 * read is not read from its variable.
 */
export function liveBefore(step: Step, state: State, after: Halves, needs: LivenessNeeds): Halves {
  const { kills, reads } = effectOf(step, state, after, needs);
  return (after & ~kills) | variablesOf(reads, state);
}

/** The variables from which these halves are known. */
function variablesOf(halves: Halves, state: State): Halves {
  let variables = 0;
  for (let rest = halves & ALL; rest !== 0; rest &= rest - 1) {
    const bit = 31 - Math.clz32(rest & -rest);
    const register = bit < REGISTER_COUNT ? bit : bit - REGISTER_COUNT;
    const value = state[register]!;
    if (bit < REGISTER_COUNT) {
      if (value.low === undefined) variables |= lowOf(register);
    } else if (hasHighVariable(value)) variables |= highOf(register);
    else if (highNeedsLow(value)) variables |= lowOf(register);
  }
  return variables;
}

/** Variables that a block's successors read, as its end knows them: the way there assigns those that are known. */
export function liveAtEnd(block: Block, { blocks }: FlowGraph, live: readonly Halves[], out: State): Halves {
  return block.successors.reduce(
    (set, successor) => set | variablesOf(live[successor]!, edgeState(block, blocks[successor]!, out)),
    0,
  );
}

/** Halves that a step overwrites, and those that it reads to compute what is read `after` it. */
interface Effect {
  readonly kills: Halves;
  readonly reads: Halves;
}

const NOTHING: Effect = { kills: 0, reads: 0 };

function sets(register: number, reads: Halves): Effect {
  return { kills: bothOf(register), reads };
}

/** What an access of so many bytes needs of a register. */
function sized(register: number, size: number): Halves {
  return size === 8 ? bothOf(register) : lowOf(register);
}

function effectOf(step: Step, state: State, after: Halves, { accesses, argumentsOf }: LivenessNeeds): Effect {
  const { slot, insn, operation } = step;
  const { dst, src, imm } = insn;
  switch (operation.kind) {
    case 'alu':
      return aluEffect(step, operation, after);
    case 'neg':
      return sets(dst, operation.width === 64 && hasHigh(after, dst) ? bothOf(dst) : lowOf(dst));
    case 'movsx':
      return (after & bothOf(dst)) === 0 ? NOTHING : sets(dst, lowOf(src));
    case 'end': {
      const swapsHalves = operation.bits === 64 && operation.order !== 'le';
      return sets(dst, swapsHalves || (operation.bits === 64 && hasHigh(after, dst)) ? bothOf(dst) : lowOf(dst));
    }
    case 'jump': {
      const half = operation.width === 64 ? bothOf : lowOf;
      return { kills: 0, reads: half(dst) | (operation.source === 'reg' ? half(src) : 0) };
    }
    case 'call':
      return sets(R0, operation.callee === 'subprogram' ? argumentsOf(slot + 1 + imm) : helperArguments(imm));
    case 'exit':
      return { kills: ~0, reads: bothOf(R0) };
    case 'load':
    case 'load_acquire':
      return sets(dst, accesses[slot]?.region === 'probe' ? bothOf(src) : lowOf(src));
    case 'store': {
      const isNumber = operation.source === 'imm' || copiedLocation(step, state, accesses[slot]) !== undefined;
      return { kills: 0, reads: lowOf(dst) | (isNumber ? 0 : sized(src, operation.size)) };
    }
    case 'store_release':
      return { kills: 0, reads: lowOf(dst) | sized(src, operation.size) };
    case 'atomic': {
      const reads = lowOf(dst) | sized(src, operation.size);
      if (operation.op === 'cmpxchg') return sets(R0, reads | sized(R0, operation.size));
      return operation.fetch ? sets(src, reads) : { kills: 0, reads };
    }
    case 'ld_imm64':
      return sets(dst, 0);
    case 'ja':
    case 'may_goto':
    case 'callx':
    case 'ld_packet':
      return NOTHING;
  }
}

function aluEffect({ insn }: Step, operation: Extract<Operation, { kind: 'alu' }>, after: Halves): Effect {
  const { dst, src, imm } = insn;
  if ((after & bothOf(dst)) === 0) return NOTHING;
  const { op, width, source } = operation;
  const wide = width === 64 && (hasHigh(after, dst) || NEEDS_HIGH[op]);
  const half = wide ? bothOf : lowOf;
  if (op === 'mov') return sets(dst, source === 'reg' ? half(src) : 0);
  const isShift = op === 'lsh' || op === 'rsh' || op === 'arsh';
  const takesHighOnly = wide && isShift && op !== 'lsh' && source === 'imm' && (imm & 63) >= 32;
  if (takesHighOnly) return sets(dst, highOf(dst));
  return sets(dst, half(dst) | (source === 'imm' ? 0 : isShift ? lowOf(src) : half(src)));
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

/** Live variables at the start of each block. */
export function findLiveness(graph: FlowGraph, states: readonly BlockStates[], needs: LivenessNeeds): Halves[] {
  const live: Halves[] = graph.blocks.map(() => 0);
  const backwards = [...graph.blocks].reverse();
  for (let changed = true; changed;) {
    changed = false;
    for (const block of backwards) {
      const before = states[block.index]!;
      let halves = liveAtEnd(block, graph, live, before.at(-1)!);
      for (let at = block.steps.length - 1; at >= 0; at--)
        halves = liveBefore(block.steps[at]!, before[at]!, halves, needs);
      if (halves !== live[block.index]) {
        live[block.index] = halves;
        changed = true;
      }
    }
  }
  return live;
}
