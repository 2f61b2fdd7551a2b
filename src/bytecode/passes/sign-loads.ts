import type { Flow } from '../ir/flow.ts';
import { type Load, type Value } from '../ir/ir.ts';
import { mapOperands, mapTerminatorOperands, operands, terminatorOperands } from '../ir/operands.ts';

/** Loads with sign where every reader of an unsigned load extends it by its sign. */
export function signLoads({ fn }: Flow): boolean {
  const candidates = new Map<Load, boolean>();
  for (const block of fn.blocks)
    for (const instr of block.instrs)
      if (instr.op === 'load' && !instr.signed && instr.size < 8) candidates.set(instr, false);
  if (candidates.size === 0) return false;
  for (const block of fn.blocks) {
    for (const instr of block.instrs) {
      const extended = instr.op === 'extend' && instr.signed ? instr : undefined;
      for (const operand of operands(instr)) {
        if (operand.op !== 'load' || !candidates.has(operand)) continue;
        if (extended?.bits === operand.size * 8) candidates.set(operand, true);
        else candidates.delete(operand);
      }
    }
    for (const operand of terminatorOperands(block.terminator)) if (operand.op === 'load') candidates.delete(operand);
  }
  const signed = new Set<Value>([...candidates].filter(([, extends_]) => extends_).map(([load]) => load));
  if (signed.size === 0) return false;
  for (const load of signed) (load as Load).signed = true;
  const through = (value: Value): Value =>
    value.op === 'extend' && value.signed && signed.has(value.value) ? value.value : value;
  for (const block of fn.blocks) {
    for (const instr of block.instrs) mapOperands(instr, through);
    if (block.terminator !== undefined) mapTerminatorOperands(block.terminator, through);
  }
  return true;
}
