import type { Program } from '../../src/abi/program-image.ts';
import * as build from '../../src/isa/builders.ts';
import { type Callee, createDraft, type HeadLoop, type Role, type Section } from './function-draft.ts';
import { chance } from './random-programs.ts';
import { beginWithLoop, callFunction, prologue } from './valid-calls.ts';
import { JUMP_ITEMS, STRAIGHT_ITEMS } from './valid-items.ts';
import { loop } from './valid-loops.ts';

/**
 * Programs over the maps of the JIT's tests that obey the verifier by construction, nearly always: what the engines must
 * agree on, without the time that refusals take. r8 points to the map value of the last lookup (or to the stack), r9 to the
 * stack; the others hold numbers. Jumps go forward to the start of a later item, loops count.
 */
const MOST_TURNS = 100;
const MOST_TURNS_OF_CALLED = 16;
const ITEMS = [...STRAIGHT_ITEMS, ...JUMP_ITEMS];
/** One item in so many is a loop. */
const LOOP_IN = 12;

function randomFunction(
  next: (below: number) => number,
  { role, head }: Callee,
  callees: readonly Callee[],
  length: number,
): Section {
  const draft = createDraft(next);
  const { section, insns, emit } = draft;
  if (head !== undefined) beginWithLoop(draft, role, head);
  prologue(draft, role);
  // The verifier walks each call of each call; callbacks several times.
  const places = (callee: Callee): number =>
    role === 'main' ? 1 + next(3) : callee.role === 'callee' ? 1 + next(2) : 1;
  const calls = callees.flatMap((callee) =>
    Array.from({ length: places(callee) }, () => [next(length), callee] as const),
  );
  for (let at = 0; at < length; at++) {
    section.starts.push(insns.length);
    const here = calls.filter(([place]) => place === at);
    for (const [, callee] of here) callFunction(draft, callee);
    if (here.length > 0) continue;
    if (next(LOOP_IN) === 0) loop(draft, callees, role === 'main' ? MOST_TURNS : MOST_TURNS_OF_CALLED);
    else draft.pick(ITEMS)(draft);
  }
  section.starts.push(insns.length);
  if (role === 'main' || role === 'callee') emit(build.alu64Reg('mov', 0, draft.number()));
  else emit(build.alu64Imm('and', 0, 1));
  emit(build.exit());
  for (const { slot, item } of section.jumps)
    insns[slot] = { ...insns[slot]!, off: section.starts[Math.min(item, length)]! - slot - 1 };
  return section;
}

function randomHead(next: (below: number) => number): HeadLoop | undefined {
  if (next(2) === 0) return undefined;
  const by = 1 + next(2);
  const op = (['jlt', 'jslt', 'jne'] as const)[next(3)]!;
  return { by, limit: by * (1 + next(8)), op, again: next(2) === 0 ? 1 + next(3) : undefined };
}

const CALLED: readonly Role[] = ['callee', 'callee', 'loop_callback', 'each_callback'];

/** The functions of a program: its own and, at times, some more. */
function randomRoles(next: (below: number) => number): readonly Callee[] {
  const others = next(3) === 0 ? 1 + next(3) : 0;
  const called = Array.from({ length: others }, (_, i): Callee => {
    const role = CALLED[next(CALLED.length)]!;
    return { index: i + 1, role, head: randomHead(next) };
  });
  return [{ index: 0, role: 'main', head: undefined }, ...called];
}

/** A program of one function and at times of some more. */
export function validProgram(seed: number, name: string): Program {
  const next = chance(seed);
  const all = randomRoles(next);
  // Each function calls the one behind it, so that none is left out, and at times those further on; none calls itself.
  const sections = all.map((own, i) =>
    randomFunction(
      next,
      own,
      all.filter(({ index }) => index === i + 1 || (index > i && next(4) === 0)),
      i === 0 ? 2 + next(9) : 1 + next(4),
    ),
  );
  const starts: number[] = [];
  let length = 0;
  for (const { insns } of sections) {
    starts.push(length);
    length += insns.length;
  }
  const insns = sections.flatMap((section, i) => {
    const patched = section.insns.slice();
    for (const { slot, callee } of section.links)
      patched[slot] = { ...patched[slot]!, imm: starts[callee]! - (starts[i]! + slot) - 1 };
    return patched;
  });
  return {
    name,
    type: 'raw_tracepoint',
    insns,
    relocations: sections.flatMap((s, i) => s.relocations.map(({ slot, map }) => ({ slot: slot + starts[i]!, map }))),
    functions: starts.map((slot, i) => ({ slot, name: i === 0 ? name : `${name}_${i}` })),
    lines: [],
  };
}
