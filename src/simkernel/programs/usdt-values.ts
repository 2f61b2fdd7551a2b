import type { Architecture } from '../arch/architecture.ts';
import { parseUsdtOperands } from '../../btf/usdt-operand.ts';
import type { UserContext } from './user.ts';
import type { UserWord } from './user-function.ts';
import { bug } from '../../source/bug.ts';

/** Puts a static probe's arguments where its note says that they are. */
export function placeOperands(
  u: UserContext,
  { abi, userCode }: Architecture,
  operands: string,
  values: readonly UserWord[],
): void {
  u.registers.clear();
  parseUsdtOperands(userCode.operands(operands), abi).forEach((operand, i) => {
    const value = values[i] ?? 0;
    if (operand?.kind === 'register') u.registers.set(operand.register, value);
    if (operand?.kind !== 'memory') return;
    const { register } = operand;
    const base = register === abi.fp ? u.fp : register === abi.sp ? u.sp : undefined;
    if (base === undefined) bug(`the operand ${operands} is relative to no stack register`);
    u.store(base + operand.displacement, operand.size, value);
  });
}
