import { PT_REGS } from './pt-regs.ts';

type Register = keyof typeof PT_REGS;

/** Where one argument of a USDT probe is, as the note in `.note.stapsdt` says it in the assembler's syntax. */
export type UsdtOperand = { readonly size: number; readonly signed: boolean } & (
  | { readonly kind: 'constant'; readonly value: bigint }
  | { readonly kind: 'register'; readonly register: Register }
  | { readonly kind: 'memory'; readonly register: Register; readonly displacement: number }
);

/** rax, eax, ax, al; r8, r8d, r8w, r8b. */
const NAMES = new Map<string, Register>([
  ...(['ax', 'bx', 'cx', 'dx'] as const).flatMap((name): [string, Register][] =>
    [`r${name}`, `e${name}`, name, `${name[0]!}l`].map((each) => [each, name]),
  ),
  ...(['si', 'di', 'bp', 'sp'] as const).flatMap((name): [string, Register][] =>
    [`r${name}`, `e${name}`, name, `${name}l`].map((each) => [each, name]),
  ),
  ...(['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'] as const).flatMap((name): [string, Register][] =>
    [name, `${name}d`, `${name}w`, `${name}b`].map((each) => [each, name]),
  ),
  ['rip', 'ip'],
]);

/** `-4@%edi`, `8@-16(%rbp)`, `-2@$-7`; undefined for what no tracer understands either (an index register). */
export function parseUsdtOperand(text: string): UsdtOperand | undefined {
  const match = /^(-?)(\d+)@(?:\$(-?\d+)|%(\w+)|(-?\d+)?\(%(\w+)\))$/.exec(text);
  if (match === null) return undefined;
  const [, minus, bytes, constant, register, displacement, base] = match;
  const shape = { size: Number(bytes), signed: minus === '-' };
  if (constant !== undefined) return { ...shape, kind: 'constant', value: BigInt(constant) };
  const name = NAMES.get(register ?? base!);
  if (name === undefined) return undefined;
  return register === undefined
    ? { ...shape, kind: 'memory', register: name, displacement: Number(displacement ?? 0) }
    : { ...shape, kind: 'register', register: name };
}

/** All operands of a note, which separates them by spaces. */
export function parseUsdtOperands(text: string): readonly (UsdtOperand | undefined)[] {
  return text === '' ? [] : text.split(' ').map(parseUsdtOperand);
}
