import { evaluateCompare } from '../ir/evaluate.ts';
import type { Flow } from '../ir/flow.ts';
import {
  type Block,
  type IrFunction,
  type Phi,
  type Terminator,
  type Value,
  isConst,
  newBlock,
  successors,
} from '../ir/ir.ts';
import { operands, terminatorOperands } from '../ir/operands.ts';
import { removeUnreachable } from './dead-code.ts';

/** Known branches, jumps to jumps, chains of blocks, tests of what the way here already decided. */
export function simplifyFlow(flow: Flow): boolean {
  let changed = false;
  hoistConstants(flow.fn);
  // Bounded: loops without a body could be passed around for ever.
  for (let again = true, round = 0; again && round < 32; round++) {
    again = foldBranches(flow);
    // Earlier passes may have cut blocks off, too.
    if (again || round === 0) again = removeUnreachable(flow) || again;
    if (threadConstants(flow)) {
      removeUnreachable(flow);
      again = true;
    }
    again = skipEmptyBlocks(flow) || again;
    again = mergeChains(flow) || again;
    changed ||= again;
  }
  return changed;
}

/** Constants are made where they are used: standing in the entry block they do not keep an empty block alive. */
function hoistConstants(fn: IrFunction): void {
  for (const block of fn.blocks) {
    if (block === fn.entry) continue;
    const constants = block.instrs.filter(isConst);
    if (constants.length === 0) continue;
    fn.entry.instrs.unshift(...constants);
    const kept = block.instrs.filter((instr) => !isConst(instr));
    block.instrs.splice(0, block.instrs.length, ...kept);
  }
}

function phisOf(block: Block): Phi[] {
  return block.instrs.filter((instr): instr is Phi => instr.op === 'phi');
}

function dropEdge(from: Block, to: Block): void {
  for (const phi of phisOf(to)) phi.inputs.delete(from);
}

function foldBranches(flow: Flow): boolean {
  let changed = false;
  for (const block of flow.fn.blocks) {
    const end = block.terminator;
    if (end?.op !== 'branch') continue;
    if (end.then === end.otherwise) {
      block.terminator = { op: 'jump', target: end.then, span: end.span };
      changed = true;
      continue;
    }
    if (!isConst(end.left) || !isConst(end.right)) continue;
    const taken = evaluateCompare(end.jump, end.width, end.left.value, end.right.value);
    const [target, dropped] = taken ? [end.then, end.otherwise] : [end.otherwise, end.then];
    block.terminator = { op: 'jump', target, span: end.span };
    dropEdge(block, dropped);
    changed = true;
  }
  if (changed) flow.changed();
  return changed;
}

function retarget(end: Terminator, from: Block, to: Block): void {
  if (end.op === 'jump' && end.target === from) end.target = to;
  if (end.op === 'branch') {
    if (end.then === from) end.then = to;
    if (end.otherwise === from) end.otherwise = to;
  }
}

/** Jumps straight through blocks that only jump. */
function skipEmptyBlocks(flow: Flow): boolean {
  const { fn } = flow;
  const isEmpty = (block: Block): boolean =>
    block !== fn.entry && block.instrs.length === 0 && block.terminator?.op === 'jump';
  if (!fn.blocks.some(isEmpty)) return false;
  let changed = false;
  const preds = copyOf(flow.predecessors);
  for (const block of fn.blocks) {
    const end = block.terminator;
    if (!isEmpty(block) || end?.op !== 'jump' || end.target === block) continue;
    const { target } = end;
    const phis = phisOf(target);
    for (const pred of [...preds.get(block)!]) {
      // A block that already leads there may not bring two values.
      if (phis.length > 0 && successors(pred).includes(target)) continue;
      retarget(pred.terminator!, block, target);
      for (const phi of phis) phi.inputs.set(pred, phi.inputs.get(block)!);
      preds.set(target, [...preds.get(target)!, pred]);
      preds.set(
        block,
        preds.get(block)!.filter((other) => other !== pred),
      );
      changed = true;
    }
    if (preds.get(block)!.length === 0) {
      for (const phi of phis) phi.inputs.delete(block);
      preds.set(
        target,
        preds.get(target)!.filter((other) => other !== block),
      );
    }
  }
  if (!changed) return false;
  flow.changed();
  removeUnreachable(flow);
  return true;
}

/** To be kept true while edges change. */
const copyOf = (preds: Flow['predecessors']): Map<Block, readonly Block[]> => new Map(preds);

/** Appends a block to its only predecessor when it is that one's only successor. */
function mergeChains(flow: Flow): boolean {
  const { fn } = flow;
  let changed = false;
  const preds = copyOf(flow.predecessors);
  for (const block of fn.blocks) {
    for (;;) {
      const end = block.terminator;
      if (end?.op !== 'jump') break;
      const { target } = end;
      if (target === block || target === fn.entry || preds.get(target)!.length !== 1 || phisOf(target).length > 0)
        break;
      block.instrs.push(...target.instrs);
      target.instrs.length = 0;
      block.terminator = target.terminator;
      for (const next of successors(block)) {
        for (const phi of phisOf(next)) {
          const value = phi.inputs.get(target);
          if (value === undefined) continue;
          phi.inputs.delete(target);
          phi.inputs.set(block, value);
        }
        preds.set(
          next,
          preds.get(next)!.map((pred) => (pred === target ? block : pred)),
        );
      }
      target.terminator = undefined;
      changed = true;
    }
  }
  if (!changed) return false;
  fn.blocks = fn.blocks.filter((block) => block.terminator !== undefined);
  flow.changed();
  removeUnreachable(flow);
  return true;
}

/**
 * A block that only tests one of its phis against a constant: whoever brings a constant knows the answer and goes there
 * directly. Short circuits and comparisons of strings come apart into plain edges by this.
 */
function threadConstants(flow: Flow): boolean {
  const { fn } = flow;
  let changed = false;
  let users: ReadonlyMap<Phi, readonly Block[]> | undefined;
  for (const block of fn.blocks) {
    const end = block.terminator;
    if (end?.op !== 'branch' || end.left.op !== 'phi' || !isConst(end.right)) continue;
    const tested = end.left;
    const phis = phisOf(block);
    if (phis.length !== block.instrs.length || !phis.includes(tested)) continue;
    if (![...tested.inputs.values()].some(isConst)) continue;
    // Elsewhere the phis must be wanted only by the phis right behind.
    const known = (users ??= usersOfPhis(fn));
    const local = phis.every((phi) => (known.get(phi) ?? []).every((use) => use === block));
    if (!local || phis.some((phi) => [...phi.inputs.values()].some((value) => phis.includes(value as Phi)))) continue;
    for (const [pred, value] of [...tested.inputs]) {
      if (!isConst(value) || pred === block) continue;
      const taken = evaluateCompare(end.jump, end.width, value.value, end.right.value);
      const target = taken ? end.then : end.otherwise;
      if (target === block) continue;
      const targetPhis = phisOf(target);
      if (targetPhis.length > 0 && successors(pred).includes(target)) continue;
      // The predecessor may reach the block both ways of one branch.
      if (pred.terminator?.op === 'branch' && pred.terminator.then === pred.terminator.otherwise) continue;
      retarget(pred.terminator!, block, target);
      for (const phi of targetPhis) {
        const through = phi.inputs.get(block)!;
        const own = phis.includes(through as Phi) ? (through as Phi).inputs.get(pred)! : through;
        phi.inputs.set(pred, own);
      }
      for (const phi of phis) phi.inputs.delete(pred);
      flow.changed();
      changed = true;
    }
    if (changed && tested.inputs.size === 0) removeUnreachable(flow);
  }
  return changed;
}

/** The blocks in which each phi is used, by other phis in the block that the edge comes from. */
function usersOfPhis(fn: IrFunction): ReadonlyMap<Phi, readonly Block[]> {
  const result = new Map<Phi, Block[]>();
  const add = (value: Value, user: Block): void => {
    if (value.op !== 'phi') return;
    const list = result.get(value);
    if (list === undefined) result.set(value, [user]);
    else list.push(user);
  };
  for (const block of fn.blocks) {
    for (const instr of block.instrs) {
      if (instr.op === 'phi') for (const [from, value] of instr.inputs) add(value, from);
      else for (const value of operands(instr)) add(value, block);
    }
    for (const value of terminatorOperands(block.terminator)) add(value, block);
  }
  return result;
}

/** One exit for each constant that is returned: a jump is shorter than setting r0 and leaving. */
export function shareReturns(flow: Flow): void {
  const { fn } = flow;
  const returns = new Map<bigint, Block[]>();
  for (const block of fn.blocks) {
    const end = block.terminator;
    if (end?.op !== 'return' || !isConst(end.value)) continue;
    const list = returns.get(end.value.value) ?? [];
    returns.set(end.value.value, list);
    list.push(block);
  }
  for (const blocks of returns.values()) {
    if (blocks.length < 2) continue;
    const exit = newBlock(fn);
    exit.terminator = blocks[0]!.terminator;
    for (const block of blocks) block.terminator = { op: 'jump', target: exit, span: block.terminator!.span };
    flow.changed();
  }
  if (returns.size > 0) simplifyFlow(flow);
}
