import type { Relocation } from '../../src/abi/program-image.ts';
import { HELPERS, type HelperName } from '../../src/abi/helpers.ts';
import * as build from '../../src/isa/builders.ts';
import type { Insn } from '../../src/isa/instruction.ts';
import { ALU, type AccessSize, type AluOp, JUMP, type JumpOp } from '../../src/isa/opcodes.ts';
import { MAP_DEFINITIONS } from '../jit/test-environment.ts';

/** What a function of a random program is to its callers. */
export type Role = 'main' | 'callee' | 'loop_callback' | 'each_callback';

/** A loop that a function begins with: its head is the function's first instruction, so that callers choose where it starts. */
export interface HeadLoop {
  readonly by: number;
  readonly limit: number;
  readonly op: 'jlt' | 'jslt' | 'jne';
  /** Runs of the whole loop, where another loop around it goes back to the first instruction. */
  readonly again: number | undefined;
}

/** A function that another may call, by its place among the program's functions. */
export interface Callee {
  readonly index: number;
  readonly role: Role;
  readonly head: HeadLoop | undefined;
}

/** What a function is made of, before its place in the program is known. */
export interface Section {
  readonly insns: Insn[];
  readonly relocations: Relocation[];
  /** Calls and references to other functions, by their index. */
  readonly links: { readonly slot: number; readonly callee: number }[];
  /** Forward jumps, by the number of the item they go to. */
  readonly jumps: { readonly slot: number; readonly item: number }[];
  /** Where the items start. */
  readonly starts: number[];
}

export const NUMBERS = [0, 2, 3, 4, 5, 6, 7];
export const ALU_OPS = Object.keys(ALU) as AluOp[];
export const JUMP_OPS = Object.keys(JUMP) as JumpOp[];
export const SIZES: readonly AccessSize[] = [1, 2, 4, 8];
export const IMMEDIATES = [0, 1, 2, 3, 7, 10, 31, 32, 100, 255, 1000, 65536, -1, -2, -8, 0x7fffffff, -0x80000000];
export const VALUE_SIZE = 24;
export const RINGBUF = MAP_DEFINITIONS.findIndex(({ type }) => type === 'ringbuf');
export const KEYED = MAP_DEFINITIONS.flatMap(({ type }, index) => (type === 'ringbuf' ? [] : [index]));
export const HASHES = KEYED.filter((index) => MAP_DEFINITIONS[index]!.type.endsWith('hash'));
/** Where keys, values of updates, counters and pointers are kept on the stack; numbers above. */
export const KEY = -64;
export const SPILL = -72;
export const UPDATE = -96;
export const COUNTERS = -112;
export const FIRST = -48;
const SHIFTS: readonly AluOp[] = ['lsh', 'rsh', 'arsh'];
const DIVISIONS: readonly AluOp[] = ['div', 'mod', 'sdiv', 'smod'];

/** A function in the making, with the words that its parts are written in. */
export type FunctionDraft = ReturnType<typeof createDraft>;

export function createDraft(next: (below: number) => number) {
  const section: Section = { insns: [], relocations: [], links: [], jumps: [], starts: [] };
  const { insns } = section;
  /** Registers that loops count with, which their bodies leave alone. */
  const counters = new Set<number>();
  const pick = <T>(from: readonly T[]): T => from[next(from.length)]!;
  const emit = (...more: readonly Insn[]): void => void insns.push(...more);
  const number = (): number => pick(NUMBERS);
  const target = (): number => pick(NUMBERS.filter((register) => !counters.has(register)));
  const stackOffset = (size: AccessSize): number => FIRST + size * next(-FIRST / size);
  const valueOffset = (size: AccessSize): number => size * next(VALUE_SIZE / size);
  /** A number that an operation takes: shifts less than the width, divisors that are not zero. */
  const immediate = (op: AluOp, width: number): number => {
    if (SHIFTS.includes(op)) return next(width);
    const value = next(4) === 0 ? next(0x7fffffff) - 0x40000000 : pick(IMMEDIATES);
    return value === 0 && DIVISIONS.includes(op) ? 3 : value;
  };
  const mapReference = (register: number, map: number): void => {
    section.relocations.push({ slot: insns.length, map });
    emit(...build.loadImm64(register, 0n, 'map_fd'));
  };
  return {
    section,
    insns,
    counters,
    next,
    pick,
    emit,
    number,
    target,
    immediate,
    valueOffset,
    mapReference,
    /** Calls leave r1 to r5 unreadable: counters there forbid them. */
    mayCall: (): boolean => [...counters].every((register) => register > 5),
    anywhere: (size: AccessSize): readonly [pointer: number, offset: number] =>
      pick([[8, valueOffset(size)] as const, [10, stackOffset(size)] as const]),
    alu(dst = target(), src = number()): void {
      const op = pick(ALU_OPS);
      const forms = [
        () => build.alu64Imm(op, dst, immediate(op, 64)),
        () => build.alu64Reg(op, dst, src),
        () => build.alu32Imm(op, dst, immediate(op, 32)),
        () => build.alu32Reg(op, dst, src),
      ];
      emit(pick(forms)());
    },
    /** A jump to the start of a later item, or to the end. */
    jumpLater(insn: Insn): void {
      section.jumps.push({ slot: insns.length, item: section.starts.length + 1 + next(3) });
      emit(insn);
    },
    help: (name: HelperName): void => emit(build.callHelper(HELPERS[name].id)),
    /** What a call leaves unreadable gets numbers again. */
    afterCall(): void {
      for (const register of [2, 3, 4, 5]) emit(build.alu64Imm('mov', register, pick(IMMEDIATES)));
    },
    stackAddress: (register: number, off: number): void =>
      emit(build.alu64Reg('mov', register, 10), build.alu64Imm('add', register, off)),
    /** Map and key in r1 and r2: a small key of the map, in words, so that lookups often hit. */
    key(map: number): void {
      const { keySize } = MAP_DEFINITIONS[map]!;
      for (let at = 0; at < keySize; at += 4) {
        if (next(3) === 0 || at > 0) emit(build.storeImm(4, 10, KEY + at, next(6)));
        else emit(build.alu64Imm('and', 3, 7), build.store(pick([4, 4, 4, 8] as const), 10, KEY, 3));
      }
      mapReference(1, map);
      emit(build.alu64Reg('mov', 2, 10), build.alu64Imm('add', 2, KEY));
    },
  };
}
