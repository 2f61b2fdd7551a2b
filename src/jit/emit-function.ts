import type { MemoryAccess } from '../abi/verified-image.ts';
import { disassemble } from '../isa/disassemble.ts';
import { REGISTER_COUNT } from '../isa/instruction.ts';
import type { Block, FlowGraph, Step } from './control-flow.ts';
import { emitAlu, emitUnary } from './emit-alu.ts';
import type { CallContext } from './emit-call.ts';
import { emitHelperCall, emitSubprogramCall, parameterNames } from './emit-call.ts';
import { emitCondition } from './emit-jump.ts';
import { CONTEXT_SYMBOL, emitAtomic, emitLoad, emitStore } from './emit-memory.ts';
import type { Halves, LivenessNeeds } from './liveness.ts';
import { hasHigh, hasLow, liveBefore } from './liveness.ts';
import type { Site } from './site.ts';
import { highName, highText, lowName, lowText } from './site.ts';
import { emitFlow } from './structure.ts';
import type { ProgramNames, State } from './transfer.ts';
import { FRAME_SYMBOL, helperById, refine, resultOf, transfer } from './transfer.ts';
import { address, constant, equalValues, FULL, hasHighVariable, join, MAX_S32, MAX_U32 } from './value.ts';
import type { Writer } from './writer.ts';
import { createWriter } from './writer.ts';

/** One function of a program, analysed and ready to be written. */
export interface FunctionPlan {
  readonly graph: FlowGraph;
  /** Live halves at the start of each block. */
  readonly live: readonly Halves[];
  readonly isMain: boolean;
  readonly name: string;
}

export interface FunctionContext extends ProgramNames, LivenessNeeds, CallContext {
  readonly accesses: readonly (MemoryAccess | undefined)[];
}

/** Register values on entry: the calling convention, and zero for what a function may not read. */
function entryState(isMain: boolean): State {
  return Array.from({ length: REGISTER_COUNT }, (_, register) => {
    if (register === 10) return address(FRAME_SYMBOL, 0);
    if (isMain && register === 1) return address(CONTEXT_SYMBOL, 0);
    return !isMain && register >= 1 && register <= 5 ? FULL : constant(0, 0);
  });
}

/** Values at the start of each block: the join over all edges, iterated until stable. */
function findStates({ graph, isMain }: FunctionPlan, names: ProgramNames): State[] {
  const states: (State | undefined)[] = graph.blocks.map(() => undefined);
  const thresholds = widenings(graph);
  const widen = (max: number): number => thresholds.find((threshold) => threshold >= max) ?? MAX_U32;
  states[0] = entryState(isMain);
  const pending = graph.blocks.map((_, index) => index === 0);
  // Passes in reverse postorder: a block is looked at after those before it, except along back edges.
  const nextPending = (from: number): number => {
    const later = pending.indexOf(true, from);
    return later === -1 ? pending.indexOf(true) : later;
  };
  for (let index = 0; index !== -1; index = nextPending(index)) {
    pending[index] = false;
    const block = graph.blocks[index]!;
    const out = block.steps.reduce<State>((state, step) => transfer(step, state, names), states[index]!);
    for (const successor of block.successors) {
      const incoming = edgeState(block, graph.blocks[successor]!, out);
      const known = states[successor];
      const isBackward = successor <= index;
      const joined =
        known?.map((value, register) => {
          const merged = join(value, incoming[register]!);
          return isBackward && merged.max !== value.max ? { ...merged, max: widen(merged.max) } : merged;
        }) ?? incoming;
      if (known !== undefined && joined.every((value, register) => equalValues(value, known[register]!))) continue;
      states[successor] = joined;
      pending[successor] = true;
    }
  }
  return states.map((state) => state ?? entryState(isMain));
}

/**
 * A bound that grows around a loop jumps to the next number that some comparison mentions, so that the analysis ends after
 * few rounds and still finds the bound that the loop's own condition sets.
 */
function widenings({ blocks }: FlowGraph): number[] {
  const numbers = new Set([MAX_S32, MAX_U32]);
  for (const { insn, operation } of blocks.flatMap(({ steps }) => steps.at(-1)!)) {
    if (operation.kind !== 'jump' || operation.source !== 'imm') continue;
    for (const near of [-1, 0, 1]) if (insn.imm + near >= 0) numbers.add(insn.imm + near);
  }
  return [...numbers].sort((a, b) => a - b);
}

function edgeState(from: Block, to: Block, out: State): State {
  const [taken, other] = from.successors;
  // With one successor both ways of a jump lead there (or one was never reached): nothing is learnt.
  if (taken === undefined || other === undefined) return out;
  return refine(from.steps.at(-1)!, taken === to.index ? 0 : 1, out);
}

/** The JavaScript of one function. */
export function emitFunction(plan: FunctionPlan, context: FunctionContext, writer: Writer): void {
  const { graph, live, isMain, name } = plan;
  const states = findStates(plan, context);
  const endStates: State[] = [];
  const body = createWriter(1);

  emitFlow(graph, body, {
    body(block) {
      const after = liveAfterEach(block, graph, live, context);
      let state = states[block.index]!;
      block.steps.forEach((step, at) => {
        const site: Site = { step, state, live: after[at]!, access: context.accesses[step.slot], isMain };
        writeStep(site, emitStep(site, context), body);
        state = transfer(step, state, context);
      });
      endStates[block.index] = state;
    },
    condition: (block, negated) => {
      const step = block.steps.at(-1)!;
      return `${emitCondition(step, endStates[block.index]!, negated)}`;
    },
    edge(from, to) {
      const state = edgeState(from, to, endStates[from.index]!);
      for (let register = 0; register < REGISTER_COUNT; register++) {
        // The high half gets its variable where paths that knew it otherwise meet.
        if (!hasHigh(live[to.index]!, register) || !hasHighVariable(states[to.index]![register]!)) continue;
        if (!hasHighVariable(state[register]!))
          body.line(`${highName(register)} = ${highText(state[register]!, register)};`);
      }
    },
  });

  const text = body.text();
  const parameters = isMain ? [CONTEXT_SYMBOL] : [FRAME_SYMBOL, ...parameterNames(live[0]!)];
  writer.block(`function ${name}(${parameters.join(', ')})`, () => {
    const locals = localNames(text).filter((local) => !parameters.includes(local));
    const initial = (local: string): string =>
      isMain && local === lowName(1) && hasLow(live[0]!, 1) ? CONTEXT_SYMBOL : '0';
    if (locals.length > 0) writer.line(`let ${locals.map((local) => `${local} = ${initial(local)}`).join(', ')};`);
    if (text.includes('budget')) writer.line('let budget = 8388608; // of may_goto: BPF_MAX_LOOPS');
    for (const line of text.trimEnd().split('\n')) writer.line(line.replace(/^ {2}/, ''));
  });
}

/** Register variables that the code (not its comments) mentions. */
function localNames(text: string): string[] {
  const found = new Set<string>();
  for (const line of text.split('\n')) {
    for (const [name] of line.replace(/\/\/.*$/, '').matchAll(/\b[rh](?:10|\d)\b/g)) found.add(name);
  }
  return [...found].sort();
}

function liveAfterEach(block: Block, graph: FlowGraph, live: readonly Halves[], needs: LivenessNeeds): Halves[] {
  const after: Halves[] = [];
  let halves = block.successors.reduce((set, successor) => set | live[successor]!, 0);
  for (let at = block.steps.length - 1; at >= 0; at--) {
    after[at] = halves;
    halves = liveBefore(block.steps[at]!, halves, needs);
  }
  // Jumps end a block: what they read is still live in front of the jump itself.
  return after;
}

function emitStep(site: Site, context: FunctionContext): string[] {
  const { step, state } = site;
  const { insn, operation, slot } = step;
  const result = resultOf(step, state, context)?.value ?? FULL;
  switch (operation.kind) {
    case 'alu':
      return emitAlu(site, operation, result);
    case 'neg':
    case 'movsx':
    case 'end':
      return emitUnary(site, operation, result);
    case 'load':
    case 'load_acquire':
      return emitLoad(site, operation, result);
    case 'store':
    case 'store_release':
      return emitStore(site, operation);
    case 'atomic':
      return emitAtomic(site, operation);
    case 'ld_imm64': {
      if (!hasLow(site.live, insn.dst)) return [];
      return [`${lowName(insn.dst)} = ${lowText(result, insn.dst)};`];
    }
    case 'call':
      if (operation.callee === 'helper') return emitHelperCall(site, insn.imm, result, context);
      if (operation.callee === 'subprogram') return emitSubprogramCall(site, slot + 1 + insn.imm, result, context);
      return [`unsupported(${slot});`];
    case 'exit':
      return [`HEAP32[RESULT] = ${highText(state[0]!, 0)};`, `return ${lowText(state[0]!, 0)};`];
    case 'callx':
    case 'ld_packet':
      return [`unsupported(${slot});`];
    case 'jump':
    case 'ja':
    case 'may_goto':
      return [];
  }
}

/** The eBPF line stands beside the first statement it became, or alone. */
function writeStep({ step }: Site, statements: readonly string[], writer: Writer): void {
  const comment = `// ${step.slot}: ${describe(step)}`;
  if (statements.length === 0) writer.line(comment);
  statements.forEach((text, at) => writer.line(at === 0 ? `${text} ${comment}` : text));
}

function describe({ insn, next }: Step): string {
  return disassemble(insn, next, {
    helper: (id) => {
      const name = helperById(id);
      return name === undefined ? undefined : `bpf_${name}`;
    },
  });
}
