import type { Program } from '../../src/abi/program-image.ts';
import * as build from '../../src/isa/builders.ts';
import type { Insn } from '../../src/isa/instruction.ts';
import { ALU, ATOMIC, type AccessSize, type AluOp, type AtomicOp, JUMP, type JumpOp } from '../../src/isa/opcodes.ts';

/** A small seeded source of chance (mulberry32), so that a find can be made again. */
export function chance(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const ALU_OPS = Object.keys(ALU) as AluOp[];
const JUMP_OPS = Object.keys(JUMP) as JumpOp[];
const ATOMIC_OPS = Object.keys(ATOMIC) as AtomicOp[];
const SIZES: readonly AccessSize[] = [1, 2, 4, 8];
const IMMEDIATES = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 23, 24, 31, 32, 63, 64, 255, -1, -8, -16, -24, 0x7fffffff, -0x80000000,
];

/** r6, r7: numbers from the context; r8: a map value, perhaps unchecked; r9: an address on the stack. */
const NUMBERS = [0, 2, 3, 4, 5, 6, 7];
const POINTERS = [8, 9, 10];

/**
 * A program that does what real ones do (looks up, checks, masks, moves pointers, spills, loops, calls), often slightly
 * wrong, so that about a fifth is accepted.
 */
export function randomProgram(seed: number): Program {
  const next = chance(seed);
  const pick = <T>(from: readonly T[]): T => from[next(from.length)]!;
  const relocations: { slot: number; map: number }[] = [];
  const insns: Insn[] = [];
  const emit = (...more: readonly Insn[]): void => {
    insns.push(...more);
  };
  const mapReference = (register: number, map: number): void => {
    relocations.push({ slot: insns.length, map });
    emit({ code: 0x18, dst: register, src: 1, off: 0, imm: 0 }, { code: 0, dst: 0, src: 0, off: 0, imm: 0 });
  };
  const lookup = (): void => {
    emit(build.storeImm(4, 10, -4, next(6)), build.alu64Reg('mov', 2, 10), build.alu64Imm('add', 2, -4));
    mapReference(1, next(2));
    emit(build.callHelper(1));
    if (next(12) > 0) emit(build.jumpImm(next(2) === 0 ? 'jeq' : 'jne', 0, 0, 0));
    emit(build.alu64Reg('mov', 8, 0));
    for (const register of [0, 2, 3, 4, 5]) emit(build.alu64Imm('mov', register, pick(IMMEDIATES)));
  };
  const number = (): number => pick(NUMBERS);
  const offset = (pointer: number): number =>
    pointer === 8 ? pick([0, 0, 4, 8, 16, 20, 23, 24, -8]) : pick([-8, -16, -24, -32, -4, -12, -40, 0]);
  const items: readonly (() => void)[] = [
    () => emit(build.alu64Imm(pick(ALU_OPS), number(), pick(IMMEDIATES))),
    () => emit(build.alu64Reg(pick(ALU_OPS), number(), number())),
    () => emit(build.alu32Imm(pick(ALU_OPS), number(), pick(IMMEDIATES))),
    () => emit(build.alu32Reg(pick(ALU_OPS), number(), number())),
    () => emit(build.alu64Imm('and', number(), pick([7, 15, 3, 1, 31, 0x18]))),
    () => emit(build.alu64Imm('and', number(), pick([7, 15, 3, 1, 31, 0x18]))),
    () => emit(build.movsx(pick([32, 64] as const), pick([8, 16] as const), number(), number())),
    () => emit(build.swapBytes(pick(['le', 'be', 'bswap'] as const), pick([16, 32, 64] as const), number())),
    () => emit(build.jumpImm(pick(JUMP_OPS), number(), pick(IMMEDIATES), next(4))),
    () => emit(build.jumpImm(pick(JUMP_OPS), number(), pick(IMMEDIATES), next(4))),
    () => emit({ ...build.jumpImm(pick(JUMP_OPS), number(), pick(IMMEDIATES), next(4)), ...jump32(pick(JUMP_OPS)) }),
    () => emit(build.jumpReg(pick(JUMP_OPS), number(), number(), next(4))),
    () => emit(build.alu64Reg('add', pick([8, 9]), number())),
    () => emit(build.alu64Reg('sub', 8, number())),
    () => emit(build.alu64Imm('add', pick([8, 9]), pick([-8, 4, 8, 16, -16]))),
    () => emit(build.alu64Reg('mov', number(), pick([...NUMBERS, ...POINTERS]))),
    () => emit(build.alu64Reg('mov', pick([8, 9]), pick([8, 9, 10]))),
    () => {
      const pointer = pick(POINTERS);
      emit(build.load(pick(SIZES), number(), pointer, offset(pointer)));
    },
    () => {
      const pointer = pick(POINTERS);
      emit(build.load(pick(SIZES), pick([8, 9, 6]), pointer, offset(pointer)));
    },
    () => {
      const pointer = pick(POINTERS);
      emit(build.store(pick(SIZES), pointer, offset(pointer), number()));
    },
    () => emit(build.store(pick([8, 8, 4] as const), 10, pick([-8, -16, -24]), pick([8, 9, 6, 10]))),
    () => emit(build.load(8, pick([8, 9, 6]), 10, pick([-8, -16, -24]))),
    () => {
      const pointer = pick(POINTERS);
      emit(build.storeImm(pick(SIZES), pointer, offset(pointer), pick(IMMEDIATES)));
    },
    () =>
      emit(
        build.atomic(
          pick(ATOMIC_OPS),
          pick([4, 8] as const),
          pick(POINTERS),
          pick([-8, -16, 0, 8]),
          number(),
          next(2) === 0,
        ),
      ),
    lookup,
    () => {
      // A loop: some work, counted.
      const counter = pick([5, 7]);
      emit(build.alu64Imm('mov', counter, 0));
      const start = insns.length;
      for (let i = next(3); i >= 0; i--) items[next(12)]!();
      emit(build.alu64Imm('add', counter, 1 + next(3)));
      emit(build.jumpImm('jlt', counter, 1 + next(9), start - insns.length - 1));
    },
  ];
  emit(build.load(8, 6, 1, 0), build.load(8, 7, 1, 8), build.alu64Reg('mov', 9, 10), build.alu64Imm('add', 9, -32));
  lookup();
  for (let count = 4 + next(22); count > 0; count--) items[next(items.length)]!();
  emit(build.alu64Imm('mov', 0, 0), build.exit());
  aimNullChecks(insns);
  return {
    name: 'random',
    type: 'raw_tracepoint',
    insns,
    relocations,
    functions: [{ slot: 0, name: 'random' }],
    lines: [],
  };
}

function jump32(op: JumpOp): Pick<Insn, 'code'> {
  return { code: 0x06 | JUMP[op].code };
}

/** Null checks leave to the end; other jumps that would leave the program are cut short. */
function aimNullChecks(insns: Insn[]): void {
  const end = insns.length - 2;
  insns.forEach((insn, slot) => {
    const cls = insn.code & 7;
    if ((cls !== 5 && cls !== 6) || insn.code === 0x85 || insn.code === 0x95) return;
    const isNullCheck = insn.dst === 0 && insn.imm === 0 && insns[slot - 1]?.code === 0x85;
    if (isNullCheck && insn.code === 0x15) insns[slot] = { ...insn, off: end - slot - 1 };
    else if (slot + 1 + insn.off > end) insns[slot] = { ...insn, off: end - slot - 1 };
  });
}
