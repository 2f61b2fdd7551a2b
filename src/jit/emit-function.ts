import { disassemble } from '../isa/disassemble.ts';
import { REGISTER_COUNT } from '../isa/instruction.ts';
import type { Block, Step } from './control-flow.ts';
import { emitAlu, emitUnary } from './emit-alu.ts';
import type { CallContext } from './emit-call.ts';
import { emitHelperCall, emitNullCheck, emitSubprogramCall, parameterNames } from './emit-call.ts';
import { emitCondition } from './emit-jump.ts';
import { emitFlow } from './emit-flow.ts';
import { emitAtomic, emitLoad, emitStore } from './emit-memory.ts';
import type { Halves, LivenessNeeds } from './liveness.ts';
import { hasHigh, hasLow, liveAtEnd, liveBefore } from './liveness.ts';
import type { Site } from './site.ts';
import { highName, highText, lowName, lowText } from './site.ts';
import { type BlockStates, edgeState } from './states.ts';
import type { FunctionPlan } from './plan.ts';
import { CONTEXT_SYMBOL, FRAME_SYMBOL, helperById, MAIN_FRAME_SYMBOL, resultOf } from './transfer.ts';
import { FULL, hasHighVariable } from './value.ts';
import type { Writer } from './writer.ts';
import { createWriter } from './writer.ts';

const FRAME_POINTER = new RegExp(`\\b${FRAME_SYMBOL}\\b`, 'g');

/** The JavaScript of one function. */
export function emitFunction(
  { entry, graph, live, states, stackWords, isMain }: FunctionPlan,
  context: CallContext,
  writer: Writer,
): void {
  const body = createWriter(1);
  const siteOf = (block: Block, at: number, after: Halves): Site => {
    const step = block.steps[at]!;
    const state = states[block.index]![at]!;
    const access = context.accesses[step.slot];
    return { step, next: block.steps[at + 1], state, live: after, access, stackWords, isMain };
  };

  emitFlow(graph, body, {
    body(block) {
      const within = states[block.index]!;
      const after = liveAfterEach(block, within, liveAtEnd(block, graph, live, within.at(-1)!), context);
      block.steps.forEach((step, at) => {
        writeStep(step, emitStep(siteOf(block, at, after[at]!), context), body);
      });
    },
    condition: (block, negated) => {
      const step = block.steps.at(-1)!;
      const before = block.steps.length - 2;
      const nullCheck = before < 0 ? undefined : emitNullCheck(siteOf(block, before, 0), negated, context);
      if (nullCheck !== undefined) return nullCheck;
      return emitCondition(step, states[block.index]!.at(-1)!, negated);
    },
    edge(from, to) {
      const state = edgeState(from, to, states[from.index]!.at(-1)!);
      const wanted = live[to.index]!;
      for (let register = 0; register < REGISTER_COUNT; register++) {
        // What is known is in no variable until it meets, here, a path that knows otherwise.
        const value = state[register]!;
        if (hasLow(wanted, register) && value.low !== undefined)
          body.line(`${lowName(register)} = ${lowText(value, register)};`);
        if (hasHigh(wanted, register) && !hasHighVariable(value))
          body.line(`${highName(register)} = ${highText(value, register)};`);
      }
    },
  });

  const text = isMain ? body.text().replaceAll(FRAME_POINTER, MAIN_FRAME_SYMBOL) : body.text();
  const parameters = isMain ? [CONTEXT_SYMBOL] : [FRAME_SYMBOL, ...parameterNames(live[0]!)];
  writer.block(`function ${context.functionName(entry)}(${parameters.join(', ')})`, () => {
    const locals = localNames(text).filter((local) => !parameters.includes(local));
    if (locals.length > 0) writer.line(`let ${locals.map((local) => `${local} = 0`).join(', ')};`);
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

function liveAfterEach({ steps }: Block, within: BlockStates, atEnd: Halves, needs: LivenessNeeds): Halves[] {
  const after: Halves[] = [];
  let halves = atEnd;
  for (let at = steps.length - 1; at >= 0; at--) {
    after[at] = halves;
    halves = liveBefore(steps[at]!, within[at]!, halves, needs);
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
    case 'call':
      if (operation.callee === 'subprogram') return emitSubprogramCall(site, slot + 1 + insn.imm, result, context);
      return emitHelperCall(site, insn.imm, result, context);
    case 'exit':
      return [`HEAP32[RESULT] = ${highText(state[0]!, 0)};`, `return ${lowText(state[0]!, 0)};`];
    case 'callx':
    case 'ld_packet':
      return [`unsupported(${slot});`];
    // What is known is written where it is read.
    case 'ld_imm64':
    case 'jump':
    case 'ja':
    case 'may_goto':
      return [];
  }
}

/** The eBPF line stands beside the first statement it became, or alone. */
function writeStep(step: Step, statements: readonly string[], writer: Writer): void {
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
