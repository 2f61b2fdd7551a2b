import type { AccessSize } from '../../isa/opcodes.ts';
import type { Operation } from '../../isa/operation.ts';
import type { Step } from '../control-flow.ts';
import type { State } from '../transfer.ts';
import { ATOMIC_OPCODES, EXTEND_OPCODES, LOAD_OPCODES, SIGNED_LOAD_OPCODES, STORE_OPCODES } from './arithmetic.ts';
import { OP } from './code.ts';
import type { Scope } from './scope.ts';

export function emitLoad(scope: Scope, step: Step, size: AccessSize, signed: boolean, state: State): void {
  const { code, locals, module, program, get, set } = scope;
  const { dst, src, off } = step.insn;
  if (program.accesses[step.slot]?.region === 'probe') {
    get(src, state).i64(BigInt(off)).op(OP.i64_add).tee(locals.wide).op(OP.i32_wrap_i64);
    code.get(locals.wide);
    scope.takeHighHalf();
    code.i32(size).call(module.probeLoad).op(OP.i64_extend_i32_u);
    if (size === 8) scope.addHighHalf();
    else if (signed) code.op(EXTEND_OPCODES[(size * 8) as 8 | 16 | 32][64]);
    set(dst);
    return;
  }
  const distance = scope.address(step, src, state);
  code.access((signed ? SIGNED_LOAD_OPCODES : LOAD_OPCODES)[size], distance);
  set(dst);
}

export function emitStore(
  { code, address, operand }: Scope,
  step: Step,
  operation: Extract<Operation, { kind: 'store' | 'store_release' }>,
  state: State,
): void {
  const distance = address(step, step.insn.dst, state);
  operand(operation.kind === 'store' ? operation.source : 'reg', step.insn, state);
  code.access(STORE_OPCODES[operation.size], distance);
}

export function emitAtomic(
  { code, locals, address, get }: Scope,
  step: Step,
  operation: Extract<Operation, { kind: 'atomic' }>,
  state: State,
): void {
  const { dst, src } = step.insn;
  const { op, size, fetch } = operation;
  const distance = address(step, dst, state);
  code.tee(locals.narrow).access(LOAD_OPCODES[size], distance).set(locals.wide);
  // The address for the store.
  code.get(locals.narrow);
  if (op === 'xchg') get(src, state);
  else if (op === 'cmpxchg') {
    get(src, state).get(locals.wide).get(locals.wide);
    get(0, state);
    if (size === 4) code.i64(0xffffffffn).op(OP.i64_and);
    code.op(OP.i64_eq, OP.select);
  } else {
    code.get(locals.wide);
    get(src, state).op(ATOMIC_OPCODES[op]);
  }
  code.access(STORE_OPCODES[size], distance);
  if (op === 'cmpxchg') code.get(locals.wide).set(locals.register(0));
  else if (fetch) code.get(locals.wide).set(locals.register(src));
}
