import type { IrFunction } from '../ir/ir.ts';
import { promoteSlots } from './promote-slots.ts';
import { removeDeadCode, removeUnreachable } from './dead-code.ts';

/** The passes in order. */
export function optimize(fn: IrFunction): void {
  removeUnreachable(fn);
  promoteSlots(fn);
  removeDeadCode(fn);
}
