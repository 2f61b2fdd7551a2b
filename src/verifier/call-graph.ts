import type { ProgramType } from '../abi/program-image.ts';
import { MAX_BPF_STACK } from '../isa/instruction.ts';
import { reachableInFunction } from './flow.ts';
import { type Graph, calleeOf, isFunctionReference, isSubprogramCall } from './graph.ts';
import { MAX_CALL_FRAMES } from '../isa/instruction.ts';
import { MAX_STACK_BEFORE_TAIL_CALL } from './limits.ts';
import { type Violation, violation } from './rejection.ts';

const indexOf = (g: Graph, start: number): number => g.functions.findIndex((f) => f.start === start);

/** Functions must not call themselves, not even through others. */
export function findRecursion(g: Graph): Violation | undefined {
  const OPEN = 1;
  const DONE = 2;
  const colour = new Uint8Array(g.functions.length);
  const names = (slot: number): boolean =>
    isSubprogramCall(g.operations[slot]) || isFunctionReference(g.operations[slot]);
  if (!g.insns.some((_, slot) => names(slot))) return undefined;
  const calls = g.functions.map((f) => reachableInFunction(g, f.start).filter(names));
  const visit = (index: number): Violation | undefined => {
    colour[index] = OPEN;
    for (const slot of calls[index]!) {
      const callee = indexOf(g, calleeOf(g.insns, slot));
      if (colour[callee] === DONE) continue;
      if (colour[callee] === OPEN) {
        if (isFunctionReference(g.operations[slot])) continue;
        const chain = `${g.functions[index]!.name}() to ${g.functions[callee]!.name}()`;
        return violation('EINVAL', `recursive call from ${chain}`);
      }
      const found = visit(callee);
      if (found !== undefined) return found;
    }
    colour[index] = DONE;
    return undefined;
  };
  for (let index = 0; index < g.functions.length; index++) {
    const found = colour[index] === 0 ? visit(index) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** These run on a stack of their own, frame by frame, so that frames together may exceed the limit. */
const PRIVATE_STACK: ReadonlySet<ProgramType> = new Set<ProgramType>([
  'kprobe',
  'tracepoint',
  'perf_event',
  'raw_tracepoint',
  'tracing',
]);
/** Smaller frames stay on the common stack. */
const PRIVATE_STACK_MIN = 64;

const roundUp = (n: number): number => Math.ceil(n / 16) * 16;

/** The frames of every chain of calls fit the stack; `depths` by function. */
export function findStackOverflow(g: Graph, type: ProgramType, depths: readonly number[]): Violation | undefined {
  const privateStack = PRIVATE_STACK.has(type) && !g.functions.some((f) => f.makesTailCall);
  const ends = (index: number): number => g.functions[index]!.end;
  const visit = (index: number, above: number, frame: number, chain: number): Violation | undefined => {
    const f = g.functions[index]!;
    if (index > 0 && f.makesTailCall && above >= MAX_STACK_BEFORE_TAIL_CALL) {
      const text = `tail_calls are not allowed when call stack of previous frames is ${above} bytes. Too large`;
      return violation('EACCES', text);
    }
    const own = roundUp(depths[index]!);
    const isPrivate = privateStack && own >= PRIVATE_STACK_MIN;
    const depth = isPrivate ? above : above + own;
    if (isPrivate && own > MAX_BPF_STACK) {
      return violation('EACCES', `stack size of subprog ${index} is ${own}. Too large`);
    }
    if (depth > MAX_BPF_STACK) {
      return violation('EACCES', `combined stack size of ${chain} calls is ${depth}. Too large`);
    }
    for (let slot = f.start; slot < ends(index); slot++) {
      const op = g.operations[slot];
      if (!isSubprogramCall(op) && !isFunctionReference(op)) continue;
      if (frame + 1 >= MAX_CALL_FRAMES)
        return violation('E2BIG', `the call stack of ${frame + 1} frames is too deep !`);
      const found = visit(indexOf(g, calleeOf(g.insns, slot)), depth, frame + 1, chain + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return visit(0, 0, 0, 1);
}
