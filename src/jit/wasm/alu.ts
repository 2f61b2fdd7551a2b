import type { Operation } from '../../isa/operation.ts';
import type { Step } from '../control-flow.ts';
import type { State } from '../transfer.ts';
import { ALU_OPCODES } from './arithmetic.ts';
import { TYPE } from './binary.ts';
import { type Code, OP } from './code.ts';
import type { Scope } from './scope.ts';

/** A binary operation. `quotient`: the register with the quotient of the same operands, where this is their remainder. */
export function emitAlu(
  scope: Scope,
  { insn }: Step,
  { op, width, source }: Extract<Operation, { kind: 'alu' }>,
  state: State,
  quotient: number | undefined,
): void {
  const { code, locals, constantOf, get, set, operand } = scope;
  const { dst, src, imm } = insn;
  const narrowed = (): Code => (width === 32 ? code.op(OP.i32_wrap_i64) : code);
  const widened = (): Code => (width === 32 ? code.op(OP.i64_extend_i32_u) : code);
  const right = source === 'reg' ? constantOf(state[src]!) : BigInt(imm);
  if (op === 'mov') {
    operand(source, insn, state);
    narrowed();
    widened();
    set(dst);
    return;
  }
  if (quotient !== undefined) {
    // Right for a divisor of 0 too, whose quotient is 0, and for -1, as all of it wraps.
    get(dst, state);
    get(quotient, state);
    get(src, state).op(ALU_OPCODES.mul[64], OP.i64_sub);
    set(dst);
    return;
  }
  if (width === 64 && right === undefined && (op === 'div' || op === 'mod')) {
    emitQuotient(scope, insn, state);
    if (op === 'mod') {
      // As above: what a quotient of 0 leaves of the dividend.
      code.set(locals.wide);
      get(dst, state).get(locals.wide);
      get(src, state).op(OP.i64_mul, OP.i64_sub);
    }
    set(dst);
    return;
  }
  const opcode = ALU_OPCODES[op][width];
  const type = width === 32 ? TYPE.i32 : TYPE.i64;
  const zero = (): Code => (width === 32 ? code.i32(0) : code.i64(0n));
  const left = (): Code => (get(dst, state), narrowed());
  const both = (): Code => (left(), operand(source, insn, state), narrowed().op(opcode));
  const isDivision = op === 'div' || op === 'mod' || op === 'sdiv' || op === 'smod';
  const divisor = right === undefined ? undefined : BigInt.asIntN(width, right);
  if (!isDivision || (divisor !== undefined && divisor !== 0n && divisor !== -1n)) {
    both();
    widened();
    set(dst);
    return;
  }
  // By zero: 0, or the dividend. By -1 the signed quotient may not fit, which WebAssembly traps and eBPF wraps.
  const equals = (value: bigint): void => {
    operand(source, insn, state);
    narrowed();
    if (width === 32) code.i32(Number(value)).op(OP.i32_eq);
    else code.i64(value).op(OP.i64_eq);
  };
  const isQuotient = op === 'div' || op === 'sdiv';
  const isSigned = op === 'sdiv' || op === 'smod';
  equals(0n);
  code.structured(OP.if, type, '', () => {
    if (isQuotient) zero();
    else left();
    code.op(OP.else);
    if (!isSigned) {
      both();
      return;
    }
    equals(-1n);
    code.structured(OP.if, type, '', () => {
      zero();
      if (isQuotient) left().op(ALU_OPCODES.sub[width]);
      code.op(OP.else);
      both();
    });
  });
  widened();
  set(dst);
}

/** Doubles give a quotient below it with an error of less than 0.75: cut off, it is wrong by at most one. */
const SMALL_QUOTIENT = 2 ** 51;

/**
 * Leaves on the stack the unsigned quotient of two registers, 0 for a divisor of 0. A processor divides doubles several times
 * faster than words of 64 bits; what the estimate leaves of the dividend tells whether it is one too many or too few.
 */
function emitQuotient({ code, locals, get }: Scope, { dst, src }: Step['insn'], state: State): void {
  const { wide: quotient, rest, double: estimate } = locals;
  get(dst, state).op(OP.f64_convert_i64_s);
  get(src, state).op(OP.f64_convert_i64_s, OP.f64_div);
  // Nothing is below it where both are 0. With words beyond 2 ** 63, which were taken as signed, the estimate is useless.
  code.tee(estimate).f64(SMALL_QUOTIENT).op(OP.f64_lt);
  get(dst, state);
  get(src, state).op(OP.i64_or).i64(0n).op(OP.i64_ge_s, OP.i32_and);
  code.structured(OP.if, TYPE.i64, '', () => {
    code.get(estimate).op(OP.i64_trunc_f64_s).set(quotient);
    get(dst, state).get(quotient);
    get(src, state).op(OP.i64_mul, OP.i64_sub).tee(rest).i64(63n).op(OP.i64_shr_s).get(quotient).op(OP.i64_add);
    code.get(rest);
    get(src, state).op(OP.i64_ge_s, OP.i64_extend_i32_u, OP.i64_add, OP.else);
    get(src, state).op(OP.i64_eqz);
    code.structured(OP.if, TYPE.i64, '', () => {
      code.i64(0n).op(OP.else);
      get(dst, state);
      get(src, state).op(OP.i64_div_u);
    });
  });
}

export function emitSwap(
  { code, module, get, set }: Scope,
  { order, bits }: Extract<Operation, { kind: 'end' }>,
  register: number,
  state: State,
): void {
  get(register, state);
  if (order !== 'le') {
    code.call(module.swapBytes);
    if (bits !== 64) code.i64(BigInt(64 - bits)).op(OP.i64_shr_u);
  } else if (bits !== 64) code.i64((1n << BigInt(bits)) - 1n).op(OP.i64_and);
  set(register);
}
