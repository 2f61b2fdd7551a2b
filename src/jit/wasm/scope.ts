import type { ExecutionEnvironment } from '../../abi/execution.ts';
import type { HelperName } from '../../abi/helpers.ts';
import type { OperandSource } from '../../isa/opcodes.ts';
import { joinHalves } from '../../isa/words.ts';
import type { Step } from '../control-flow.ts';
import type { FunctionPlan, ProgramPlan } from '../plan.ts';
import type { State } from '../transfer.ts';
import { asConstant, immediate, type Value } from '../value.ts';
import { LOAD_OPCODES } from './arithmetic.ts';
import { TYPE, type ValueType } from './binary.ts';
import { type Code, createCode, OP } from './code.ts';

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

const WORD_BITS = 32n;

/** Parameters: the main program's context (i32); other functions' r10 and r1 to r5 (i64). Locals: the other registers, temporaries. */
interface Locals {
  readonly register: (register: number) => number;
  readonly parameters: readonly ValueType[];
  readonly types: readonly ValueType[];
  readonly wide: number;
  readonly rest: number;
  readonly double: number;
  readonly narrow: number;
  readonly budget: number;
}

function localsOf(isMain: boolean): Locals {
  const temporaries = [TYPE.i64, TYPE.i32, TYPE.i32, TYPE.i64, TYPE.f64];
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
    narrow: first + 1,
    budget: first + 2,
    rest: first + 3,
    double: first + 4,
  };
}

/** A function that is being written: its code, and how registers and results get onto WebAssembly's stack and off it. */
export interface Scope {
  readonly code: Code;
  readonly locals: Locals;
  readonly program: ProgramPlan;
  readonly module: ModuleContext;
  /** The address of an arena offset. */
  readonly pointer: (offset: number) => bigint;
  /** A register that is known here: a number, or an address that is constant for the module. */
  readonly constantOf: (value: Value) => bigint | undefined;
  readonly get: (register: number, state: State) => Code;
  readonly getNarrow: (register: number, state: State) => Code;
  readonly set: (register: number) => Code;
  /** The right operand of an operation. */
  readonly operand: (source: OperandSource, insn: Step['insn'], state: State) => Code;
  /** Both halves of a register, as helpers take them. */
  readonly pushHalves: (register: number, state: State) => Code;
  /** Puts the arena offset of an access on the stack and gives the distance from it. */
  readonly address: (step: Step, register: number, state: State) => number;
  /** The low half of a result, zero-extended, is on the stack; its high half in the result slot. */
  readonly addHighHalf: () => Code;
  /** The high half of the number on the stack. */
  readonly takeHighHalf: () => Code;
  /** An arena offset or 0 on the stack becomes a pointer or null in r0. */
  readonly setPointer: () => void;
}

export function createScope({ isMain }: FunctionPlan, program: ProgramPlan, module: ModuleContext): Scope {
  const { environment } = module;
  const code = createCode();
  const locals = localsOf(isMain);
  const pointer = (offset: number): bigint => joinHalves(offset, environment.kernelHigh);

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

  const takeHighHalf = (): Code => code.i64(WORD_BITS).op(OP.i64_shr_u, OP.i32_wrap_i64);

  return {
    code,
    locals,
    program,
    module,
    pointer,
    constantOf,
    get,
    getNarrow,
    set,
    operand,
    address,
    takeHighHalf,
    pushHalves(register, state) {
      getNarrow(register, state);
      get(register, state);
      return takeHighHalf();
    },
    addHighHalf() {
      code.i32(environment.resultHigh).access(LOAD_OPCODES[4], 0);
      return code.i64(WORD_BITS).op(OP.i64_shl, OP.i64_or);
    },
    setPointer() {
      code.tee(locals.narrow).op(OP.i64_extend_i32_u);
      code.i64(pointer(0)).i64(0n).get(locals.narrow).op(OP.select, OP.i64_or);
      set(0);
    },
  };
}
