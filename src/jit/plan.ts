import type { MapDefinition } from '../abi/program-image.ts';
import type { MemoryAccess, VerifiedProgram } from '../abi/verified-image.ts';
import type { FlowGraph, Step } from './control-flow.ts';
import { buildFlowGraph, decodeSteps } from './control-flow.ts';
import type { Halves, LivenessNeeds } from './liveness.ts';
import { bothOf, findLiveness } from './liveness.ts';
import type { ProgramNames } from './transfer.ts';
import { type BlockStates, findStates } from './states.ts';
import { unrollLoops } from './unroll.ts';
import { findStackWords, type StackWords } from './stack-words.ts';

/** One function of a program, analysed and ready to be written. */
export interface FunctionPlan {
  readonly entry: number;
  readonly graph: FlowGraph;
  /** Live variables at the start of each block. */
  readonly live: readonly Halves[];
  /** Registers in each block. */
  readonly states: readonly BlockStates[];
  /** Words of its stack that generated JavaScript keeps in variables. */
  readonly stackWords: StackWords;
  readonly isMain: boolean;
}

/** A program as both tiers take it. */
export interface ProgramPlan extends ProgramNames, LivenessNeeds {
  readonly verified: VerifiedProgram;
  readonly maps: readonly MapDefinition[];
  readonly accesses: readonly (MemoryAccess | undefined)[];
  /** By slot of their entries, callees before their callers. */
  readonly functions: ReadonlyMap<number, FunctionPlan>;
  /** Entries of the functions that helpers call back. */
  readonly callbacks: readonly number[];
  /** Halves of r1 to r5 that the function at a slot takes. */
  readonly parametersOf: (slot: number) => Halves;
}

const ALL_ARGUMENTS: Halves = bothOf(1) | bothOf(2) | bothOf(3) | bothOf(4) | bothOf(5);

export function planProgram(verified: VerifiedProgram, maps: readonly MapDefinition[]): ProgramPlan {
  const { program, facts } = verified;
  const steps = decodeSteps(program.insns);
  const functions = new Map<number, FunctionPlan>();
  const callbacks = new Set<number>();
  const needs = {
    relocations: new Map(program.relocations.map((row) => [row.slot, row])),
    accesses: facts.accesses,
    maps,
    argumentsOf: (slot: number): Halves => (functions.get(slot)?.live[0] ?? ALL_ARGUMENTS) & ALL_ARGUMENTS,
  };

  // Callees first: what they read decides what a call passes. The verifier has excluded recursion.
  const plan = (entry: number): void => {
    const flow = buildFlowGraph(steps, entry, facts.reached);
    for (const step of flow.blocks.flatMap((block) => block.steps)) {
      const target = functionTarget(step);
      if (target === undefined) continue;
      if (step.operation.kind === 'ld_imm64') callbacks.add(target);
      if (!functions.has(target) && target !== entry) plan(target);
    }
    const isMain = entry === 0;
    const written = findStates(flow, isMain, needs);
    const graph = unrollLoops(flow, written);
    const states = graph === flow ? written : findStates(graph, isMain, needs);
    const live = findLiveness(graph, states, needs);
    const stackWords = findStackWords(graph, states, live, needs);
    functions.set(entry, { entry, graph, live, states, stackWords, isMain });
  };
  plan(0);
  return {
    ...needs,
    verified,
    functions,
    callbacks: [...callbacks],
    parametersOf: (slot) => (functions.get(slot)?.live[0] ?? 0) & ALL_ARGUMENTS,
  };
}

/** The function that a call enters or a callback address names. */
function functionTarget({ slot, insn, operation }: Step): number | undefined {
  if (operation.kind === 'call' && operation.callee === 'subprogram') return slot + 1 + insn.imm;
  if (operation.kind === 'ld_imm64' && operation.pseudo === 'func') return slot + 1 + insn.imm;
  return undefined;
}
