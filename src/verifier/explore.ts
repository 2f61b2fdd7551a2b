import type { Insn } from '../isa/instruction.ts';
import type { Operation, OperationKind } from '../isa/operation.ts';
import { noDetails } from './check-arguments.ts';
import { type Test, testOf } from './checks.ts';
import { type Claim, claims } from './claims.ts';
import { noteVisit } from './facts.ts';
import { MAX_PROCESSED } from './limits.ts';
import { createNarrator } from './narrate.ts';
import { closePath, isCovered } from './pruning.ts';
import { reject, violation } from './rejection.ts';
import { currentFrame } from './state.ts';
import { PATH_ENDS } from './step-call.ts';
import { step } from './step.ts';
import { type Walk, recordJump } from './walk.ts';

/** Ends the current path and takes up the next; false when none is left. */
function nextPath(w: Walk): boolean {
  closePath(w, w.state);
  const next = w.pending.pop();
  if (next === undefined) return false;
  w.log.rewind(next.logMark);
  w.state = next.state;
  w.slot = next.slot;
  w.previous = next.previous;
  return true;
}

/** What the kernel counts as a jump when it decides on checkpoints. */
const JUMPS: ReadonlySet<OperationKind> = new Set<OperationKind>(['jump', 'ja', 'call', 'exit', 'may_goto']);

/** What has to be known of a slot each time it is walked. */
interface Plan {
  readonly insn: Insn;
  readonly op: Operation;
  /** After the first visit only those that may fail on another. */
  tests: readonly Test[];
  visited: boolean;
  readonly isJump: boolean;
  readonly isCall: boolean;
}

function planOf(w: Walk, slot: number): Plan {
  const insn = w.graph.insns[slot]!;
  const op = w.graph.operations[slot]!;
  const isCall = op.kind === 'call' || op.kind === 'callx';
  return { insn, op, tests: claims(insn, op).map(testOf), visited: false, isJump: JUMPS.has(op.kind), isCall };
}

/** Claims about the instruction and the program alone: what held once holds on every path. */
const SETTLED_AT_ONCE: ReadonlySet<Claim['kind']> = new Set<Claim['kind']>([
  'writable',
  'nonzero_divisor',
  'shift_amount',
  'address_survives',
  'known_atomic',
  'helper',
  'kernel_function',
  'function_records',
]);

const NOT_A_CALL = noDetails();

/**
 * Walks every path of the program, instruction by instruction: claims, checks, step. Ends when no path is left; throws
 * Rejected at the first claim that does not hold.
 */
export function explore(w: Walk): void {
  const plans: (Plan | undefined)[] = new Array<Plan | undefined>(w.graph.insns.length).fill(undefined);
  const narrator = w.log.level > 0 ? createNarrator(w) : undefined;
  for (;;) {
    w.entry = undefined;
    const { slot } = w;
    if (++w.processed > MAX_PROCESSED) {
      reject(violation('E2BIG', `BPF program is too large. Processed ${w.processed} insn`));
    }
    w.state.lastSlot = w.previous;
    w.state.slot = slot;
    if (w.marks.prune[slot] === 1 && w.prune && isCovered(w, slot)) {
      narrator?.safe();
      if (!nextPath(w)) return;
      narrator?.resumed();
      continue;
    }
    if (w.marks.jump[slot] === 1) recordJump(w);
    const plan = (plans[slot] ??= planOf(w, slot));
    noteVisit(w.facts, slot, currentFrame(w.state));
    w.observe?.(w);
    narrator?.before();
    w.previous = slot;
    const call = plan.isCall ? noDetails() : NOT_A_CALL;
    // By number: an iterator for each instruction walked would be felt.
    for (let i = 0; i < plan.tests.length; i++) {
      const { claim, fault } = plan.tests[i]!;
      const found = fault(claim as never, w, call);
      if (found !== undefined) reject(found);
    }
    if (!plan.visited) {
      plan.visited = true;
      plan.tests = plan.tests.filter(({ claim }) => !SETTLED_AT_ONCE.has(claim.kind));
    }
    if (plan.isJump) w.jumps++;
    const next = step(w, plan.insn, plan.op, call);
    narrator?.after(next);
    if (next !== PATH_ENDS) {
      w.slot = next;
      continue;
    }
    if (!nextPath(w)) return;
    narrator?.resumed();
  }
}
