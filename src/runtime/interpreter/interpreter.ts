import type { BpfCallback, CompiledProgram, EnginePrograms, ExecutionEnvironment } from '../../abi/execution.ts';
import type { Program } from '../../abi/program-image.ts';
import type { MemoryAccess, VerifiedImage } from '../../abi/verified-image.ts';
import { decode } from '../../isa/decode.ts';
import type { Insn } from '../../isa/instruction.ts';
import { FRAME_POINTER, MAX_BPF_STACK, REGISTER_COUNT } from '../../isa/instruction.ts';
import type { AccessSize } from '../../isa/opcodes.ts';
import type { Operation } from '../../isa/operation.ts';
import { highHalf, joinHalves, lowHalf, s32, s64, u64 } from '../../isa/words.ts';
import { bug } from '../../source/bug.ts';
import type { AccessChecker } from './access-checker.ts';
import { arenaMemory } from './arena-memory.ts';
import { ALU_32, ALU_64, ATOMICS, CONDITIONS, swapBytes, wrap } from './arithmetic.ts';
import { callHelper } from './helper-call.ts';

export interface InterpreterOptions {
  /** By slot, from the verifier: tells which loads may fault. Without it only addresses outside the arena do. */
  readonly accesses?: readonly (MemoryAccess | undefined)[];
  /** Refuses accesses that a verified program cannot make. */
  readonly checker?: AccessChecker;
  /** Instructions after which a run is given up; fuzzers set it. */
  readonly maxSteps?: number;
  /** Told after each run how many instructions it executed. */
  readonly counted?: (instructions: number) => void;
  /** Sees every instruction before it is carried out: its slot, the registers, how deep the frame is. */
  readonly watch?: (slot: number, registers: BigUint64Array, depth: number) => void;
}

/** The reference engine for a whole image. */
export function interpretImage(verified: VerifiedImage): EnginePrograms {
  return new Map(
    verified.programs.map(({ program, facts }) => [
      program.name,
      (environment) => interpretProgram(program, environment, { accesses: facts.accesses }),
    ]),
  );
}

/** The `may_goto` budget of one function call (kernel: BPF_MAX_LOOPS). */
const MAY_GOTO_BUDGET = 8 * 1024 * 1024;

/** One activation of the main program, a subprogram or a callback. */
interface Frame {
  readonly registers: BigUint64Array;
  readonly depth: number;
  mayGoto: number;
}

/**
 * Runs one program instruction by instruction. It is the definition of what generated code must do, so it prefers the plain
 * statement of each rule to speed.
 */
export function interpretProgram(
  program: Program,
  environment: ExecutionEnvironment,
  options: InterpreterOptions = {},
): CompiledProgram {
  const { checker, accesses, watch } = options;
  const maxSteps = options.maxSteps ?? Infinity;
  const insns = program.insns;
  const operations = insns.map((insn) => decode(insn));
  const wideValues = new Map<number, bigint>();
  const memory = arenaMemory(environment.buffer);
  const words = new Int32Array(environment.buffer);
  const arenaBytes = environment.buffer.byteLength;
  let steps = 0;

  const pointer = (offset: number): bigint => joinHalves(offset, environment.kernelHigh);

  insns.forEach((insn, slot) => {
    const operation = operations[slot];
    if (operation?.kind !== 'ld_imm64') return;
    wideValues.set(slot, wideValue(insn, slot, operation));
    operations[slot + 1] = undefined;
  });

  function wideValue(insn: Insn, slot: number, operation: Extract<Operation, { kind: 'ld_imm64' }>): bigint {
    const relocation = program.relocations.find((row) => row.slot === slot);
    if (relocation !== undefined) {
      const map = environment.maps[relocation.map] ?? bug(`${program.name}: no map ${relocation.map}`);
      if (relocation.offset === undefined) return pointer(map.address);
      if (map.array === undefined) return bug(`${program.name}: slot ${slot} wants the value of a map without one`);
      return pointer(map.array.values + relocation.offset);
    }
    // A function's address is its slot: callbacks are named by it.
    if (operation.pseudo === 'func') return BigInt(slot + 1 + insn.imm);
    return joinHalves(insn.imm, insns[slot + 1]?.imm ?? 0);
  }

  function inArena(address: bigint, size: number): number | undefined {
    const offset = lowHalf(address) >>> 0;
    if (highHalf(address) !== environment.kernelHigh || offset + size > arenaBytes) return undefined;
    return offset;
  }

  function load(slot: number, address: bigint, size: AccessSize): bigint {
    const offset = inArena(address, size);
    if (offset === undefined || accesses?.[slot]?.region === 'probe') {
      const low = environment.probeLoad(lowHalf(address), highHalf(address), size);
      return joinHalves(low, size === 8 ? words[environment.resultHigh >> 2]! : 0) & ((1n << BigInt(size * 8)) - 1n);
    }
    checker?.read(slot, offset, size);
    return memory.load(offset, size);
  }

  function store(slot: number, address: bigint, size: AccessSize, value: bigint): void {
    const offset = inArena(address, size);
    if (offset === undefined) return bug(`${program.name}: slot ${slot} stores outside of memory`);
    checker?.write(slot, offset, size);
    memory.store(offset, size, value);
  }

  function enter(depth: number, args: readonly bigint[]): Frame {
    const registers = new BigUint64Array(REGISTER_COUNT);
    registers.set(args, 1);
    registers[FRAME_POINTER] = pointer(environment.stackTop - depth * MAX_BPF_STACK);
    checker?.enterFrame(environment.stackTop - depth * MAX_BPF_STACK);
    return { registers, depth, mayGoto: MAY_GOTO_BUDGET };
  }

  function call(slot: number, depth: number, args: readonly bigint[]): bigint {
    const frame = enter(depth, args);
    const result = run(slot, frame);
    checker?.leaveFrame(environment.stackTop - depth * MAX_BPF_STACK);
    return result;
  }

  function callbackAt(depth: number): BpfCallback {
    return (slot, args) => {
      const values = [0, 2, 4, 6, 8].map((at) => joinHalves(args[at]!, args[at + 1]!));
      return returnResult(call(slot, depth, values));
    };
  }

  function returnResult(value: bigint): number {
    words[environment.resultHigh >> 2] = highHalf(value);
    return lowHalf(value);
  }

  function run(start: number, frame: Frame): bigint {
    const r = frame.registers;
    let slot = start;
    for (;;) {
      const insn = insns[slot];
      const operation = operations[slot];
      if (insn === undefined || operation === undefined) return bug(`${program.name}: no instruction at slot ${slot}`);
      if (++steps > maxSteps) return bug(`${program.name}: gave up after ${maxSteps} instructions`);
      watch?.(slot, r, frame.depth);
      const { dst, src, off, imm } = insn;
      // An immediate is signed even in 64-bit arithmetic and comparisons.
      const immediate = u64(BigInt(imm));
      switch (operation.kind) {
        case 'alu': {
          const b = operation.source === 'reg' ? r[src]! : immediate;
          const table = operation.width === 64 ? ALU_64 : ALU_32;
          r[dst] = wrap(operation.width, table[operation.op](wrap(operation.width, r[dst]!), wrap(operation.width, b)));
          break;
        }
        case 'neg':
          r[dst] = wrap(operation.width, -r[dst]!);
          break;
        case 'movsx':
          r[dst] = wrap(operation.width, BigInt.asIntN(operation.bits, r[src]!));
          break;
        case 'end':
          r[dst] =
            operation.order === 'le' ? BigInt.asUintN(operation.bits, r[dst]!) : swapBytes(r[dst]!, operation.bits);
          break;
        case 'jump': {
          const a = wrap(operation.width, r[dst]!);
          const b = wrap(operation.width, operation.source === 'reg' ? r[src]! : immediate);
          if (CONDITIONS[operation.op](a, b, operation.width === 64 ? s64 : s32)) slot += off;
          break;
        }
        case 'ja':
          slot += operation.wide ? imm : off;
          break;
        case 'may_goto':
          if (frame.mayGoto === 0) slot += off;
          else frame.mayGoto--;
          break;
        case 'call':
          if (operation.callee === 'subprogram') {
            r[0] = call(slot + 1 + imm, frame.depth + 1, [r[1]!, r[2]!, r[3]!, r[4]!, r[5]!]);
          } else r[0] = callHelper(environment, imm, r, { slot, checker, callback: callbackAt(frame.depth + 1) });
          break;
        case 'exit':
          return r[0]!;
        case 'load': {
          const value = load(slot, u64(r[src]! + BigInt(off)), operation.size);
          r[dst] = operation.signed ? u64(BigInt.asIntN(operation.size * 8, value)) : value;
          break;
        }
        case 'store': {
          const value = operation.source === 'reg' ? r[src]! : immediate;
          store(slot, u64(r[dst]! + BigInt(off)), operation.size, value);
          break;
        }
        case 'atomic': {
          const bits = operation.size === 8 ? 64 : 32;
          const address = u64(r[dst]! + BigInt(off));
          const old = load(slot, address, operation.size);
          store(
            slot,
            address,
            operation.size,
            wrap(bits, ATOMICS[operation.op](old, wrap(bits, r[src]!), wrap(bits, r[0]!))),
          );
          if (operation.op === 'cmpxchg') r[0] = old;
          else if (operation.fetch) r[src] = old;
          break;
        }
        case 'load_acquire':
          r[dst] = load(slot, u64(r[src]! + BigInt(off)), operation.size);
          break;
        case 'store_release':
          store(slot, u64(r[dst]! + BigInt(off)), operation.size, r[src]!);
          break;
        case 'ld_imm64':
          r[dst] = wideValues.get(slot)!;
          slot++;
          break;
        case 'callx':
        case 'ld_packet':
          return bug(`${program.name}: slot ${slot} holds an instruction that no program type of ours may use`);
      }
      slot++;
    }
  }

  return (context) => {
    steps = 0;
    checker?.begin(context);
    const result = returnResult(call(0, 0, [pointer(context)]));
    options.counted?.(steps);
    return result;
  };
}
