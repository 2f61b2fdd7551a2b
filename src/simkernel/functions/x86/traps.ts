import type { EntryPoint } from '../../cpu/deliver.ts';
import { VECTORS } from '../../cpu/descriptor-tables.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { declareText } from '../../execution/text.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { leaveToUser } from './irq-entry.ts';
import { die, isUser } from './oops.ts';
import { printTrap } from './trap-report.ts';
import { forceSig } from '../kernel/signal.ts';
import { SIGILL, SIGFPE } from '../../tasks/signals.ts';

const doErrorTrap = kernelFunction(
  'do_error_trap',
  40,
  (
    m,
    regs: KernelObject,
    error: number,
    text: KernelObject & { readonly text: string },
    _trap: number,
    signal: number,
  ): void => {
    if (!isUser(m, regs)) die(m, text, regs, error);
    printTrap(m, regs, `trap ${text.text}`, error);
    forceSig(m, signal);
  },
  { traceable: false },
);

/** Exceptions without an error code that end whoever raised them: faults, so the instruction would run again. */
const ROWS = [
  { vector: VECTORS.divideError, name: 'divide_error', text: 'divide error', signal: SIGFPE },
  { vector: VECTORS.invalidOpcode, name: 'invalid_op', text: 'invalid opcode', signal: SIGILL },
] as const;

export const TRAPS: readonly { readonly vector: number; readonly entry: EntryPoint }[] = ROWS.map(
  ({ vector, name, text, signal }) => {
    const handler = kernelFunction(
      `exc_${name}`,
      30,
      (m, regs: KernelObject): void => doErrorTrap(m, regs, 0, { address: m.scratch, text }, vector, signal),
      { traceable: false },
    );
    const entry: EntryPoint = {
      symbol: declareText(`asm_exc_${name}`, { traceable: false, site: 0x26 }),
      run(m, address) {
        const regs = { address };
        handler(m, regs);
        return leaveToUser(m, regs);
      },
    };
    return { vector, entry };
  },
);
