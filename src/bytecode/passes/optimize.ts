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

/** Each round feeds the next; programs settle after three or four. */
const MOST_ROUNDS = 8;

/** Tidies up behind placement, which made pointers and offsets of slots. */
export function optimizePlaced(fn: IrFunction): void {
  simplify(fn);
  shareCommonSubexpressions(fn);
  removeDeadCode(fn);
  shareReturns(fn);
  removeDeadCode(fn);
}

/** The optimiser: its passes in order, again while they find something. */
export function optimize(fn: IrFunction): void {
  removeUnreachable(fn);
  // Addresses first: what looks like a computed pointer is often a slot at an offset.
  simplify(fn);
  splitSlots(fn);
  promoteSlots(fn);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    let changed = simplify(fn);
    changed = decideKnownBranches(fn) || changed;
    changed = simplifyFlow(fn) || changed;
    changed = shareCommonSubexpressions(fn) || changed;
    changed = forwardMemory(fn) || changed;
    changed = removeDeadStores(fn) || changed;
    changed = signLoads(fn) || changed;
    changed = removeDeadCode(fn) || changed;
    if (!changed) break;
  }
  shareReturns(fn);
  removeDeadCode(fn);
}
