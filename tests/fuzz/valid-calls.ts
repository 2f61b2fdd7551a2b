import * as build from '../../src/isa/builders.ts';
import { bug } from '../../src/source/bug.ts';
import {
  type Callee,
  FIRST,
  type FunctionDraft,
  type HeadLoop,
  IMMEDIATES,
  KEY,
  KEYED,
  type Role,
} from './function-draft.ts';

/** A call of a function, or of the helper that calls it back. */
export function callFunction(draft: FunctionDraft, { index, role, head }: Callee): void {
  const { emit, pick, next, section, insns, counters } = draft;
  if (role === 'callee') {
    if (head === undefined) emit(build.alu64Reg('mov', 1, draft.number()));
    else startHeadLoop(draft, head);
    section.links.push({ slot: insns.length, callee: index });
    emit(build.callSubprogram(0));
  } else {
    if (role === 'each_callback') draft.mapReference(1, pick(KEYED.slice(0, 3)));
    else emit(build.alu64Imm('mov', 1, next(9)));
    section.links.push({ slot: insns.length, callee: index });
    emit(...build.loadImm64(2, 0n, 'func'));
    draft.stackAddress(3, FIRST);
    // A callback that begins with a loop counts in what it is handed.
    if (head !== undefined) emit(build.storeImm(8, 10, FIRST, startOf(draft, head)));
    emit(build.alu64Imm('mov', 4, 0));
    draft.help(role === 'each_callback' ? 'for_each_map_elem' : 'loop');
  }
  if (next(2) === 0 && !counters.has(7)) emit(build.alu64Reg('mov', 7, 0));
  draft.afterCall();
}

/** A start from which the loop ends: a whole number of steps before its limit, one of them at least where it asks for that. */
function startOf({ next }: FunctionDraft, { by, limit, op }: Pick<HeadLoop, 'by' | 'limit' | 'op'>): number {
  const steps = Math.floor(limit / by);
  return op === 'jne' ? limit - by * (1 + next(steps)) : next(limit + 3);
}

/** A counter in r1, numbers in r2 to r5. */
function startHeadLoop(draft: FunctionDraft, head: HeadLoop): void {
  const { emit, next, number } = draft;
  if (head.op !== 'jne' && next(2) === 0) emit(build.alu64Reg('mov', 1, number()), build.alu64Imm('and', 1, 15));
  else emit(build.alu64Imm('mov', 1, startOf(draft, head)));
  if (head.again === undefined) return;
  if (next(2) === 0) emit(build.alu64Imm('and', AGAIN, 3));
  else emit(build.alu64Imm('mov', AGAIN, next(3)));
}

const SPARE = -120;
/** Counts how often a function's first loop runs. */
const AGAIN = 5;

/** The loop that a function begins with; what it reads is what callers pass. */
export function beginWithLoop(draft: FunctionDraft, role: Role, head: HeadLoop): void {
  HEADS[role](draft, head);
}

const HEADS: Record<Role, (draft: FunctionDraft, head: HeadLoop) => void> = {
  // Nothing that a program is handed can count.
  main: () => bug('no program begins with a loop'),
  callee: (draft, head) => countInRegister(draft, head),
  loop_callback: (draft, head) => countInMemory(draft, head, 2),
  each_callback: (draft, head) => countInMemory(draft, head, 4),
};

function countInRegister(draft: FunctionDraft, { by, limit, op, again }: HeadLoop): void {
  const { emit, pick, next, insns } = draft;
  const free = again === undefined ? [2, 3, 4, 5] : [2, 3, 4];
  const isCountedFirst = next(3) === 0;
  if (isCountedFirst) emit(build.alu64Imm('add', 1, by));
  for (let i = next(6); i > 0; i--) draft.alu(pick(free), pick([1, 2, 3, 4, 5]));
  if (next(2) === 0) {
    emit(build.store(8, 10, SPARE, pick([1, 2, 3, 4, 5])));
    if (next(2) === 0)
      emit(build.atomic(pick(['add', 'xor', 'xchg'] as const), pick([4, 8] as const), 10, SPARE, 3, true));
    emit(build.load(pick([1, 4, 8] as const), pick(free), 10, SPARE));
  }
  if (!isCountedFirst) emit(build.alu64Imm('add', 1, by));
  emit((next(3) === 0 ? build.jump32Imm : build.jumpImm)(op, 1, limit, -insns.length - 1));
  if (again === undefined) return;
  // From the end back to the first instruction, where the counter is known on this way only.
  if (next(2) === 0) draft.alu(pick(free), pick([1, 2, 3, 4, 5]));
  emit(build.alu64Imm('add', AGAIN, 1), build.jumpImm('jge', AGAIN, again, 2));
  emit(build.alu64Imm('mov', 1, startOf(draft, { by, limit, op })), build.goto(-insns.length - 2));
}

/** Callbacks get no number that a counter could start from: it is in their caller's stack. */
function countInMemory(draft: FunctionDraft, { by, limit }: HeadLoop, pointer: number): void {
  const { emit, pick, next, insns } = draft;
  const counter = 0;
  // r3 is a value where r4 is what was handed.
  const scratch = pointer === 2 ? pick([3, 5]) : 5;
  for (let i = next(4); i > 0; i--) {
    const at = 8 + 8 * next(2);
    emit(build.load(8, scratch, pointer, at));
    draft.alu(scratch, scratch);
    emit(
      next(2) === 0
        ? build.store(8, pointer, at, scratch)
        : build.atomic('add', 8, pointer, at, scratch, next(2) === 0),
    );
  }
  emit(build.load(8, counter, pointer, 0), build.alu64Imm('add', counter, by), build.store(8, pointer, 0, counter));
  // Whatever is found there, unsigned it ends.
  emit(build.jumpImm('jlt', counter, limit, -insns.length - 1));
  // Without this each call would count one further, and the verifier follow that without end.
  emit(build.storeImm(8, pointer, 0, next(limit)));
}

/** What a function's items rely on: numbers in their places, r8 to something of a value's size, r9 to the stack. */
export function prologue(draft: FunctionDraft, role: Role): void {
  const { emit, pick, next } = draft;
  emit(build.alu64Reg('mov', 9, 10), build.alu64Imm('add', 9, FIRST));
  for (let at = FIRST; at < 0; at += 8) emit(build.storeImm(8, 10, at, pick(IMMEDIATES)));
  emit(build.storeImm(8, 10, KEY, next(6)), build.storeImm(8, 10, KEY + 8, 0));
  switch (role) {
    case 'main':
      emit(build.load(8, 6, 1, 0), build.load(8, 7, 1, 8), build.alu64Reg('mov', 8, 9));
      break;
    case 'each_callback':
      emit(build.load(4, 6, 2, 0), build.alu64Imm('mov', 7, 1), build.alu64Reg('mov', 8, 3));
      break;
    case 'loop_callback':
      emit(build.alu64Reg('mov', 6, 1), build.alu64Imm('mov', 7, 1), build.alu64Reg('mov', 8, next(2) === 0 ? 2 : 9));
      break;
    case 'callee':
      emit(build.alu64Reg('mov', 6, 1), build.alu64Reg('mov', 7, pick([2, 3, 4, 5])), build.alu64Reg('mov', 8, 9));
  }
  emit(build.alu64Imm('mov', 0, pick(IMMEDIATES)));
  draft.afterCall();
}
