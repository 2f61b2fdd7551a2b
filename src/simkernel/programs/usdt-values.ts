import { PT_REGS } from '../../btf/pt-regs.ts';
import { parseUsdtOperands } from '../../btf/usdt-operand.ts';
import type { UserContext } from './user.ts';
import type { UserWord } from './user-function.ts';

/** Puts a static probe's arguments where its note says that they are. */
export function placeOperands(u: UserContext, operands: string, values: readonly UserWord[]): void {
  u.registers.clear();
  parseUsdtOperands(operands).forEach((operand, i) => {
    const value = values[i] ?? 0;
    if (operand?.kind === 'register') u.registers.set(PT_REGS[operand.register], value);
    if (operand?.kind !== 'memory') return;
    const { bp, sp } = PT_REGS;
    const register = PT_REGS[operand.register];
    const base = register === bp ? u.fp : register === sp ? u.sp : undefined;
    if (base === undefined) throw new Error(`the operand ${operands} is relative to no stack register`);
    u.store(base + operand.displacement, operand.size, value);
  });
}
