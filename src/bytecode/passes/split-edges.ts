import type { Flow } from '../ir/flow.ts';
import { newBlock } from '../ir/ir.ts';

/** Puts a block on each edge from a block with two ways to a block with phis: there the copies of that way go. */
export function splitCriticalEdges(flow: Flow): void {
  const { fn, predecessors: preds } = flow;
  let changed = false;
  for (const block of [...fn.blocks]) {
    const end = block.terminator;
    if (end?.op !== 'branch') continue;
    for (const side of ['then', 'otherwise'] as const) {
      const target = end[side];
      if (!target.instrs.some((instr) => instr.op === 'phi')) continue;
      if (preds.get(target)!.length < 2 && end.then !== end.otherwise) continue;
      const between = newBlock(fn);
      between.terminator = { op: 'jump', target, span: end.span };
      end[side] = between;
      changed = true;
      for (const instr of target.instrs) {
        if (instr.op !== 'phi') continue;
        const value = instr.inputs.get(block);
        if (value !== undefined) instr.inputs.set(between, value);
      }
    }
  }
  if (changed) flow.changed();
  // An input from a block that does not lead here any more.
  const now = flow.predecessors;
  for (const block of fn.blocks)
    for (const instr of block.instrs)
      if (instr.op === 'phi')
        for (const pred of instr.inputs.keys()) if (!now.get(block)!.includes(pred)) instr.inputs.delete(pred);
}
