import { Flow } from '../ir/flow.ts';
import type { IrFunction } from '../ir/ir.ts';
import { shareCommonSubexpressions } from './common-subexpressions.ts';
import { removeDeadCode, removeUnreachable } from './dead-code.ts';
import { forwardMemory, removeDeadStores } from './forward-memory.ts';
import { decideKnownBranches } from './known-branches.ts';
import { promoteSlots } from './promote-slots.ts';
import { signLoads } from './sign-loads.ts';
import { simplify } from './simplify.ts';
import { shareReturns, simplifyFlow } from './simplify-flow.ts';
import { splitSlots } from './split-slots.ts';

interface Pass {
  /** Says whether it changed anything. */
  readonly run: (flow: Flow) => boolean;
  /** Whom what it changes may give something to do; by default everyone. */
  readonly feeds?: readonly PassName[];
}
type PassName = 'values' | 'branches' | 'flow' | 'common' | 'loads' | 'stores' | 'signs' | 'dead';

const PASSES: Readonly<Record<PassName, Pass>> = {
  values: { run: simplify },
  branches: { run: decideKnownBranches },
  flow: { run: simplifyFlow },
  // Operands become other instructions, equal ones; which slots are accessed stays.
  common: { run: shareCommonSubexpressions, feeds: ['values', 'branches', 'flow', 'signs', 'dead'] },
  loads: { run: forwardMemory },
  // What is only taken away: who looks at operands alone sees nothing new.
  stores: { run: removeDeadStores, feeds: ['flow', 'loads', 'stores', 'signs', 'dead'] },
  signs: { run: signLoads },
  dead: { run: removeDeadCode, feeds: ['flow', 'loads', 'stores', 'signs', 'dead'] },
};
const NAMES = Object.keys(PASSES) as PassName[];
/** Programs settle after three or four rounds. */
const MOST_ROUNDS = 8;

/** Tidies up behind placement, which made pointers and offsets of slots. */
export function optimizePlaced(flow: Flow): void {
  simplify(flow);
  shareCommonSubexpressions(flow);
  removeDeadCode(flow);
  shareReturns(flow);
  removeDeadCode(flow);
}

/** The optimiser: its passes in order, over and over while there is something for them to do. */
export function optimize(fn: IrFunction): void {
  const flow = new Flow(fn);
  removeUnreachable(flow);
  // Addresses first: what looks like a computed pointer is often a slot at an offset.
  simplify(flow);
  splitSlots(fn);
  promoteSlots(flow);
  const waiting = new Set(NAMES);
  for (let run = 0; run < MOST_ROUNDS * NAMES.length && waiting.size > 0; run++) {
    const name = NAMES[run % NAMES.length]!;
    if (!waiting.delete(name) || !PASSES[name].run(flow)) continue;
    for (const fed of PASSES[name].feeds ?? NAMES) waiting.add(fed);
  }
  shareReturns(flow);
  removeDeadCode(flow);
}
