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

/** Each says whether it changed anything, and feeds those behind it; programs settle after three or four rounds. */
const PASSES: readonly ((fn: IrFunction) => boolean)[] = [
  simplify,
  decideKnownBranches,
  simplifyFlow,
  shareCommonSubexpressions,
  forwardMemory,
  removeDeadStores,
  signLoads,
  removeDeadCode,
];
const MOST_ROUNDS = 8;

/** Tidies up behind placement, which made pointers and offsets of slots. */
export function optimizePlaced(fn: IrFunction): void {
  simplify(fn);
  shareCommonSubexpressions(fn);
  removeDeadCode(fn);
  shareReturns(fn);
  removeDeadCode(fn);
}

/** The optimiser: its passes in order, over and over while they find something. */
export function optimize(fn: IrFunction): void {
  removeUnreachable(fn);
  // Addresses first: what looks like a computed pointer is often a slot at an offset.
  simplify(fn);
  splitSlots(fn);
  promoteSlots(fn);
  // Settled once every pass has seen the function as it is.
  for (let run = 0, idle = 0; run < MOST_ROUNDS * PASSES.length && idle < PASSES.length; run++)
    idle = PASSES[run % PASSES.length]!(fn) ? 0 : idle + 1;
  shareReturns(fn);
  removeDeadCode(fn);
}
