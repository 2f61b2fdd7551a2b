import type { HelperName, HelperRow } from '../abi/helpers.ts';
import { HELPERS } from '../abi/helpers.ts';
import { RETURN_KINDS } from '../abi/helper-types.ts';
import type { Relocation } from '../abi/program-image.ts';
import type { AluOp } from '../isa/opcodes.ts';
import type { Operation } from '../isa/operation.ts';
import { highHalf, joinHalves, lowHalf, s64, u64 } from '../isa/words.ts';
import type { Step } from './control-flow.ts';
import type { Value } from './value.ts';
import {
  address,
  asConstant,
  constant,
  FULL,
  HIGH,
  immediate,
  POINTER_OR_NULL,
  SIGN_EXTENDED,
  SMALL,
  ZERO_EXTENDED,
} from './value.ts';

export type State = readonly Value[];

/** What the analysis needs to know about the program around an instruction. */
export interface ProgramNames {
  readonly relocations: ReadonlyMap<number, Relocation>;
}

const HELPERS_BY_ID: ReadonlyMap<number, HelperName> = new Map(
  (Object.keys(HELPERS) as HelperName[]).map((name) => [HELPERS[name].id, name]),
);

/** The helper with this number. */
export function helperById(id: number): HelperName | undefined {
  return HELPERS_BY_ID.get(id);
}

/** Name in generated code of map `index`'s address. */
export function mapSymbol(index: number): string {
  return `MAP${index}`;
}

/** Name in generated code of the address of map `index`'s values. */
export function mapValuesSymbol(index: number): string {
  return `VALUES${index}`;
}

/** The value that a step gives its destination register, and which register that is. */
export interface Result {
  readonly register: number;
  readonly value: Value;
}

/** The one register that a step changes, if any. */
export function resultOf(step: Step, state: State, names: ProgramNames): Result | undefined {
  const { insn, operation } = step;
  const { dst, src, imm } = insn;
  switch (operation.kind) {
    case 'alu': {
      const b = operation.source === 'reg' ? state[src]! : immediate(imm);
      const value = operation.width === 64 ? alu64(operation.op, state[dst]!, b) : alu32(operation.op, state[dst]!, b);
      return { register: dst, value };
    }
    case 'neg': {
      const value = operation.width === 32 ? ZERO_EXTENDED : alu64('sub', constant(0, 0), state[dst]!);
      return { register: dst, value };
    }
    case 'movsx':
      return { register: dst, value: operation.width === 64 ? SIGN_EXTENDED : ZERO_EXTENDED };
    case 'end':
      return { register: dst, value: swapped(operation, state[dst]!) };
    case 'call':
      return { register: 0, value: operation.callee === 'helper' ? helperResult(imm) : FULL };
    case 'load':
    case 'load_acquire':
      return { register: dst, value: loaded(operation) };
    case 'atomic':
      if (!operation.fetch) return undefined;
      return { register: operation.op === 'cmpxchg' ? 0 : src, value: operation.size === 4 ? ZERO_EXTENDED : FULL };
    case 'ld_imm64':
      return { register: dst, value: loadedImmediate(step, operation, names) };
    default:
      return undefined;
  }
}

/** The state after a step. */
export function transfer(step: Step, state: State, names: ProgramNames): State {
  const result = resultOf(step, state, names);
  return result === undefined ? state : state.with(result.register, result.value);
}

/** What a taken (`index` 0) or not taken (1) conditional jump tells about its register. */
export function refine(step: Step, index: number, state: State): State {
  const { operation, insn } = step;
  if (operation.kind !== 'jump' || operation.width !== 64 || operation.source !== 'imm' || insn.imm !== 0) return state;
  if (operation.op !== 'jeq' && operation.op !== 'jne') return state;
  const value = state[insn.dst]!;
  if ((value.highs & HIGH.pointerOrNull) === 0 || (value.highs & HIGH.pointer) !== 0) return state;
  const isZero = (operation.op === 'jeq') === (index === 0);
  return state.with(insn.dst, isZero ? constant(0, 0) : { ...value, highs: value.highs | HIGH.pointer });
}

function loaded({ size, ...rest }: Extract<Operation, { kind: 'load' | 'load_acquire' }>): Value {
  if (size === 8) return FULL;
  if (rest.kind === 'load' && rest.signed) return SIGN_EXTENDED;
  return size === 4 ? ZERO_EXTENDED : SMALL;
}

function loadedImmediate(
  { slot, insn, next }: Step,
  { pseudo }: Extract<Operation, { kind: 'ld_imm64' }>,
  { relocations }: ProgramNames,
): Value {
  const relocation = relocations.get(slot);
  if (relocation !== undefined) {
    return relocation.offset === undefined
      ? address(mapSymbol(relocation.map), 0)
      : address(mapValuesSymbol(relocation.map), relocation.offset);
  }
  if (pseudo === 'func') return constant(slot + 1 + insn.imm, 0);
  return constant(insn.imm, next?.imm ?? 0);
}

function helperResult(id: number): Value {
  const name = helperById(id);
  if (name === undefined) return FULL;
  const row: HelperRow = HELPERS[name];
  switch (RETURN_KINDS[row.ret]) {
    case 'number':
      return FULL;
    case 'pointer':
      return POINTER_OR_NULL;
    case 'none':
      return constant(0, 0);
  }
}

function swapped({ order, bits }: Extract<Operation, { kind: 'end' }>, value: Value): Value {
  if (bits === 16) return SMALL;
  if (bits === 32) return ZERO_EXTENDED;
  return order === 'le' ? value : FULL;
}

function alu32(op: AluOp, a: Value, b: Value): Value {
  if (op === 'mov') {
    if (b.low !== undefined && b.symbol === undefined) return constant(b.low, 0);
    return { ...ZERO_EXTENDED, align: b.align };
  }
  const bits = b.symbol === undefined ? b.low : undefined;
  const staysSmall =
    (op === 'and' && bits !== undefined && bits >= 0) || (op === 'rsh' && bits !== undefined && (bits & 31) !== 0);
  return { ...(staysSmall ? SMALL : ZERO_EXTENDED), align: alignAfter(op, a, b) };
}

/** Operations whose value the analysis computes when both operands are known. */
const FOLD: Partial<Record<AluOp, (a: bigint, b: bigint) => bigint>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  lsh: (a, b) => a << (b & 63n),
  rsh: (a, b) => u64(a) >> (b & 63n),
  arsh: (a, b) => s64(a) >> (b & 63n),
};

function alu64(op: AluOp, a: Value, b: Value): Value {
  if (op === 'mov') return b;
  const [x, y] = [asConstant(a), asConstant(b)];
  const fold = FOLD[op];
  if (x !== undefined && y !== undefined && fold !== undefined) {
    const result = fold(joinHalves(x.low, x.high), joinHalves(y.low, y.high));
    return constant(lowHalf(result), highHalf(result));
  }
  // The arena ends below 2 ** 31 and frames lie well above its start: these distances cannot leave its 4 GiB, so the high
  // half stays that of the arena.
  if (a.symbol !== undefined && y !== undefined && (op === 'add' || op === 'sub') && y.high === y.low >> 31) {
    const offset = a.low! + (op === 'add' ? y.low : -y.low);
    if (
      Math.abs(offset) <= (a.symbol === FRAME_SYMBOL ? 1024 : 1 << 28) &&
      (offset >= 0 || a.symbol === FRAME_SYMBOL)
    ) {
      return address(a.symbol, offset);
    }
  }
  return { ...FULL, highs: highsAfter(op, a, b, y?.low), align: alignAfter(op, a, b) };
}

/** Name of the frame pointer in generated code. */
export const FRAME_SYMBOL = 'fp';

function highsAfter(op: AluOp, a: Value, b: Value, constantB: number | undefined): number {
  switch (op) {
    case 'and':
    case 'or':
    case 'xor': {
      let highs = a.highs & b.highs & (HIGH.zero | HIGH.sign);
      const smallMask = (HIGH.zero | HIGH.sign) as number;
      if (op === 'and') {
        // One operand without high bits clears the other's; one below 2 ** 31 also clears the sign.
        if (((a.highs | b.highs) & HIGH.zero) !== 0) highs |= HIGH.zero;
        if ((a.highs & smallMask) === smallMask || (b.highs & smallMask) === smallMask) highs |= HIGH.sign;
      }
      return highs;
    }
    case 'rsh': {
      if (constantB === undefined) return a.highs & HIGH.zero;
      const count = constantB & 63;
      if (count === 0) return a.highs & (HIGH.zero | HIGH.sign);
      if (count > 32) return HIGH.zero | HIGH.sign;
      if (count === 32) return HIGH.zero;
      return (a.highs & HIGH.zero) !== 0 ? HIGH.zero | HIGH.sign : 0;
    }
    case 'arsh':
      if (constantB !== undefined && (constantB & 63) >= 32) return HIGH.sign;
      return a.highs & HIGH.sign;
    case 'div':
    case 'mod':
      return a.highs & b.highs & HIGH.zero;
    default:
      return 0;
  }
}

function alignAfter(op: AluOp, a: Value, b: Value): number {
  switch (op) {
    case 'add':
    case 'sub':
    case 'or':
    case 'xor':
      return Math.min(a.align, b.align);
    case 'and':
      return Math.max(a.align, b.align);
    case 'mul':
      return Math.min(3, a.align + b.align);
    case 'lsh':
      return b.low === undefined || b.symbol !== undefined ? a.align : Math.min(3, a.align + (b.low & 31));
    default:
      return 0;
  }
}
