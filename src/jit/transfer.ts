import type { HelperName, HelperRow } from '../abi/helpers.ts';
import { HELPERS } from '../abi/helpers.ts';
import { RETURN_KINDS } from '../abi/helper-types.ts';
import type { Relocation } from '../abi/program-image.ts';
import { type AluOp, JUMP, type JumpOp } from '../isa/opcodes.ts';
import type { Operation } from '../isa/operation.ts';
import { highHalf, joinHalves, lowHalf, s64, u64 } from '../isa/words.ts';
import type { Step } from './control-flow.ts';
import { CURRENT_LOADS } from './current-loads.ts';
import type { Value } from './value.ts';
import {
  address,
  asConstant,
  bounded,
  constant,
  FULL,
  HIGH,
  immediate,
  MAX_S32,
  MAX_U32,
  POINTER_OR_NULL,
  SIGN_EXTENDED,
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
      return { register: 0, value: operation.callee !== 'subprogram' ? helperResult(imm) : FULL };
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
  const kept = mayChangeCurrent(step) ? withoutCopies(state) : state;
  return result === undefined ? kept : kept.with(result.register, result.value);
}

/** Helpers that run nothing else: what others do may fire probes of their own. */
const QUIET: ReadonlySet<HelperName> = new Set(['map_lookup_elem', 'ringbuf_reserve', 'ringbuf_submit']);

function mayChangeCurrent({ operation, insn }: Step): boolean {
  if (operation.kind !== 'call') return false;
  const name = operation.callee === 'helper' ? helperById(insn.imm) : undefined;
  return name === undefined || !(name in CURRENT_LOADS || QUIET.has(name));
}

function withoutCopies(state: State): State {
  if (state.every(({ copyOf }) => copyOf === undefined)) return state;
  return state.map((value) => ({ ...value, copyOf: undefined }));
}

/** What a taken (`index` 0) or not taken (1) conditional jump tells about the register on its left. */
export function refine({ operation, insn }: Step, index: number, state: State): State {
  if (operation.kind !== 'jump') return state;
  const op = index === 0 ? operation.op : JUMP[operation.op].inverse;
  const value = state[insn.dst]!;
  const right = operation.source === 'imm' ? immediate(insn.imm) : state[insn.src]!;
  const refined = operation.width === 64 ? refine64(op, value, right) : refine32(op, value, right);
  return refined === undefined ? state : state.with(insn.dst, refined);
}

function refine64(op: JumpOp | undefined, value: Value, right: Value): Value | undefined {
  const known = asConstant(right);
  if (known?.low === 0 && known.high === 0 && (op === 'jeq' || op === 'jne')) {
    if (op === 'jeq') return constant(0, 0);
    const isNull = (value.highs & HIGH.pointerOrNull) !== 0;
    return isNull ? { ...value, highs: value.highs | HIGH.pointer } : undefined;
  }
  // Below or equal to an unsigned 32-bit word, a word is one itself. Signed order agrees where both are known to be small.
  const isSmall = isBelowSign(value) && isBelowSign(right);
  const below = op === 'jlt' || (op === 'jslt' && isSmall);
  const atMost = op === 'jle' || (op === 'jsle' && isSmall);
  if (!below && !atMost) return undefined;
  const limit = known === undefined ? limitOf(right) : (known.high >>> 0) * 2 ** 32 + (known.low >>> 0);
  return limit === undefined ? undefined : atMostWord(value, below ? limit - 1 : limit);
}

function refine32(op: JumpOp | undefined, value: Value, right: Value): Value | undefined {
  if (op !== 'jlt' && op !== 'jle') return undefined;
  const max = Math.min(value.max, op === 'jlt' ? right.max - 1 : right.max);
  if (max < 0 || max === value.max || value.low !== undefined) return undefined;
  const isSmall = (value.highs & HIGH.zero) !== 0 && max <= MAX_S32;
  return { ...value, max, highs: isSmall ? value.highs | HIGH.sign : value.highs };
}

/** The value with an upper bound for all of its 64 bits. */
function atMostWord(value: Value, limit: number): Value | undefined {
  if (limit < 0 || limit > MAX_U32 || value.low !== undefined) return undefined;
  const max = Math.min(value.max, limit);
  return { ...value, high: undefined, max, highs: value.highs | bounded(max).highs };
}

/** The largest value of a word that has a zero high half. */
function limitOf(value: Value): number | undefined {
  return (value.highs & HIGH.zero) !== 0 ? value.max : undefined;
}

function isBelowSign(value: Value): boolean {
  return (value.highs & HIGH.zero) !== 0 && value.max <= MAX_S32;
}

function loaded({ size, ...rest }: Extract<Operation, { kind: 'load' | 'load_acquire' }>): Value {
  if (size === 8) return FULL;
  if (rest.kind === 'load' && rest.signed) return SIGN_EXTENDED;
  return size === 4 ? ZERO_EXTENDED : bounded(2 ** (size * 8) - 1);
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
  const current = CURRENT_LOADS[name];
  switch (RETURN_KINDS[row.ret]) {
    case 'number':
      return current?.isNumber === true ? { ...FULL, copyOf: current.location } : FULL;
    case 'pointer':
      return POINTER_OR_NULL;
    case 'none':
      return constant(0, 0);
  }
}

function swapped({ order, bits }: Extract<Operation, { kind: 'end' }>, value: Value): Value {
  if (bits === 16) return bounded(0xffff);
  if (bits === 32) return ZERO_EXTENDED;
  return order === 'le' ? value : FULL;
}

function alu32(op: AluOp, a: Value, b: Value): Value {
  if (op === 'mov') {
    if (b.low !== undefined && b.symbol === undefined) return constant(b.low, 0);
    return bounded(b.max, b.align);
  }
  const max = maxAfter(op, a, b, 31);
  return bounded(max === undefined || max > MAX_U32 ? MAX_U32 : max, alignAfter(op, a, b));
}

/**
 * An upper bound of an unsigned result from those of the operands; not wrapped, so that more than 32 bits show. Undefined:
 * no bound.
 */
function maxAfter(op: AluOp, a: Value, b: Value, countMask: number): number | undefined {
  const bits = b.symbol === undefined ? b.low : undefined;
  switch (op) {
    case 'add':
      return a.max + b.max;
    case 'mul':
      return a.max * b.max;
    case 'and':
      return Math.min(a.max, b.max);
    case 'or':
    case 'xor':
      return 2 ** (32 - Math.clz32(Math.max(a.max, b.max))) - 1;
    case 'lsh':
      return bits === undefined ? undefined : a.max * 2 ** (bits & countMask);
    case 'rsh':
      return bits === undefined ? a.max : Math.floor(a.max / 2 ** (bits & countMask));
    case 'div':
      return a.max;
    case 'mod':
      return bits === undefined || bits === 0 ? a.max : Math.min(a.max, (bits >>> 0) - 1);
    default:
      return undefined;
  }
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
  const align = alignAfter(op, a, b);
  const highs = highsAfter(op, a, b, y?.low);
  // A shift looks at the count's low bits only; the other operations are bounded when both words have zero high halves.
  const isShift = op === 'lsh' || op === 'rsh';
  if ((a.highs & HIGH.zero) !== 0 && (isShift || (b.highs & HIGH.zero) !== 0)) {
    const max = maxAfter(op, a, b, 63);
    if (max !== undefined && max <= MAX_U32) return bounded(max, align);
  }
  if (op === 'and' && (highs & HIGH.zero) !== 0) {
    // One word has a zero high half, which the result inherits together with that word's bound.
    const max = Math.min((a.highs & HIGH.zero) !== 0 ? a.max : MAX_U32, (b.highs & HIGH.zero) !== 0 ? b.max : MAX_U32);
    return bounded(max, align);
  }
  if (op === 'rsh' && y !== undefined && (y.low & 63) >= 32) return bounded(2 ** (64 - (y.low & 63)) - 1);
  return { ...FULL, highs, align };
}

/** Name of the frame pointer in generated code. */
export const FRAME_SYMBOL = 'fp';
/** Its name in main programs, whose frame is always in the same place. */
export const MAIN_FRAME_SYMBOL = 'FRAME';
/** Name of the context's address in the main program. */
export const CONTEXT_SYMBOL = 'ctx';

function highsAfter(op: AluOp, a: Value, b: Value, constantB: number | undefined): number {
  switch (op) {
    case 'and':
      // A zero high half clears the other's.
      return (a.highs & b.highs & HIGH.sign) | ((a.highs | b.highs) & HIGH.zero);
    case 'or':
    case 'xor':
      return a.highs & b.highs & (HIGH.zero | HIGH.sign);
    case 'rsh':
      return a.highs & HIGH.zero;
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
