import type { ExecutionEnvironment } from '../../abi/execution.ts';
import type { HelperName, HelperRow } from '../../abi/helpers.ts';
import { HELPERS } from '../../abi/helpers.ts';
import { ARG_WORDS, RETURN_KINDS } from '../../abi/helper-types.ts';
import { MAX_BPF_STACK } from '../../isa/instruction.ts';
import type { AccessSize, AluOp, OperandSource } from '../../isa/opcodes.ts';
import type { Operation } from '../../isa/operation.ts';
import { joinHalves } from '../../isa/words.ts';
import type { Block, Step } from '../control-flow.ts';
import { INLINE_LOADS, knownReservation, mapIndex } from '../inlining.ts';
import type { FunctionPlan, ProgramPlan } from '../plan.ts';
import type { Shape } from '../structure.ts';
import { structureOf } from '../structure.ts';
import type { State } from '../transfer.ts';
import { helperById, transfer } from '../transfer.ts';
import type { Value } from '../value.ts';
import { asConstant, immediate } from '../value.ts';
import * as opcodes from './arithmetic.ts';
import type { FunctionBody, ValueType } from './binary.ts';
import { TYPE } from './binary.ts';
import type { Code } from './code.ts';
import { createCode, OP } from './code.ts';

/** What a function needs to know of the module around it: function indices, and addresses. */
export interface ModuleContext {
  readonly environment: ExecutionEnvironment;
  /** Arena offsets by the names of transfer.ts, for what is constant in the main program. */
  readonly symbols: ReadonlyMap<string, number>;
  readonly helper: (name: HelperName) => number;
  readonly probeLoad: number;
  readonly swapBytes: number;
  /** Functions that look a key up, or reserve a record, in a map. */
  readonly lookup: (map: number) => number | undefined;
  readonly reserve: (map: number) => number | undefined;
  readonly submit: number | undefined;
  /** The function of the program that starts at a slot. */
  readonly function: (slot: number) => number;
}

/** of may_goto: BPF_MAX_LOOPS */
const BUDGET = 8 * 1024 * 1024;
const WORD_BITS = 32n;

/** Parameters: the main program's context (i32); other functions' r10 and r1 to r5 (i64). Locals: the other registers, temporaries. */
interface Locals {
  readonly register: (register: number) => number;
  readonly parameters: readonly ValueType[];
  readonly types: readonly ValueType[];
  readonly wide: number;
  readonly wide2: number;
  readonly narrow: number;
  readonly budget: number;
}

function localsOf(isMain: boolean): Locals {
  const temporaries = [TYPE.i64, TYPE.i64, TYPE.i32, TYPE.i32];
  const registers = isMain ? 11 : 5;
  const parameters: ValueType[] = isMain ? [TYPE.i32] : [10, 1, 2, 3, 4, 5].map(() => TYPE.i64);
  const first = parameters.length + registers;
  return {
    parameters,
    types: [...Array.from({ length: registers }, () => TYPE.i64), ...temporaries],
    register(register) {
      if (isMain) return 1 + register;
      if (register === 10) return 0;
      if (register >= 1 && register <= 5) return register;
      return register === 0 ? 6 : register + 1;
    },
    wide: first,
    wide2: first + 1,
    narrow: first + 2,
    budget: first + 3,
  };
}

/** The body of one function of a program: every register is an i64 local, which the engine's own optimiser narrows. */
export function emitWasmFunction(plan: FunctionPlan, program: ProgramPlan, module: ModuleContext): FunctionBody {
  const { environment } = module;
  const { graph, states, isMain } = plan;
  const code = createCode();
  const locals = localsOf(isMain);
  const pointer = (offset: number): bigint => joinHalves(offset, environment.kernelHigh);

  /** A register that is known here: a number, or an address that is constant for the module. */
  function constantOf(value: Value): bigint | undefined {
    const known = asConstant(value);
    if (known !== undefined) return joinHalves(known.low, known.high);
    if (value.symbol === undefined || value.low === undefined) return undefined;
    const base = module.symbols.get(value.symbol);
    const isFixed =
      base !== undefined && (isMain || value.symbol.startsWith('MAP') || value.symbol.startsWith('VALUES'));
    return isFixed ? pointer(base + value.low) : undefined;
  }

  function get(register: number, state: State): Code {
    const known = constantOf(state[register]!);
    return known === undefined ? code.get(locals.register(register)) : code.i64(known);
  }
  const getNarrow = (register: number, state: State): Code => get(register, state).op(OP.i32_wrap_i64);
  const set = (register: number): Code => code.set(locals.register(register));

  function operand(source: OperandSource, { src, imm }: Step['insn'], state: State): Code {
    if (source === 'reg') return get(src, state);
    return code.i64(constantOf(immediate(imm))!);
  }

  /** Puts the arena offset of an access on the stack and gives the distance from it. */
  function address(step: Step, register: number, state: State): number {
    const { off } = step.insn;
    const access = program.accesses[step.slot];
    const known = constantOf(state[register]!);
    if (known !== undefined) {
      code.i32(Number(BigInt.asIntN(32, known)) + off);
      return 0;
    }
    const distance = access?.region === 'stack' ? access.offset : off;
    if (access?.region === 'stack' && isMain) {
      code.i32(environment.stackTop + distance);
      return 0;
    }
    if (access?.region === 'stack') getNarrow(10, state);
    else getNarrow(register, state);
    if (distance >= 0) return distance;
    code.i32(distance).op(OP.i32_add);
    return 0;
  }

  function emitAlu(op: AluOp, width: 32 | 64, source: OperandSource, step: Step, state: State): void {
    const { dst, src, imm } = step.insn;
    const narrowed = (): Code => (width === 32 ? code.op(OP.i32_wrap_i64) : code);
    const widened = (): Code => (width === 32 ? code.op(OP.i64_extend_i32_u) : code);
    const right = source === 'reg' ? constantOf(state[src]!) : BigInt(imm);
    if (op === 'mov') {
      operand(source, step.insn, state);
      narrowed();
      widened();
      set(dst);
      return;
    }
    const opcode = opcodes.ALU_OPCODES[op][width];
    const type = width === 32 ? TYPE.i32 : TYPE.i64;
    const zero = (): Code => (width === 32 ? code.i32(0) : code.i64(0n));
    const left = (): Code => (get(dst, state), narrowed());
    const both = (): Code => (left(), operand(source, step.insn, state), narrowed().op(opcode));
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
      operand(source, step.insn, state);
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
        if (isQuotient) left().op(opcodes.ALU_OPCODES.sub[width]);
        code.op(OP.else);
        both();
      });
    });
    widened();
    set(dst);
  }

  function emitSwap({ order, bits }: Extract<Operation, { kind: 'end' }>, register: number, state: State): void {
    get(register, state);
    if (order !== 'le') {
      code.call(module.swapBytes);
      if (bits !== 64) code.i64(BigInt(64 - bits)).op(OP.i64_shr_u);
    } else if (bits !== 64) code.i64((1n << BigInt(bits)) - 1n).op(OP.i64_and);
    set(register);
  }

  function emitLoad(step: Step, size: AccessSize, signed: boolean, state: State): void {
    const { dst, src, off } = step.insn;
    if (program.accesses[step.slot]?.region === 'probe') {
      get(src, state).i64(BigInt(off)).op(OP.i64_add).tee(locals.wide).op(OP.i32_wrap_i64);
      code.get(locals.wide).i64(WORD_BITS).op(OP.i64_shr_u, OP.i32_wrap_i64);
      code.i32(size).call(module.probeLoad).op(OP.i64_extend_i32_u);
      if (size === 8) addHighHalf();
      else if (signed) code.op(opcodes.EXTEND_OPCODES[(size * 8) as 8 | 16 | 32][64]);
      set(dst);
      return;
    }
    const distance = address(step, src, state);
    code.access((signed ? opcodes.SIGNED_LOAD_OPCODES : opcodes.LOAD_OPCODES)[size], distance);
    set(dst);
  }

  /** The low half of a result, zero-extended, is on the stack; its high half in the result slot. */
  function addHighHalf(): Code {
    code.i32(environment.resultHigh).access(opcodes.LOAD_OPCODES[4], 0);
    return code.i64(WORD_BITS).op(OP.i64_shl, OP.i64_or);
  }

  function emitAtomic(step: Step, operation: Extract<Operation, { kind: 'atomic' }>, state: State): void {
    const { dst, src } = step.insn;
    const { op, size, fetch } = operation;
    const distance = address(step, dst, state);
    code.tee(locals.narrow).access(opcodes.LOAD_OPCODES[size], distance).set(locals.wide);
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
      get(src, state).op(opcodes.ATOMIC_OPCODES[op]);
    }
    code.access(opcodes.STORE_OPCODES[size], distance);
    if (op === 'cmpxchg') code.get(locals.wide).set(locals.register(0));
    else if (fetch) code.get(locals.wide).set(locals.register(src));
  }

  /** An arena offset or 0 on the stack becomes a pointer or null in r0. */
  function setPointer(): void {
    code.tee(locals.narrow).op(OP.i64_extend_i32_u);
    code.i64(pointer(0)).i64(0n).get(locals.narrow).op(OP.select, OP.i64_or);
    set(0);
  }

  function inlinedCall(name: HelperName, state: State): boolean {
    const load = INLINE_LOADS[name];
    if (load !== undefined) {
      code.i32(environment.current[load.location]).access(opcodes.LOAD_OPCODES[load.wide ? 8 : 4], 0);
      set(0);
      return true;
    }
    if (name === 'map_lookup_elem') {
      const map = mapIndex(state[1]!);
      const lookup = map === undefined ? undefined : module.lookup(map);
      if (lookup === undefined) return false;
      getNarrow(2, state).call(lookup);
      setPointer();
      return true;
    }
    if (name === 'ringbuf_reserve') {
      const known = knownReservation(state);
      const reserve = known === undefined ? undefined : module.reserve(known.ring);
      if (known === undefined || reserve === undefined) return false;
      code.i32(known.size).call(reserve);
      setPointer();
      return true;
    }
    if (name === 'ringbuf_submit' && module.submit !== undefined) {
      getNarrow(1, state);
      pushHalves(2, state);
      code.call(module.submit).i64(0n);
      set(0);
      return true;
    }
    return false;
  }

  function pushHalves(register: number, state: State): void {
    getNarrow(register, state);
    get(register, state).i64(WORD_BITS).op(OP.i64_shr_u, OP.i32_wrap_i64);
  }

  function emitHelperCall(id: number, state: State): void {
    const name = helperById(id);
    if (name === undefined) {
      code.op(OP.unreachable);
      return;
    }
    if (inlinedCall(name, state)) return;
    const row: HelperRow = HELPERS[name];
    row.args.forEach((kind, index) => {
      if (ARG_WORDS[kind] === 2) pushHalves(index + 1, state);
      else getNarrow(index + 1, state);
    });
    // Whoever calls back is told the frame of the callback.
    if (row.args.includes('func')) getNarrow(10, state).i32(MAX_BPF_STACK).op(OP.i32_sub);
    code.call(module.helper(name));
    switch (RETURN_KINDS[row.ret]) {
      case 'number':
        code.op(OP.i64_extend_i32_u);
        addHighHalf();
        set(0);
        break;
      case 'pointer':
        setPointer();
        break;
      case 'none':
        code.op(OP.drop).i64(0n);
        set(0);
        break;
    }
  }

  function emitStep(step: Step, state: State): void {
    const { insn, operation, slot } = step;
    const { dst, src, imm } = insn;
    switch (operation.kind) {
      case 'alu':
        return emitAlu(operation.op, operation.width, operation.source, step, state);
      case 'neg':
        code.i64(0n);
        get(dst, state).op(OP.i64_sub);
        if (operation.width === 32) code.op(OP.i32_wrap_i64, OP.i64_extend_i32_u);
        return void set(dst);
      case 'movsx':
        get(src, state);
        if (operation.width === 64) code.op(opcodes.EXTEND_OPCODES[operation.bits][64]);
        else code.op(OP.i32_wrap_i64, opcodes.EXTEND_OPCODES[operation.bits][32], OP.i64_extend_i32_u);
        return void set(dst);
      case 'end':
        return emitSwap(operation, dst, state);
      case 'load':
        return emitLoad(step, operation.size, operation.signed, state);
      case 'load_acquire':
        return emitLoad(step, operation.size, false, state);
      case 'store':
      case 'store_release': {
        const distance = address(step, dst, state);
        operand(operation.kind === 'store' ? operation.source : 'reg', insn, state);
        code.access(opcodes.STORE_OPCODES[operation.size], distance);
        return;
      }
      case 'atomic':
        return emitAtomic(step, operation, state);
      case 'ld_imm64': {
        // Known from here on, but a path may join on which it is not.
        const after = transfer(step, state, program)[dst]!;
        code.i64(constantOf(after)!);
        return void set(dst);
      }
      case 'call':
        if (operation.callee !== 'subprogram') return emitHelperCall(imm, state);
        get(10, state).i64(BigInt(MAX_BPF_STACK)).op(OP.i64_sub);
        for (const register of [1, 2, 3, 4, 5]) get(register, state);
        code.call(module.function(slot + 1 + imm));
        return void set(0);
      case 'exit':
        if (!isMain) get(0, state);
        else {
          code.i32(environment.resultHigh);
          get(0, state).i64(WORD_BITS).op(OP.i64_shr_u).access(opcodes.STORE_OPCODES[4], 0);
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
  function emitCondition({ operation, insn }: Step, state: State, negated: boolean): void {
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
      if (operation.op !== 'jset') code.op(opcodes.JUMP_OPCODES[operation.op][operation.width]);
      else if (operation.width === 32) code.op(OP.i32_and).i32(0).op(OP.i32_ne);
      else code.op(OP.i64_and).i64(0n).op(OP.i64_ne);
    } else code.i32(1);
    if (negated) code.op(OP.i32_eqz);
  }

  function emitBody({ index, steps }: Block): void {
    steps.forEach((step, at) => emitStep(step, states[index]![at]!));
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
          emitCondition(shape.block.steps.at(-1)!, states[shape.block.index]!.at(-1)!, shape.negated);
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
    code.get(0).op(OP.i64_extend_i32_u).i64(pointer(0)).op(OP.i64_or).set(locals.register(1));
    code.i64(pointer(environment.stackTop)).set(locals.register(10));
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
