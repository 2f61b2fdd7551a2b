import type { Program, Relocation } from '../../src/abi/program-image.ts';
import { HELPERS, type HelperName } from '../../src/abi/helpers.ts';
import * as build from '../../src/isa/builders.ts';
import type { Insn } from '../../src/isa/instruction.ts';
import { ALU, ATOMIC, type AccessSize, type AluOp, type AtomicOp, JUMP, type JumpOp } from '../../src/isa/opcodes.ts';
import { MAP_DEFINITIONS } from '../jit/test-environment.ts';
import { chance } from './random-programs.ts';

/**
 * Programs over the maps of the JIT's tests that obey the verifier by construction, nearly always: what the engines must
 * agree on, without the time that refusals take. r8 points to the map value of the last lookup (or to the stack), r9 to the
 * stack; the others hold numbers. Jumps go forward to the start of a later item, loops count.
 */
type Role = 'main' | 'callee' | 'loop_callback' | 'each_callback';

interface Section {
  readonly insns: Insn[];
  readonly relocations: Relocation[];
  /** Calls and references to other functions, by their index. */
  readonly links: { readonly slot: number; readonly callee: number }[];
  /** Forward jumps, by the number of the item they go to. */
  readonly jumps: { readonly slot: number; readonly item: number }[];
}

const NUMBERS = [0, 2, 3, 4, 5, 6, 7];
const ALU_OPS = Object.keys(ALU) as AluOp[];
const JUMP_OPS = Object.keys(JUMP) as JumpOp[];
const ATOMIC_OPS = Object.keys(ATOMIC) as AtomicOp[];
const SIZES: readonly AccessSize[] = [1, 2, 4, 8];
const SHIFTS: readonly AluOp[] = ['lsh', 'rsh', 'arsh'];
const WORDS = [0n, 1n, 7n, 31n, 32n, 63n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 1n << 32n, 1n << 63n, 0x1234567890n];
const IMMEDIATES = [0, 1, 2, 3, 7, 10, 31, 32, 100, 255, 1000, 65536, -1, -2, -8, 0x7fffffff, -0x80000000];
const VALUE_SIZE = 24;
const RINGBUF = MAP_DEFINITIONS.findIndex(({ type }) => type === 'ringbuf');
const KEYED = MAP_DEFINITIONS.flatMap(({ type }, index) => (type === 'ringbuf' ? [] : [index]));
const HASHES = KEYED.filter((index) => MAP_DEFINITIONS[index]!.type.endsWith('hash'));
/** Where keys, values of updates and pointers are kept on the stack; numbers above. */
const KEY = -64;
const SPILL = -72;
const UPDATE = -96;
const FIRST = -48;
const END: unique symbol = Symbol('the end of the function');

function randomFunction(
  next: (below: number) => number,
  role: Role,
  callees: readonly (readonly [number, Role])[],
  length: number,
): Section {
  const pick = <T>(from: readonly T[]): T => from[next(from.length)]!;
  const section: Section = { insns: [], relocations: [], links: [], jumps: [] };
  const { insns } = section;
  const starts: number[] = [];
  /** What a loop counts with, which its body leaves alone. */
  let counter: number | undefined;
  const emit = (...more: readonly Insn[]): void => void insns.push(...more);
  const target = (): number => {
    for (;;) {
      const register = pick(NUMBERS);
      if (register !== counter) return register;
    }
  };
  const number = (): number => pick(NUMBERS);
  const jump = (insn: Insn, to: number | typeof END): void => {
    section.jumps.push({ slot: insns.length, item: to === END ? Infinity : to });
    emit(insn);
  };
  const later = (): number => starts.length + 1 + next(3);
  const help = (name: HelperName): void => emit(build.callHelper(HELPERS[name].id));
  /** What a call leaves unreadable gets numbers again. */
  const afterCall = (): void => {
    for (const register of [2, 3, 4, 5])
      if (register !== counter) emit(build.alu64Imm('mov', register, pick(IMMEDIATES)));
  };
  const mapReference = (register: number, map: number): void => {
    section.relocations.push({ slot: insns.length, map });
    emit(...build.loadImm64(register, 0n, 'map_fd'));
  };
  const stackAddress = (register: number, off: number): void =>
    emit(build.alu64Reg('mov', register, 10), build.alu64Imm('add', register, off));
  /** A small key of the map, in words, so that lookups often hit. */
  const key = (map: number): void => {
    const { keySize } = MAP_DEFINITIONS[map]!;
    for (let at = 0; at < keySize; at += 4) {
      if (next(3) === 0 || at > 0) emit(build.storeImm(4, 10, KEY + at, next(6)));
      else emit(build.alu64Imm('and', 3, 7), build.store(pick([4, 4, 4, 8] as const), 10, KEY, 3));
    }
    mapReference(1, map);
    stackAddress(2, KEY);
  };
  const valueOffset = (size: AccessSize): number => size * next(VALUE_SIZE / size);
  const stackOffset = (size: AccessSize): number => FIRST + size * next(-FIRST / size);
  const anywhere = (size: AccessSize): readonly [number, number] =>
    pick([[8, valueOffset(size)] as const, [10, stackOffset(size)] as const]);
  const imm = (op: AluOp, width: number): number => {
    if (SHIFTS.includes(op)) return next(width);
    const value = next(4) === 0 ? next(0x7fffffff) - 0x40000000 : pick(IMMEDIATES);
    return value === 0 && ['div', 'mod', 'sdiv', 'smod'].includes(op) ? 3 : value;
  };
  const alu = (): void => {
    const op = pick(ALU_OPS);
    const [dst, src] = [target(), number()];
    const forms = [
      () => build.alu64Imm(op, dst, imm(op, 64)),
      () => build.alu64Reg(op, dst, src),
      () => build.alu32Imm(op, dst, imm(op, 32)),
      () => build.alu32Reg(op, dst, src),
    ];
    emit(pick(forms)());
  };
  const items: readonly (() => void)[] = [
    alu,
    alu,
    alu,
    alu,
    alu,
    () => emit(build.neg(pick([32, 64] as const), target())),
    () => emit(build.movsx(64, pick([8, 16, 32] as const), target(), number())),
    () => emit(build.movsx(32, pick([8, 16] as const), target(), number())),
    () => emit(build.swapBytes(pick(['le', 'be', 'bswap'] as const), pick([16, 32, 64] as const), target())),
    () => {
      const value = pick(WORDS);
      emit(...build.loadImm64(target(), BigInt.asUintN(64, next(2) === 0 ? value : -value)));
    },
    () => jump(build.jumpImm(pick(JUMP_OPS), number(), imm('add', 64), 0), later()),
    () => jump(build.jumpReg(pick(JUMP_OPS), number(), number(), 0), later()),
    () => jump(build.jump32Imm(pick(JUMP_OPS), number(), imm('add', 32), 0), later()),
    () => jump(build.jump32Reg(pick(JUMP_OPS), number(), number(), 0), later()),
    () => {
      const size = pick(SIZES);
      emit(build.load(size, target(), ...anywhere(size)));
    },
    () => {
      const size = pick([1, 2, 4] as const);
      emit(build.loadSigned(size, target(), ...anywhere(size)));
    },
    () => {
      const size = pick(SIZES);
      emit(build.store(size, ...anywhere(size), number()));
    },
    () => {
      const size = pick(SIZES);
      emit(build.storeImm(size, ...anywhere(size), pick(IMMEDIATES)));
    },
    () => {
      const size = pick([4, 8] as const);
      const op = pick(ATOMIC_OPS);
      const src = target();
      if (op === 'cmpxchg' && counter === 0) return;
      emit(build.atomic(op, size, ...anywhere(size), src, next(2) === 0));
    },
    () => {
      // An address that only a register knows.
      const index = target();
      const size = pick(SIZES);
      emit(build.alu64Imm('and', index, 16 - size), build.alu64Reg('mov', 1, pick([8, 9])));
      emit(build.alu64Reg('add', 1, index));
      emit(next(2) === 0 ? build.load(size, target(), 1, 0) : build.store(size, 1, 0, number()));
    },
    () => emit(build.store(8, 10, SPILL, 8), build.load(8, pick([8, 8, 9]), 10, SPILL)),
    () => {
      if (counter !== undefined && counter < 6) return;
      key(pick(KEYED));
      help('map_lookup_elem');
      afterCall();
      if (next(3) === 0) {
        // A value that is used at once, or not.
        const skip = insns.length;
        emit(build.jumpImm('jeq', 0, 0, 0));
        const size = pick(SIZES);
        emit(build.load(size, 3, 0, valueOffset(size)), build.alu64Imm('add', 3, 1));
        emit(build.store(size, 0, valueOffset(size), 3));
        insns[skip] = build.jumpImm('jeq', 0, 0, insns.length - skip - 1);
      } else {
        // The stack where there is no value.
        emit(build.jumpImm('jne', 0, 0, 1), build.alu64Reg('mov', 0, 9), build.alu64Reg('mov', 8, 0));
      }
      emit(build.alu64Imm('mov', 0, pick(IMMEDIATES)));
    },
    () => {
      if (counter !== undefined && counter < 6) return;
      const map = pick(HASHES);
      for (let at = 0; at < VALUE_SIZE; at += 8) emit(build.store(8, 10, UPDATE + at, number()));
      key(map);
      if (next(4) === 0) help('map_delete_elem');
      else {
        stackAddress(3, UPDATE);
        emit(build.alu64Imm('mov', 4, next(3)));
        help('map_update_elem');
      }
      afterCall();
      if (next(2) === 0 && counter !== 6) emit(build.alu64Reg('mov', 6, 0));
    },
    () => {
      if (counter !== undefined && counter < 6) return;
      help(pick(['ktime_get_ns', 'get_current_pid_tgid', 'get_smp_processor_id', 'get_prandom_u32'] as const));
      if (next(2) === 0) emit(build.alu64Imm('rsh', 0, pick([32, 5, 40])));
      afterCall();
    },
    () => {
      if (counter !== undefined && counter < 6) return;
      // A record of the ring buffer: reserved, checked, filled, submitted.
      const size = 8 + 8 * next(4);
      mapReference(1, RINGBUF);
      emit(build.alu64Imm('mov', 2, size), build.alu64Imm('mov', 3, 0));
      help('ringbuf_reserve');
      const check = insns.length;
      emit(build.jumpImm('jeq', 0, 0, 0));
      for (let at = 0; at < size; at += 8) emit(build.store(8, 0, at, pick([6, 7, 6])));
      emit(build.alu64Reg('mov', 1, 0), build.alu64Imm('mov', 2, pick([0, 0, 1, 2])));
      help(pick(['ringbuf_submit', 'ringbuf_submit', 'ringbuf_discard'] as const));
      insns[check] = build.jumpImm('jeq', 0, 0, insns.length - check - 1);
      emit(build.alu64Imm('mov', 0, pick(IMMEDIATES)));
      afterCall();
    },
    () => {
      if (counter !== undefined) return;
      counter = pick([5, 7]);
      emit(build.alu64Imm('mov', counter, 0));
      const start = insns.length;
      for (let i = next(3); i >= 0; i--) {
        alu();
        const size = pick(SIZES);
        if (next(2) === 0) emit(build.load(size, target(), ...anywhere(size)));
        else emit(build.store(size, ...anywhere(size), number()));
      }
      emit(build.alu64Imm('add', counter, 1 + next(3)));
      emit(build.jumpImm('jlt', counter, 1 + next(9), start - insns.length - 1));
      counter = undefined;
    },
  ];
  const call = ([callee, kind]: readonly [number, Role]): void => {
    if (kind === 'callee') {
      emit(build.alu64Reg('mov', 1, number()));
      section.links.push({ slot: insns.length, callee });
      emit(build.callSubprogram(0));
    } else {
      if (kind === 'each_callback') mapReference(1, pick(KEYED.slice(0, 3)));
      else emit(build.alu64Imm('mov', 1, next(9)));
      section.links.push({ slot: insns.length, callee });
      emit(...build.loadImm64(2, 0n, 'func'));
      emit(build.alu64Reg('mov', 3, 9), build.alu64Imm('mov', 4, 0));
      help(kind === 'each_callback' ? 'for_each_map_elem' : 'loop');
    }
    if (next(2) === 0) emit(build.alu64Reg('mov', 7, 0));
    afterCall();
  };

  emit(build.alu64Reg('mov', 9, 10), build.alu64Imm('add', 9, FIRST));
  for (let at = FIRST; at < 0; at += 8) emit(build.storeImm(8, 10, at, pick(IMMEDIATES)));
  emit(build.storeImm(8, 10, KEY, next(6)), build.storeImm(8, 10, KEY + 8, 0));
  if (role === 'main') emit(build.load(8, 6, 1, 0), build.load(8, 7, 1, 8), build.alu64Reg('mov', 8, 9));
  else if (role === 'each_callback')
    emit(build.load(4, 6, 2, 0), build.alu64Imm('mov', 7, 1), build.alu64Reg('mov', 8, 3));
  else emit(build.alu64Reg('mov', 6, 1), build.alu64Imm('mov', 7, 1), build.alu64Reg('mov', 8, 9));
  emit(build.alu64Imm('mov', 0, pick(IMMEDIATES)));
  afterCall();
  const calls = new Map(callees.map((callee) => [next(length), callee]));
  for (let at = 0; at < length; at++) {
    starts.push(insns.length);
    const callee = calls.get(at);
    if (callee !== undefined) call(callee);
    else items[next(items.length)]!();
  }
  starts.push(insns.length);
  if (role === 'main' || role === 'callee') emit(build.alu64Reg('mov', 0, number()));
  else emit(build.alu64Imm('and', 0, 1));
  emit(build.exit());
  for (const { slot, item } of section.jumps)
    insns[slot] = { ...insns[slot]!, off: starts[Math.min(item, length)]! - slot - 1 };
  return section;
}

/** A program of one function and at times of some more. */
export function validProgram(seed: number, name: string): Program {
  const next = chance(seed);
  const others: Role[] = [];
  if (next(4) === 0) {
    for (let i = 1 + next(2); i > 0; i--)
      others.push((['callee', 'loop_callback', 'each_callback'] as const)[next(3)]!);
  }
  const all = others.map((role, i) => [i + 1, role] as const);
  // Each function calls the one behind it: none is left out, none calls itself.
  const sections = [
    randomFunction(next, 'main', all.slice(0, 1), 2 + next(9)),
    ...others.map((role, i) => randomFunction(next, role, all.slice(i + 1, i + 2), 1 + next(4))),
  ];
  const starts: number[] = [];
  let length = 0;
  for (const { insns } of sections) {
    starts.push(length);
    length += insns.length;
  }
  const insns = sections.flatMap((section, i) => {
    const patched = section.insns.slice();
    for (const { slot, callee } of section.links)
      patched[slot] = { ...patched[slot]!, imm: starts[callee]! - (starts[i]! + slot) - 1 };
    return patched;
  });
  return {
    name,
    type: 'raw_tracepoint',
    insns,
    relocations: sections.flatMap((s, i) => s.relocations.map(({ slot, map }) => ({ slot: slot + starts[i]!, map }))),
    functions: starts.map((slot, i) => ({ slot, name: i === 0 ? name : `${name}_${i}` })),
    lines: [],
  };
}
