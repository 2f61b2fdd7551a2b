import { decode } from '../isa/decode.ts';
import type { Insn } from '../isa/instruction.ts';
import type { Operation } from '../isa/operation.ts';

/** A reachable instruction. */
export interface Step {
  readonly slot: number;
  readonly insn: Insn;
  readonly operation: Operation;
  /** Second half of a ld_imm64. */
  readonly next: Insn | undefined;
}

export interface Block {
  /** Position in reverse postorder. */
  readonly index: number;
  readonly steps: readonly Step[];
  /** The block of the taken branch first, then the one that follows. */
  readonly successors: readonly number[];
  readonly predecessors: readonly number[];
}

/** The control-flow graph of one function; blocks in reverse postorder, so that block 0 is the entry. */
export interface FlowGraph {
  readonly entry: number;
  readonly blocks: readonly Block[];
  /** Immediate dominator of each block, by index; the entry's is itself. */
  readonly dominators: readonly number[];
  /** Whether every cycle is entered through its header only. */
  readonly reducible: boolean;
}

/** Decodes a program once; slots that hold no instruction of their own are undefined. */
export function decodeSteps(insns: readonly Insn[]): (Step | undefined)[] {
  const steps: (Step | undefined)[] = [];
  for (let slot = 0; slot < insns.length; slot++) {
    const insn = insns[slot]!;
    const operation = decode(insn);
    steps.push(operation === undefined ? undefined : { slot, insn, operation, next: insns[slot + 1] });
    if (operation?.kind === 'ld_imm64') {
      steps.push(undefined);
      slot++;
    }
  }
  return steps;
}

/** Slots that control may go to after a step, within its function. */
function successorSlots({ slot, insn, operation }: Step): number[] {
  switch (operation.kind) {
    case 'jump':
    case 'may_goto':
      return [slot + 1 + insn.off, slot + 1];
    case 'ja':
      return [slot + 1 + (operation.wide ? insn.imm : insn.off)];
    case 'exit':
      return [];
    case 'ld_imm64':
      return [slot + 2];
    default:
      return [slot + 1];
  }
}

function endsBlock(operation: Operation): boolean {
  return ['jump', 'may_goto', 'ja', 'exit'].includes(operation.kind);
}

/** The graph of the function that starts at `entry`. Edges to slots that the verifier never reached are left out. */
export function buildFlowGraph(steps: readonly (Step | undefined)[], entry: number, reached: Uint8Array): FlowGraph {
  const isReached = (slot: number): boolean => steps[slot] !== undefined && reached[slot] !== 0;
  const leaders = new Set([entry]);
  const seen = new Set<number>();
  const pending = [entry];
  while (pending.length > 0) {
    const slot = pending.pop()!;
    if (seen.has(slot)) continue;
    seen.add(slot);
    const step = steps[slot]!;
    for (const target of successorSlots(step)) {
      if (!isReached(target)) continue;
      if (endsBlock(step.operation)) leaders.add(target);
      pending.push(target);
    }
  }

  const raw = new Map<number, { steps: Step[]; targets: number[] }>();
  for (const leader of leaders) {
    const list: Step[] = [];
    let slot = leader;
    for (;;) {
      const step = steps[slot]!;
      list.push(step);
      const targets = [...new Set(successorSlots(step).filter(isReached))];
      if (endsBlock(step.operation) || targets.length === 0 || leaders.has(targets[0]!)) {
        raw.set(leader, { steps: list, targets });
        break;
      }
      slot = targets[0]!;
    }
  }

  // A way through a block that only goes on to the next leads there at once.
  for (const [leader, { targets }] of raw)
    raw.get(leader)!.targets = [...new Set(targets.map((to) => beyondJumps(to, raw)))];

  const order = reversePostorder(entry, (leader) => raw.get(leader)!.targets);
  const indexOf = new Map(order.map((leader, index) => [leader, index]));
  const predecessors: number[][] = order.map(() => []);
  const successors = order.map((leader, index) => {
    const list = raw.get(leader)!.targets.map((target) => indexOf.get(target)!);
    for (const target of list) predecessors[target]!.push(index);
    return list;
  });
  const blocks = order.map((leader, index) => ({
    index,
    steps: raw.get(leader)!.steps,
    successors: successors[index]!,
    predecessors: predecessors[index]!,
  }));
  const dominators = findDominators(blocks);
  const reducible = blocks.every(({ index, successors: targets }) =>
    targets.every((target) => target > index || dominates(dominators, target, index)),
  );
  return { entry, blocks, dominators, reducible };
}

/** Where control ends up that comes to a block: blocks of a mere jump are passed. */
function beyondJumps(leader: number, blocks: ReadonlyMap<number, { steps: Step[]; targets: number[] }>): number {
  const passed = new Set<number>();
  let at = leader;
  for (;;) {
    const { steps, targets } = blocks.get(at)!;
    const [next] = targets;
    if (steps.length !== 1 || steps[0]!.operation.kind !== 'ja' || next === undefined || passed.has(at)) return at;
    passed.add(at);
    at = next;
  }
}

function reversePostorder(entry: number, targetsOf: (node: number) => readonly number[]): number[] {
  const order: number[] = [];
  const seen = new Set([entry]);
  const stack = [{ node: entry, next: 0 }];
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const targets = targetsOf(top.node);
    // Taken branches are walked first, so that in reverse postorder the code that follows a jump comes right after it.
    const target = targets[top.next++];
    if (target === undefined) {
      order.push(top.node);
      stack.pop();
    } else if (!seen.has(target)) {
      seen.add(target);
      stack.push({ node: target, next: 0 });
    }
  }
  return order.reverse();
}

/** Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm": intersect along reverse postorder until stable. */
function findDominators(blocks: readonly Block[]): number[] {
  const dominators: number[] = blocks.map((_, index) => (index === 0 ? 0 : -1));
  const intersect = (a: number, b: number): number => {
    while (a !== b) {
      while (a > b) a = dominators[a]!;
      while (b > a) b = dominators[b]!;
    }
    return a;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (const { index, predecessors } of blocks) {
      if (index === 0) continue;
      const known = predecessors.filter((block) => dominators[block] !== -1);
      // From the last: what is common to the later ones is near them, and a long way up is walked once only.
      const dominator = known.reduceRight((common, block) => intersect(common, block));
      if (dominators[index] !== dominator) {
        dominators[index] = dominator;
        changed = true;
      }
    }
  }
  return dominators;
}

/** Whether every path from the entry to `block` passes through `above`. */
export function dominates(dominators: readonly number[], above: number, block: number): boolean {
  // A dominator comes earlier in reverse postorder, so the walk ends at the entry.
  let at = block;
  while (at > above) at = dominators[at]!;
  return at === above;
}
