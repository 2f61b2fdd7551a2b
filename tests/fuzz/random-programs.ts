import type { MapDefinition, Program } from '../../src/abi/program-image.ts';
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

const MAP_ROW = { keySize: 4, valueSize: 24, maxEntries: 4, flags: 0 } as const;
/** The maps that random programs name by index. */
export const RANDOM_MAPS: readonly MapDefinition[] = [
  { ...MAP_ROW, name: 'array', type: 'array' },
  { ...MAP_ROW, name: 'percpu', type: 'percpu_array' },
  { ...MAP_ROW, name: 'events', type: 'ringbuf', keySize: 0, valueSize: 0 },
  { ...MAP_ROW, name: 'by_number', type: 'hash' },
  { ...MAP_ROW, name: 'recent', type: 'lru_percpu_hash' },
];

/** r6, r7: numbers; r8: a map value, perhaps unchecked, or what a caller passed; r9: an address on the stack. */
const NUMBERS = [0, 2, 3, 4, 5, 6, 7];
const POINTERS = [8, 9, 10];
const LOOKUP = 1;
const RINGBUF_RESERVE = 131;
const RINGBUF_SUBMIT = 132;
const FOR_EACH = 164;
const LOOP = 181;
const RECORD_BYTES = 24;

interface Section {
  readonly insns: Insn[];
  readonly relocations: { slot: number; map: number }[];
  /** Calls and references to other functions, by their index. */
  readonly links: { slot: number; callee: number }[];
}

type Role = 'main' | 'callee' | 'loop_callback' | 'each_callback';

/** One function that does what real ones do: look up, check, mask, move pointers, spill, loop, call; often slightly wrong. */
function randomFunction(
  next: (below: number) => number,
  role: Role,
  callees: readonly (readonly [number, Role])[],
): Section {
  const pick = <T>(from: readonly T[]): T => from[next(from.length)]!;
  const section: Section = { insns: [], relocations: [], links: [] };
  const { insns } = section;
  const emit = (...more: readonly Insn[]): void => {
    insns.push(...more);
  };
  const wide = (register: number, src: number): void =>
    emit({ code: 0x18, dst: register, src, off: 0, imm: 0 }, { code: 0, dst: 0, src: 0, off: 0, imm: 0 });
  const mapReference = (register: number, map: number): void => {
    section.relocations.push({ slot: insns.length, map });
    wide(register, 1);
  };
  const scratchNumbers = (): void => {
    for (const register of [0, 2, 3, 4, 5]) emit(build.alu64Imm('mov', register, pick(IMMEDIATES)));
  };
  const lookup = (): void => {
    emit(build.storeImm(4, 10, -4, next(6)), build.alu64Reg('mov', 2, 10), build.alu64Imm('add', 2, -4));
    mapReference(1, pick([0, 1, 3, 4]));
    emit(build.callHelper(LOOKUP));
    if (next(12) > 0) emit(build.jumpImm(next(2) === 0 ? 'jeq' : 'jne', 0, 0, 0));
    emit(build.alu64Reg('mov', 8, 0));
    scratchNumbers();
  };
  const number = (): number => pick(NUMBERS);
  const offset = (pointer: number): number =>
    pointer === 8 ? pick([0, 0, 4, 8, 16, 20, 23, 24, -8]) : pick([-8, -16, -24, -32, -4, -12, -20, -40, 0]);
  const memory = (): readonly [AccessSize, number, number] => {
    const pointer = pick(POINTERS);
    return [pick(SIZES), pointer, offset(pointer)];
  };
  const call = ([callee, kind]: readonly [number, Role]): void => {
    if (kind === 'callee') {
      emit(build.alu64Reg('mov', 1, number()), build.alu64Reg('mov', 2, pick([8, 9, 6])));
      section.links.push({ slot: insns.length, callee });
      emit(build.callSubprogram(0));
    } else {
      if (kind === 'each_callback') mapReference(1, next(2));
      else if (next(3) === 0) emit(build.alu64Reg('mov', 1, number()));
      else emit(build.alu64Imm('mov', 1, next(9)));
      section.links.push({ slot: insns.length, callee });
      wide(2, 4);
      emit(build.alu64Reg('mov', 3, pick([9, 9, 10])), build.alu64Imm('mov', 4, 0));
      emit(build.callHelper(kind === 'each_callback' ? FOR_EACH : LOOP));
    }
    if (next(3) === 0) emit(build.alu64Reg('mov', 7, 0));
    scratchNumbers();
  };
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
    () => emit(build.alu64Reg('mov', number(), number())),
    () => emit(build.alu32Reg('mov', number(), number())),
    () => emit(build.alu64Reg('add', pick([8, 9]), number())),
    () => emit(build.alu64Reg('sub', 8, number())),
    () => emit(build.alu64Imm('add', pick([8, 9]), pick([-8, 4, 8, 16, -16]))),
    () => emit(build.alu64Reg('mov', number(), pick([...NUMBERS, ...POINTERS]))),
    () => emit(build.alu64Reg('mov', pick([8, 9]), pick([8, 9, 10]))),
    () => {
      const [size, pointer, off] = memory();
      emit(build.load(size, number(), pointer, off));
    },
    () => {
      const [size, pointer, off] = memory();
      if (size < 8) emit(build.loadSigned(size as 1 | 2 | 4, number(), pointer, off));
    },
    () => {
      const [size, pointer, off] = memory();
      emit(build.load(size, pick([8, 9, 6]), pointer, off));
    },
    () => {
      const [size, pointer, off] = memory();
      emit(build.store(size, pointer, off, number()));
    },
    () => emit(build.store(pick([8, 8, 4] as const), 10, pick([-8, -16, -24]), pick([8, 9, 6, 10]))),
    () => emit(build.load(pick([8, 8, 4] as const), pick([8, 9, 6]), 10, pick([-8, -16, -24]))),
    () => {
      const [size, pointer, off] = memory();
      emit(build.storeImm(size, pointer, off, pick(IMMEDIATES)));
    },
    () => {
      const [, pointer] = memory();
      const at = pick([-8, -16, 0, 8]);
      emit(build.atomic(pick(ATOMIC_OPS), pick([4, 8] as const), pointer, at, number(), next(2) === 0));
    },
    lookup,
    () => {
      // A loop: some work, counted.
      const counter = pick([5, 7]);
      emit(build.alu64Imm('mov', counter, 0));
      const start = insns.length;
      for (let i = next(3); i >= 0; i--) items[next(14)]!();
      emit(build.alu64Imm('add', counter, 1 + next(3)));
      emit(build.jumpImm('jlt', counter, 1 + next(9), start - insns.length - 1));
    },
    () => {
      // A record of the ring buffer: reserved, checked, filled, submitted.
      mapReference(1, 2);
      emit(build.alu64Imm('mov', 2, RECORD_BYTES), build.alu64Imm('mov', 3, 0), build.callHelper(RINGBUF_RESERVE));
      const check = insns.length;
      emit(build.jumpImm('jeq', 0, 0, 0), build.store(pick(SIZES), 0, pick([0, 4, 8, 16, 20]), pick([6, 7])));
      emit(build.alu64Reg('mov', 1, 0), build.alu64Imm('mov', 2, 0), build.callHelper(RINGBUF_SUBMIT));
      insns[check] = build.jumpImm('jeq', 0, 0, insns.length - check - 1);
      scratchNumbers();
    },
    () => {
      if (callees.length > 0) call(pick(callees));
    },
  ];
  const prologues: Record<Role, () => void> = {
    main: () => {
      emit(build.load(8, 6, 1, 0), build.load(8, 7, 1, 8));
      lookup();
    },
    callee: () => {
      emit(build.alu64Reg('mov', 6, 1), build.alu64Imm('mov', 7, 1), build.alu64Reg('mov', 8, 2));
      scratchNumbers();
    },
    loop_callback: () => {
      emit(build.alu64Reg('mov', 6, 1), build.alu64Imm('mov', 7, 1), build.alu64Reg('mov', 8, 2));
      scratchNumbers();
    },
    each_callback: () => {
      emit(build.load(4, 6, 2, 0), build.alu64Reg('mov', 7, 6), build.alu64Reg('mov', 8, pick([3, 4])));
      scratchNumbers();
    },
  };
  emit(build.alu64Reg('mov', 9, 10), build.alu64Imm('add', 9, -32));
  prologues[role]();
  const length = role === 'main' ? 4 + next(22) : 1 + next(8);
  for (let count = length; count > 0; count--) items[next(items.length)]!();
  if (role === 'callee' && next(2) === 0) emit(build.alu64Reg('mov', 0, 6));
  else if (role === 'main' || next(3) > 0) emit(build.alu64Imm('mov', 0, 0));
  else emit(build.alu64Reg('mov', 0, 6), build.alu64Imm('and', 0, 1));
  emit(build.exit());
  aimNullChecks(insns);
  return section;
}

/** A program of one function and at times of some more; about a quarter is accepted. */
export function randomProgram(seed: number): Program {
  const next = chance(seed);
  const others: Role[] = [];
  if (next(3) === 0) {
    for (let i = 1 + next(2); i > 0; i--)
      others.push((['callee', 'loop_callback', 'each_callback'] as const)[next(3)]!);
  }
  const all = others.map((role, i) => [i + 1, role] as const);
  // Functions call those behind them only, so that there is no recursion.
  const sections = [
    randomFunction(next, 'main', all),
    ...others.map((role, i) => randomFunction(next, role, all.slice(i + 1))),
  ];
  const starts: number[] = [];
  let length = 0;
  for (const { insns } of sections) {
    starts.push(length);
    length += insns.length;
  }
  const linked = sections.flatMap(({ insns, links }, i) => {
    const patched = insns.slice();
    for (const { slot, callee } of links) {
      patched[slot] = { ...patched[slot]!, imm: starts[callee]! - (starts[i]! + slot) - 1 };
    }
    return patched;
  });
  return {
    name: 'random',
    type: 'raw_tracepoint',
    insns: linked,
    relocations: sections.flatMap((s, i) => s.relocations.map(({ slot, map }) => ({ slot: slot + starts[i]!, map }))),
    functions: starts.map((slot, i) => ({ slot, name: i === 0 ? 'random' : `other${i}` })),
    lines: [],
  };
}

function jump32(op: JumpOp): Pick<Insn, 'code'> {
  return { code: 0x06 | JUMP[op].code };
}

/** Null checks leave to the end; other jumps that would leave the function are cut short. */
function aimNullChecks(insns: Insn[]): void {
  const end = insns.length - 2;
  insns.forEach((insn, slot) => {
    const cls = insn.code & 7;
    if ((cls !== 5 && cls !== 6) || insn.code === 0x85 || insn.code === 0x95) return;
    const isNullCheck = insn.dst === 0 && insn.imm === 0 && insn.off === 0 && insns[slot - 1]?.code === 0x85;
    if (isNullCheck && insn.code === 0x15) insns[slot] = { ...insn, off: end - slot - 1 };
    else if (slot + 1 + insn.off > end) insns[slot] = { ...insn, off: end - slot - 1 };
  });
}

/** The program with one or a few small mistakes. */
export function mutant(program: Program, seed: number): Program {
  const next = chance(seed);
  const pick = <T>(from: readonly T[]): T => from[next(from.length)]!;
  const insns = program.insns.slice();
  const mutations: readonly ((at: number, insn: Insn) => Partial<Insn> | undefined)[] = [
    (_at, insn) => ({ imm: insn.imm + pick([-1, 1, 8, -8, 4]) }),
    () => ({ imm: pick(IMMEDIATES) }),
    (_at, insn) => ({ off: insn.off + pick([-8, 8, 1, -1, 4, -4]) }),
    () => ({ dst: next(10) }),
    () => ({ src: next(11) }),
    () => ({ dst: pick([0, 1, 2, 6, 7, 8]), src: pick([0, 1, 2, 6, 7, 8, 10]) }),
    (_at, insn) => ({ code: insn.code ^ pick([0x08, 0x10, 0x20, 0x40, 0x80, 0x18]) }),
    (_at, insn) => ((insn.code & 7) === 5 || (insn.code & 7) === 7 ? { code: insn.code ^ 3 } : undefined),
    () => ({ code: 0xb7, dst: next(10), src: 0, off: 0, imm: pick(IMMEDIATES) }),
    () => ({ code: 0xbf, dst: next(10), src: next(11), off: 0, imm: 0 }),
    (at) => insns[Math.max(at - 1, 0)],
    () => ({ code: 0x05, dst: 0, src: 0, off: 0, imm: 0 }),
  ];
  for (let count = 1 + (next(3) === 0 ? next(4) : 0); count > 0; count--) {
    const at = next(insns.length);
    const insn = insns[at]!;
    // The halves of wide instructions and references to maps and functions stay.
    if (insn.code === 0x18 || insn.code === 0 || (insn.code === 0x85 && insn.src !== 0)) continue;
    const change = pick(mutations)(at, insn);
    if (change === undefined || change.code === 0x18 || change.code === 0) continue;
    insns[at] = { ...insn, ...change };
  }
  return { ...program, insns };
}
