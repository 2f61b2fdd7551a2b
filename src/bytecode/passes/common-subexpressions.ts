import { dominators } from '../ir/dominators.ts';
import { isPure } from '../ir/effects.ts';
import type { Block, Instr, IrFunction, Value } from '../ir/ir.ts';
import { mapOperands, mapTerminatorOperands, operands } from '../ir/operands.ts';

/** Replaces an instruction by an equal one that dominates it. */
export function shareCommonSubexpressions(fn: IrFunction): boolean {
  const doms = dominators(fn);
  const replaced = new Map<Value, Value>();
  const resolve = (value: Value): Value => replaced.get(value) ?? value;
  const visit = (block: Block, above: ReadonlyMap<string, Value>): void => {
    const known = new Map(above);
    for (const instr of block.instrs) {
      mapOperands(instr, resolve);
      const key = isPure(instr) ? keyOf(instr) : undefined;
      if (key === undefined) continue;
      const before = known.get(key);
      if (before === undefined) known.set(key, instr);
      else replaced.set(instr, before);
    }
    for (const child of doms.children.get(block) ?? []) visit(child, known);
  };
  visit(fn.entry, new Map());
  if (replaced.size === 0) return false;
  for (const block of fn.blocks) {
    const kept = block.instrs.filter((instr) => !replaced.has(instr));
    block.instrs.splice(0, block.instrs.length, ...kept);
    for (const instr of block.instrs) mapOperands(instr, resolve);
    if (block.terminator !== undefined) mapTerminatorOperands(block.terminator, resolve);
  }
  return true;
}

/** Equal keys, equal results. */
function keyOf(instr: Instr): string | undefined {
  const args = operands(instr)
    .map((operand) => operand.id)
    .join(',');
  switch (instr.op) {
    case 'const':
      return `const ${instr.value}`;
    case 'alu':
      return `${instr.alu}${instr.width} ${args}`;
    case 'extend':
      return `extend${instr.signed ? 's' : 'u'}${instr.bits} ${args}`;
    case 'swap':
      return `swap${instr.bits} ${args}`;
    case 'compare':
      return `${instr.jump}${instr.width} ${args}`;
    case 'load':
      return `load${instr.signed ? 's' : 'u'}${instr.size} ${instr.address.offset} ${args}`;
    case 'slot_address':
      return `slot ${instr.slot.id} ${instr.offset}`;
    case 'map':
      return `map ${instr.map}`;
    case 'map_value':
      return `value ${instr.map} ${instr.offset}`;
    case 'variable':
      return `variable ${instr.number}`;
    case 'call':
      return `call ${instr.helper} ${args}`;
    default:
      return undefined;
  }
}
