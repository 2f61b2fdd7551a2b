import type { Abi } from './abi/abi.ts';

/** Where one argument of a USDT probe is, as the note in `.note.stapsdt` says it; registers as offsets in struct pt_regs. */
export type UsdtOperand = { readonly size: number; readonly signed: boolean } & (
  | { readonly kind: 'constant'; readonly value: bigint }
  | { readonly kind: 'register'; readonly register: number }
  | { readonly kind: 'memory'; readonly register: number; readonly displacement: number }
);

/** `-4@%edi`, `8@-16(%rbp)`, `-4@x1`, `8@[sp, 16]`; undefined for what no tracer understands either (an index register). */
export function parseUsdtOperand(text: string, abi: Abi): UsdtOperand | undefined {
  const match = /^(-?)(\d+)@(.*)$/.exec(text);
  if (match === null) return undefined;
  const [, minus, bytes, place = ''] = match;
  const shape = { size: Number(bytes), signed: minus === '-' };
  const { constant, register, memory } = abi.operandSyntax;
  const value = constant.exec(place)?.groups?.['value'];
  if (value !== undefined) return { ...shape, kind: 'constant', value: BigInt(value) };
  const named = register.exec(place)?.groups?.['register'];
  const indirect = memory.exec(place)?.groups;
  const offset = abi.operandRegisters.get(named ?? indirect?.['base'] ?? '');
  if (offset === undefined) return undefined;
  return named === undefined
    ? { ...shape, kind: 'memory', register: offset, displacement: Number(indirect?.['displacement'] ?? 0) }
    : { ...shape, kind: 'register', register: offset };
}

/** All operands of a note, which separates them by spaces; one in brackets may have a space of its own. */
export function parseUsdtOperands(text: string, abi: Abi): readonly (UsdtOperand | undefined)[] {
  return text === '' ? [] : text.split(/ (?![^[]*\])/).map((operand) => parseUsdtOperand(operand, abi));
}
