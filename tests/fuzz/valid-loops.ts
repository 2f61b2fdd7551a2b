import * as build from '../../src/isa/builders.ts';
import { callFunction } from './valid-calls.ts';
import { type Callee, COUNTERS, type FunctionDraft } from './function-draft.ts';
import { JUMP_ITEMS, SIMPLE_ITEMS, STRAIGHT_ITEMS } from './valid-items.ts';

/** Numbers of turns on either side of what compilers write out. */
const TURNS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 24, 32, 33, 64];
/** Turns of a loop whose body branches: the verifier follows each way through each of them. */
const BRANCHING_TURNS = 6;
const CALLING_TURNS = 4;
const DEEPEST = 3;

/** Where a loop counts: in a register, or in a word of the stack, which leaves its body free to call. */
interface Counter {
  set(value: number): void;
  add(by: number): void;
  /** The register that holds it now. */
  read(): number;
  release(): void;
}

function registerCounter({ emit, counters }: FunctionDraft, register: number, narrow: boolean): Counter {
  counters.add(register);
  const [mov, add] = [narrow ? build.alu32Imm : build.alu64Imm, narrow ? build.alu32Imm : build.alu64Imm];
  return {
    set: (value) => emit(mov('mov', register, value)),
    add: (by) => emit(add('add', register, by)),
    read: () => register,
    release: () => void counters.delete(register),
  };
}

function stackCounter({ emit, target }: FunctionDraft, at: number): Counter {
  const read = (): number => {
    const register = target();
    emit(build.load(8, register, 10, at));
    return register;
  };
  return {
    set: (value) => emit(build.storeImm(8, 10, at, value)),
    add(by) {
      const register = read();
      emit(build.alu64Imm('add', register, by), build.store(8, 10, at, register));
    },
    read,
    release: () => undefined,
  };
}

function chooseCounter(draft: FunctionDraft, depth: number): Counter {
  const free = [4, 5, 6, 7].filter((register) => !draft.counters.has(register));
  if (free.length === 0 || draft.next(5) === 0) return stackCounter(draft, COUNTERS - 8 * depth);
  return registerCounter(draft, draft.pick(free), draft.next(4) === 0);
}

type Body = 'simple' | 'straight' | 'branching' | 'nested' | 'calling';

/** A counted loop of at most `most` turns, all loops in it together; `callees` may be called from it. */
export function loop(draft: FunctionDraft, callees: readonly Callee[], most: number, depth = 0): void {
  const { next, pick } = draft;
  const kinds: Body[] = ['simple', 'simple', 'straight', 'branching'];
  if (depth + 1 < DEEPEST && most >= 4) kinds.push('nested', 'nested');
  if (callees.length > 0) kinds.push('calling');
  const kind = pick(kinds);
  const ceiling = kind === 'simple' ? most : Math.min(most, kind === 'calling' ? CALLING_TURNS : BRANCHING_TURNS);
  const turns = pick(TURNS.filter((count) => count <= ceiling));
  const counter = chooseCounter(draft, depth);
  const by = 1 + next(3);
  const start = next(6);
  const parts: (() => void)[] = [];
  for (let i = 1 + next(kind === 'simple' ? 12 : 3); i > 0; i--)
    parts.push(() => pick(kind === 'simple' ? SIMPLE_ITEMS : STRAIGHT_ITEMS)(draft));
  if (kind === 'branching') parts.splice(next(parts.length), 0, () => pick(JUMP_ITEMS)(draft));
  if (kind === 'nested')
    parts.splice(next(parts.length), 0, () => loop(draft, callees, Math.floor(most / turns), depth + 1));
  if (kind === 'calling')
    parts.splice(next(parts.length), 0, () => {
      if (draft.mayCall()) callFunction(draft, pick(callees));
    });
  // Mostly at the end, as compilers have it.
  parts.splice(next(3) === 0 ? next(parts.length) : parts.length, 0, () => counter.add(by));
  setStart(draft, counter, start, by);
  repeat(draft, counter, start + turns * by, parts);
  counter.release();
}

/** At times two ways lead to a loop, from which it starts differently. */
function setStart({ emit, insns, next, number }: FunctionDraft, counter: Counter, start: number, by: number): void {
  counter.set(start);
  if (next(6) > 0) return;
  const skip = insns.length;
  emit(build.goto(0));
  counter.set(Math.max(start - by, start % by));
  insns[skip] = build.jumpImm('jeq', number(), next(4), insns.length - skip - 1);
}

function repeat(draft: FunctionDraft, counter: Counter, limit: number, parts: readonly (() => void)[]): void {
  const { emit, insns, next, pick } = draft;
  const question = next(3) === 0 ? build.jump32Imm : build.jumpImm;
  const write = (): void => parts.forEach((part) => part());
  const back = (to: number): number => to - insns.length - 1;
  const again = pick(['jlt', 'jslt', 'jne'] as const);
  const done = pick(['jge', 'jsge', 'jeq'] as const);
  // A limit that steps pass without meeting it.
  const beyond = (op: string): number => (op === 'jne' || op === 'jeq' || next(4) > 0 ? limit : limit - 1);
  const head = insns.length;
  switch (pick(['below', 'below', 'leave', 'above'] as const)) {
    case 'below': {
      write();
      const register = counter.read();
      emit(question(again, register, beyond(again), back(head)));
      break;
    }
    case 'leave': {
      write();
      emit(question(done, counter.read(), beyond(done), 1));
      emit(build.goto(back(head)));
      break;
    }
    case 'above': {
      const register = counter.read();
      const ask = insns.length;
      emit(build.goto(0));
      write();
      emit(build.goto(back(head)));
      insns[ask] = question(done, register, beyond(done), insns.length - ask - 1);
    }
  }
}
