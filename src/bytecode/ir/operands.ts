import { assertNever } from '../../source/bug.ts';
import type { Address, Instr, Terminator, Value } from './ir.ts';

/** Calls `change` on each operand and stores what it returns. */
export function mapOperands(instr: Instr, change: (value: Value) => Value): void {
  switch (instr.op) {
    case 'const':
    case 'param':
    case 'slot_address':
    case 'map':
    case 'map_value':
    case 'variable':
    case 'function':
      return;
    case 'phi':
      for (const [block, value] of instr.inputs) instr.inputs.set(block, change(value));
      return;
    case 'alu':
    case 'compare':
      instr.left = change(instr.left);
      instr.right = change(instr.right);
      return;
    case 'extend':
    case 'swap':
      instr.value = change(instr.value);
      return;
    case 'load':
      mapAddress(instr.address, change);
      return;
    case 'store':
    case 'atomic_add':
      mapAddress(instr.address, change);
      instr.value = change(instr.value);
      return;
    case 'call':
    case 'call_function':
      instr.args.forEach((arg, index) => (instr.args[index] = change(arg)));
      return;
    default:
      return assertNever(instr);
  }
}

function mapAddress(address: Address, change: (value: Value) => Value): void {
  if (address.base.kind === 'instr') address.base = change(address.base);
}

export function mapTerminatorOperands(terminator: Terminator, change: (value: Value) => Value): void {
  if (terminator.op === 'branch') {
    terminator.left = change(terminator.left);
    terminator.right = change(terminator.right);
  } else if (terminator.op === 'return') {
    terminator.value = change(terminator.value);
  }
}

/** The operands in the order of `mapOperands`. */
export function operands(instr: Instr): readonly Value[] {
  switch (instr.op) {
    case 'const':
    case 'param':
    case 'slot_address':
    case 'map':
    case 'map_value':
    case 'variable':
    case 'function':
      return NONE;
    case 'phi':
      return [...instr.inputs.values()];
    case 'alu':
    case 'compare':
      return [instr.left, instr.right];
    case 'extend':
    case 'swap':
      return [instr.value];
    case 'load':
      return instr.address.base.kind === 'instr' ? [instr.address.base] : NONE;
    case 'store':
    case 'atomic_add':
      return instr.address.base.kind === 'instr' ? [instr.address.base, instr.value] : [instr.value];
    case 'call':
    case 'call_function':
      return instr.args;
    default:
      return assertNever(instr);
  }
}

const NONE: readonly Value[] = [];

export function terminatorOperands(terminator: Terminator | undefined): readonly Value[] {
  if (terminator === undefined) return NONE;
  if (terminator.op === 'branch') return [terminator.left, terminator.right];
  return terminator.op === 'return' ? [terminator.value] : NONE;
}
