import { disassemble } from '../isa/disassemble.ts';
import { REGISTER_COUNT } from '../isa/instruction.ts';
import type { Block, FlowGraph, Step } from './control-flow.ts';
import { emitAlu, emitUnary } from './emit-alu.ts';
import type { CallContext } from './emit-call.ts';
import { emitHelperCall, emitSubprogramCall, parameterNames } from './emit-call.ts';
import { emitCondition } from './emit-jump.ts';
import { emitFlow } from './emit-flow.ts';
import { emitAtomic, emitLoad, emitStore } from './emit-memory.ts';
import type { Halves, LivenessNeeds } from './liveness.ts';
import { hasHigh, hasLow, liveBefore } from './liveness.ts';
import type { Site } from './site.ts';
import { highName, highText, lowName, lowText } from './site.ts';
import { edgeState } from './states.ts';
import type { FunctionPlan } from './plan.ts';
import type { State } from './transfer.ts';
import { CONTEXT_SYMBOL, FRAME_SYMBOL, helperById, resultOf, transfer } from './transfer.ts';
import { FULL, hasHighVariable } from './value.ts';
import type { Writer } from './writer.ts';
import { createWriter } from './writer.ts';

/** The JavaScript of one function. */
export function emitFunction(
  { entry, graph, live, states, stackWords, isMain }: FunctionPlan,
  context: CallContext,
  writer: Writer,
): void {
  const endStates: State[] = [];
  const body = createWriter(1);

  emitFlow(graph, body, {
    body(block) {
      const after = liveAfterEach(block, graph, live, context);
      let state = states[block.index]!;
      block.steps.forEach((step, at) => {
        const site: Site = { step, state, live: after[at]!, access: context.accesses[step.slot], stackWords, isMain };
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
  writer.block(`function ${context.functionName(entry)}(${parameters.join(', ')})`, () => {
    const locals = localNames(text).filter((local) => !parameters.includes(local));
    const initial = (local: string): string =>
      isMain && local === lowName(1) && hasLow(live[0]!, 1) ? CONTEXT_SYMBOL : '0';
    if (locals.length > 0) writer.line(`let ${locals.map((local) => `${local} = ${initial(local)}`).join(', ')};`);
    if (text.includes('budget')) writer.line('let budget = 8388608; // of may_goto: BPF_MAX_LOOPS');
    for (const line of text.trimEnd().split('\n')) writer.line(line.replace(/^ {2}/, ''));
  });
}

/** Variables of registers and stack words that the code (not its comments) mentions. */
function localNames(text: string): string[] {
  const found = new Set<string>();
  for (const line of text.split('\n')) {
    for (const [name] of line.replace(/\/\/.*$/, '').matchAll(/\b(?:[rh](?:10|\d)|s\d+)\b/g)) found.add(name);
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

function emitStep(site: Site, context: CallContext): string[] {
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
      if (operation.callee === 'subprogram') return emitSubprogramCall(site, slot + 1 + insn.imm, result, context);
      return emitHelperCall(site, insn.imm, result, context);
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
