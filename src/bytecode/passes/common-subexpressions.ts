import { isPure } from '../ir/effects.ts';
import type { Flow } from '../ir/flow.ts';
import type { Block, Instr, Value } from '../ir/ir.ts';
import { mapOperands, mapTerminatorOperands, operands } from '../ir/operands.ts';

/** Replaces an instruction by an equal one that dominates it. */
export function shareCommonSubexpressions({ fn, dominators: doms }: Flow): boolean {
  const replaced = new Map<Value, Value>();
  const resolve = (value: Value): Value => replaced.get(value) ?? value;
  const known = new Map<string, Value>();
  // An explicit stack, as blocks come in thousands; leaving a block forgets what it made.
  const work: (Block | readonly string[])[] = [fn.entry];
  for (let at = work.pop(); at !== undefined; at = work.pop()) {
    if (!('instrs' in at)) {
      for (const key of at) known.delete(key);
      continue;
    }
    const made: string[] = [];
    for (const instr of at.instrs) {
      if (replaced.size > 0) mapOperands(instr, resolve);
      const key = isPure(instr) ? keyOf(instr) : undefined;
      if (key === undefined) continue;
      const before = known.get(key);
      if (before !== undefined) replaced.set(instr, before);
      else {
        known.set(key, instr);
        made.push(key);
      }
    }
    const children = doms.children.get(at) ?? [];
    if (children.length === 0) for (const key of made) known.delete(key);
    else work.push(made, ...children);
  }
  if (replaced.size === 0) return false;
  for (const block of fn.blocks) {
    const kept = block.instrs.filter((instr) => !replaced.has(instr));
    if (kept.length < block.instrs.length) block.instrs.splice(0, block.instrs.length, ...kept);
    for (const instr of block.instrs) mapOperands(instr, resolve);
    if (block.terminator !== undefined) mapTerminatorOperands(block.terminator, resolve);
  }
  return true;
}

/** Equal keys, equal results. */
function keyOf(instr: Instr): string | undefined {
  switch (instr.op) {
    case 'const':
      return `const ${instr.value}`;
    case 'alu':
      return `${instr.alu}${instr.width} ${instr.left.id},${instr.right.id}`;
    case 'extend':
      return `extend${instr.signed ? 's' : 'u'}${instr.bits} ${instr.value.id}`;
    case 'swap':
      return `swap${instr.bits} ${instr.value.id}`;
    case 'compare':
      return `${instr.jump}${instr.width} ${instr.left.id},${instr.right.id}`;
    case 'load':
      return `load${instr.signed ? 's' : 'u'}${instr.size} ${instr.address.offset} ${operandIds(instr)}`;
    case 'slot_address':
      return `slot ${instr.slot.id} ${instr.offset}`;
    case 'map':
      return `map ${instr.map}`;
    case 'map_value':
      return `value ${instr.map} ${instr.offset}`;
    case 'variable':
      return `variable ${instr.number}`;
    case 'call':
      return `call ${instr.helper} ${operandIds(instr)}`;
    default:
      return undefined;
  }
}

const operandIds = (instr: Instr): string =>
  operands(instr)
    .map((operand) => operand.id)
    .join(',');
