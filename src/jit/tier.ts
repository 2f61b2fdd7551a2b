import type { AluOp } from '../isa/opcodes.ts';
import type { Step } from './control-flow.ts';
import { dominates } from './control-flow.ts';
import { MAX_INLINE_DIVISOR } from './emit-alu.ts';
import { inlinedCall } from './inlining.ts';
import type { FunctionPlan, ProgramPlan } from './plan.ts';
import type { State } from './transfer.ts';
import { HIGH } from './value.ts';

/** What a program is compiled to. JavaScript is the default, and what readers see. */
export type Tier = 'js' | 'wasm';

/**
 * V8 does not optimise functions of more than 61,440 bytes of bytecode, which an eBPF instruction of JavaScript takes about
 * 15 of: beyond this WebAssembly, which has no such limit, is the only fast tier.
 */
const MAX_SCRIPT_INSTRUCTIONS = 3000;

/** How often a loop is taken to run. */
const LOOP_WEIGHT = 64;

/**
 * What an instruction gains in WebAssembly, in nanoseconds as measured by bench/jit.ts, roughly: 64-bit arithmetic that
 * JavaScript does in pieces gains most; entering a module, and calling from it a helper written in JavaScript, costs.
 */
const GAINS = {
  entry: -4,
  helper: -6,
  plain: 0.08,
  multiply: 3,
  variableShift: 1.5,
  divide: 10,
  divideByNumber: 1,
} as const;

const WIDE_GAINS: Partial<Record<AluOp, number>> = {
  mul: GAINS.multiply,
  div: GAINS.divide,
  mod: GAINS.divide,
  sdiv: GAINS.divide,
  smod: GAINS.divide,
};

/** The faster tier for a program: WebAssembly where the sum of its gains, loops weighted, is positive. */
export function chooseTier(plan: ProgramPlan): Tier {
  const functions = [...plan.functions.values()];
  const instructions = functions.reduce(
    (sum, { graph }) => sum + graph.blocks.reduce((steps, block) => steps + block.steps.length, 0),
    0,
  );
  if (instructions > MAX_SCRIPT_INSTRUCTIONS) return 'wasm';
  const gain = functions.reduce<number>((sum, part) => sum + functionGain(part, plan), GAINS.entry);
  return gain > 0 ? 'wasm' : 'js';
}

function functionGain({ graph, states }: FunctionPlan, plan: ProgramPlan): number {
  const depths = loopDepths({ graph });
  let gain = 0;
  for (const block of graph.blocks) {
    const weight = LOOP_WEIGHT ** Math.min(depths[block.index]!, 2);
    block.steps.forEach((step, at) => {
      gain += weight * stepGain(step, states[block.index]![at]!, plan);
    });
  }
  return gain;
}

/** In how many natural loops each block lies. */
function loopDepths({ graph: { blocks, dominators } }: Pick<FunctionPlan, 'graph'>): number[] {
  const depths = blocks.map(() => 0);
  for (const { index: header, predecessors } of blocks) {
    const pending = predecessors.filter((from) => from >= header && dominates(dominators, header, from));
    const members = new Set(pending.length > 0 ? [header] : []);
    while (pending.length > 0) {
      const block = pending.pop()!;
      if (members.has(block)) continue;
      members.add(block);
      pending.push(...blocks[block]!.predecessors);
    }
    for (const member of members) depths[member]!++;
  }
  return depths;
}

function stepGain({ insn, operation }: Step, state: State, { maps }: ProgramPlan): number {
  if (operation.kind === 'call' && operation.callee !== 'subprogram')
    return inlinedCall(insn.imm, state, maps) !== undefined ? 0 : GAINS.helper;
  if (operation.kind !== 'alu' || operation.width === 32) return GAINS.plain;
  const isNarrow =
    (state[insn.dst]!.highs & HIGH.zero) !== 0 &&
    (operation.source === 'imm' ? insn.imm >= 0 : (state[insn.src]!.highs & HIGH.zero) !== 0);
  const isShift = operation.op === 'lsh' || operation.op === 'rsh' || operation.op === 'arsh';
  if (isShift) return operation.source === 'reg' ? GAINS.variableShift : GAINS.plain;
  // A product of narrow operands may be wide.
  if (isNarrow && operation.op !== 'mul') return GAINS.plain;
  const isByNumber = operation.source === 'imm' && insn.imm > 0 && insn.imm <= MAX_INLINE_DIVISOR;
  if (isByNumber && (operation.op === 'div' || operation.op === 'mod')) return GAINS.divideByNumber;
  return WIDE_GAINS[operation.op] ?? GAINS.plain;
}
