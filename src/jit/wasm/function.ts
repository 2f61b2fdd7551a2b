import { MAX_BPF_STACK } from '../../isa/instruction.ts';
import type { Block, Step } from '../control-flow.ts';
import type { FunctionPlan, ProgramPlan } from '../plan.ts';
import type { Shape } from '../structure.ts';
import { structureOf } from '../structure.ts';
import type { State } from '../transfer.ts';
import { transfer } from '../transfer.ts';
import { emitAlu, emitSwap } from './alu.ts';
import { EXTEND_OPCODES, JUMP_OPCODES } from './arithmetic.ts';
import type { FunctionBody } from './binary.ts';
import { TYPE } from './binary.ts';
import { emitHelperCall } from './calls.ts';
import type { Code } from './code.ts';
import { OP } from './code.ts';
import { emitAtomic, emitLoad, emitStore } from './memory.ts';
import { sharedQuotients } from './quotients.ts';
import { createScope, type ModuleContext, type Scope } from './scope.ts';

/** of may_goto: BPF_MAX_LOOPS */
const BUDGET = 8 * 1024 * 1024;

/** The body of one function of a program: every register is an i64 local, which the engine's own optimiser narrows. */
export function emitWasmFunction(plan: FunctionPlan, program: ProgramPlan, module: ModuleContext): FunctionBody {
  const { graph, states, isMain } = plan;
  const scope = createScope(plan, program, module);
  const { code, locals } = scope;

  function emitBody({ index, steps }: Block): void {
    const quotients = sharedQuotients(steps, states[index]!, program);
    steps.forEach((step, at) => emitStep(scope, isMain, step, states[index]![at]!, quotients.get(step)));
  }

  function emitShapes(shapes: readonly Shape[]): void {
    for (const shape of shapes) {
      switch (shape.kind) {
        case 'body':
          emitBody(shape.block);
          break;
        case 'edge':
          break;
        case 'if':
          emitCondition(scope, shape.block.steps.at(-1)!, states[shape.block.index]!.at(-1)!, shape.negated);
          code.structured(OP.if, TYPE.none, '', () => emitShapes(shape.then));
          break;
        case 'loop':
          code.structured(OP.loop, TYPE.none, `loop${shape.header}`, () => {
            emitShapes(shape.body);
            code.branch(OP.br, `loop${shape.header}`);
          });
          break;
        case 'merge':
          code.structured(OP.block, TYPE.none, `to${shape.target}`, () => emitShapes(shape.body));
          break;
        case 'jump':
          code.branch(OP.br, `${shape.backward ? 'loop' : 'to'}${shape.target}`);
          break;
      }
    }
  }

  if (isMain) {
    code.get(0).op(OP.i64_extend_i32_u).i64(scope.pointer(0)).op(OP.i64_or).set(locals.register(1));
    code.i64(scope.pointer(module.environment.stackTop)).set(locals.register(10));
  }
  code.i32(BUDGET).set(locals.budget);
  const shapes = structureOf(graph);
  if (shapes === undefined) throw new Error('the control flow of a function for WebAssembly has no structure');
  emitShapes(shapes);
  // Every path has returned.
  code.op(OP.unreachable);
  return {
    signature: { parameters: locals.parameters, results: [isMain ? TYPE.i32 : TYPE.i64] },
    locals: locals.types,
    code: code.bytes,
  };
}

function emitStep(scope: Scope, isMain: boolean, step: Step, state: State, quotient: number | undefined): void {
  const { code, program, module, get, getNarrow, set } = scope;
  const { insn, operation, slot } = step;
  const { dst, src, imm } = insn;
  switch (operation.kind) {
    case 'alu':
      return emitAlu(scope, step, operation, state, quotient);
    case 'neg':
      code.i64(0n);
      get(dst, state).op(OP.i64_sub);
      if (operation.width === 32) code.op(OP.i32_wrap_i64, OP.i64_extend_i32_u);
      return void set(dst);
    case 'movsx':
      get(src, state);
      if (operation.width === 64) code.op(EXTEND_OPCODES[operation.bits][64]);
      else code.op(OP.i32_wrap_i64, EXTEND_OPCODES[operation.bits][32], OP.i64_extend_i32_u);
      return void set(dst);
    case 'end':
      return emitSwap(scope, operation, dst, state);
    case 'load':
      return emitLoad(scope, step, operation.size, operation.signed, state);
    case 'load_acquire':
      return emitLoad(scope, step, operation.size, false, state);
    case 'store':
    case 'store_release':
      return emitStore(scope, step, operation, state);
    case 'atomic':
      return emitAtomic(scope, step, operation, state);
    case 'ld_imm64': {
      // Known from here on, but a path may join on which it is not.
      const after = transfer(step, state, program)[dst]!;
      code.i64(scope.constantOf(after)!);
      return void set(dst);
    }
    case 'call':
      if (operation.callee !== 'subprogram') return emitHelperCall(scope, imm, state);
      get(10, state).i64(BigInt(MAX_BPF_STACK)).op(OP.i64_sub);
      for (const register of [1, 2, 3, 4, 5]) get(register, state);
      code.call(module.function(slot + 1 + imm));
      return void set(0);
    case 'exit':
      if (!isMain) get(0, state);
      else {
        code.i32(module.environment.resultHigh);
        get(0, state);
        scope.takeHighHalf().access(OP.i32_store, 0);
        getNarrow(0, state);
      }
      return void code.op(OP.return);
    case 'callx':
    case 'ld_packet':
      return void code.op(OP.unreachable);
    case 'jump':
    case 'ja':
    case 'may_goto':
      return;
  }
}

/** Leaves on the stack whether the first successor of a block is taken. */
function emitCondition(
  { code, locals, get, operand }: Scope,
  { operation, insn }: Step,
  state: State,
  negated: boolean,
): void {
  if (operation.kind === 'may_goto') {
    code.get(locals.budget).op(OP.i32_eqz);
    code.structured(OP.if, TYPE.i32, '', () => {
      code.i32(1).op(OP.else).get(locals.budget).i32(1).op(OP.i32_sub).set(locals.budget).i32(0);
    });
  } else if (operation.kind === 'jump') {
    const narrowed = (): Code => (operation.width === 32 ? code.op(OP.i32_wrap_i64) : code);
    get(insn.dst, state);
    narrowed();
    operand(operation.source, insn, state);
    narrowed();
    if (operation.op !== 'jset') code.op(JUMP_OPCODES[operation.op][operation.width]);
    else if (operation.width === 32) code.op(OP.i32_and).i32(0).op(OP.i32_ne);
    else code.op(OP.i64_and).i64(0n).op(OP.i64_ne);
  } else code.i32(1);
  if (negated) code.op(OP.i32_eqz);
}
