import { isRemovable } from '../ir/effects.ts';
import type { Flow } from '../ir/flow.ts';
import { type Instr, type IrFunction, type Slot, slotOf } from '../ir/ir.ts';
import { operands, terminatorOperands } from '../ir/operands.ts';

/** Drops blocks that nothing leads to, and phi inputs from them. */
export function removeUnreachable(flow: Flow): boolean {
  const { fn, order } = flow;
  if (order.length === fn.blocks.length) return false;
  const reachable = new Set(order);
  fn.blocks = fn.blocks.filter((block) => reachable.has(block));
  for (const block of fn.blocks)
    for (const instr of block.instrs)
      if (instr.op === 'phi')
        for (const from of [...instr.inputs.keys()]) if (!reachable.has(from)) instr.inputs.delete(from);
  flow.changed();
  return true;
}

/** Drops what has no effect and whose result nobody uses, and stores to slots that nobody reads. */
export function removeDeadCode({ fn }: Flow): boolean {
  const readSlots = slotsRead(fn);
  const keeps = (instr: Instr): boolean => {
    if (isRemovable(instr)) return false;
    if (instr.op !== 'store' && instr.op !== 'atomic_add') return true;
    const slot = slotOf(instr.address);
    return slot === undefined || readSlots.has(slot);
  };
  const live = new Set<Instr>();
  const work: Instr[] = [];
  const want = (instr: Instr): void => {
    if (live.has(instr)) return;
    live.add(instr);
    work.push(instr);
  };
  for (const block of fn.blocks) {
    for (const instr of block.instrs) if (keeps(instr)) want(instr);
    terminatorOperands(block.terminator).forEach(want);
  }
  for (let instr = work.pop(); instr !== undefined; instr = work.pop()) operands(instr).forEach(want);
  let changed = false;
  for (const block of fn.blocks) {
    if (block.instrs.every((instr) => live.has(instr))) continue;
    changed = true;
    const kept = block.instrs.filter((instr) => live.has(instr));
    block.instrs.splice(0, block.instrs.length, ...kept);
  }
  return changed;
}

/** Slots that are loaded from or whose address is taken. */
function slotsRead(fn: IrFunction): Set<Slot> {
  const result = new Set<Slot>();
  for (const block of fn.blocks)
    for (const instr of block.instrs) {
      if (instr.op === 'slot_address') result.add(instr.slot);
      if (instr.op === 'load' && instr.address.base.kind === 'slot') result.add(instr.address.base);
    }
  return result;
}
