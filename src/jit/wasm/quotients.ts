import type { AluOp } from '../../isa/opcodes.ts';
import { REGISTER_COUNT } from '../../isa/instruction.ts';
import type { Step } from '../control-flow.ts';
import type { BlockStates } from '../states.ts';
import { type ProgramNames, resultOf } from '../transfer.ts';

/** The quotient that a remainder goes with. */
const QUOTIENT_OF: Partial<Record<AluOp, AluOp>> = { mod: 'div', smod: 'sdiv' };

/**
 * Remainders in a block whose quotient a register holds already: by the step that takes the remainder, that register.
 * Compilers of C merge `a / b` and `a % b` into one division, which is all that such code costs; V8 does not.
 */
export function sharedQuotients(
  steps: readonly Step[],
  states: BlockStates,
  names: ProgramNames,
): ReadonlyMap<Step, number> {
  const shared = new Map<Step, number>();
  if (!steps.some(({ operation }) => operation.kind === 'alu' && QUOTIENT_OF[operation.op] !== undefined))
    return shared;
  /** A number for what each register holds: equal numbers, equal values. */
  const held = Array.from({ length: REGISTER_COUNT }, (_, register) => register);
  let next = REGISTER_COUNT;
  /** Numbers of quotients, by operation and operands. */
  const quotients = new Map<string, number>();
  steps.forEach((step, at) => {
    const { insn, operation } = step;
    const changed = resultOf(step, states[at]!, names)?.register;
    if (operation.kind === 'alu' && operation.width === 64 && operation.source === 'reg') {
      const { op } = operation;
      const operands = `${held[insn.dst]} ${held[insn.src]}`;
      const register = held.indexOf(quotients.get(`${QUOTIENT_OF[op] ?? ''} ${operands}`) ?? -1);
      if (register >= 0) shared.set(step, register);
      held[insn.dst] = op === 'mov' ? held[insn.src]! : next++;
      if (op === 'div' || op === 'sdiv') quotients.set(`${op} ${operands}`, held[insn.dst]!);
    } else if (changed !== undefined) held[changed] = next++;
  });
  return shared;
}
