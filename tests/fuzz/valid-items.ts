import * as build from '../../src/isa/builders.ts';
import { ATOMIC, type AtomicOp } from '../../src/isa/opcodes.ts';
import {
  type FunctionDraft,
  HASHES,
  IMMEDIATES,
  JUMP_OPS,
  KEYED,
  RINGBUF,
  SIZES,
  SPILL,
  UPDATE,
  VALUE_SIZE,
} from './function-draft.ts';

type Item = (draft: FunctionDraft) => void;

const ATOMIC_OPS = Object.keys(ATOMIC) as AtomicOp[];
const WORDS = [0n, 1n, 7n, 31n, 32n, 63n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 1n << 32n, 1n << 63n, 0x1234567890n];

const alu: Item = (draft) => draft.alu();

/** Instructions that compute, load and store: what a loop's body may consist of to be written out. */
export const SIMPLE_ITEMS: readonly Item[] = [
  alu,
  alu,
  alu,
  alu,
  alu,
  ({ emit, pick, target }) => emit(build.neg(pick([32, 64] as const), target())),
  ({ emit, pick, target, number }) => emit(build.movsx(64, pick([8, 16, 32] as const), target(), number())),
  ({ emit, pick, target, number }) => emit(build.movsx(32, pick([8, 16] as const), target(), number())),
  ({ emit, pick, target }) =>
    emit(build.swapBytes(pick(['le', 'be', 'bswap'] as const), pick([16, 32, 64] as const), target())),
  ({ emit, pick, target, next }) => {
    const value = pick(WORDS);
    emit(...build.loadImm64(target(), BigInt.asUintN(64, next(2) === 0 ? value : -value)));
  },
  ({ emit, pick, target, anywhere }) => {
    const size = pick(SIZES);
    emit(build.load(size, target(), ...anywhere(size)));
  },
  ({ emit, pick, target, anywhere }) => {
    const size = pick([1, 2, 4] as const);
    emit(build.loadSigned(size, target(), ...anywhere(size)));
  },
  ({ emit, pick, number, anywhere }) => {
    const size = pick(SIZES);
    emit(build.store(size, ...anywhere(size), number()));
  },
  ({ emit, pick, anywhere }) => {
    const size = pick(SIZES);
    emit(build.storeImm(size, ...anywhere(size), pick(IMMEDIATES)));
  },
];

/** What runs straight on, and may call helpers. */
export const STRAIGHT_ITEMS: readonly Item[] = [
  ...SIMPLE_ITEMS,
  ({ emit, pick, target, next, anywhere, counters }) => {
    const size = pick([4, 8] as const);
    const op = pick(ATOMIC_OPS);
    if (op === 'cmpxchg' && counters.has(0)) return;
    emit(build.atomic(op, size, ...anywhere(size), target(), next(2) === 0));
  },
  ({ emit, pick, target, next, number }) => {
    // An address that only a register knows.
    const index = target();
    const size = pick(SIZES);
    emit(build.alu64Imm('and', index, 16 - size), build.alu64Reg('mov', 1, pick([8, 9])));
    emit(build.alu64Reg('add', 1, index));
    emit(next(2) === 0 ? build.load(size, target(), 1, 0) : build.store(size, 1, 0, number()));
  },
  ({ emit, pick }) => emit(build.store(8, 10, SPILL, 8), build.load(8, pick([8, 8, 9]), 10, SPILL)),
  (draft) => {
    const { emit, insns, pick, next, mayCall, valueOffset } = draft;
    if (!mayCall()) return;
    draft.key(pick(KEYED));
    draft.help('map_lookup_elem');
    draft.afterCall();
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
  (draft) => {
    const { emit, pick, next, number, mayCall, counters } = draft;
    if (!mayCall()) return;
    const map = pick(HASHES);
    for (let at = 0; at < VALUE_SIZE; at += 8) emit(build.store(8, 10, UPDATE + at, number()));
    draft.key(map);
    if (next(4) === 0) draft.help('map_delete_elem');
    else {
      draft.stackAddress(3, UPDATE);
      emit(build.alu64Imm('mov', 4, next(3)));
      draft.help('map_update_elem');
    }
    draft.afterCall();
    if (next(2) === 0 && !counters.has(6)) emit(build.alu64Reg('mov', 6, 0));
  },
  (draft) => {
    const { emit, pick, next, mayCall } = draft;
    if (!mayCall()) return;
    draft.help(pick(['ktime_get_ns', 'get_current_pid_tgid', 'get_smp_processor_id', 'get_prandom_u32'] as const));
    if (next(2) === 0) emit(build.alu64Imm('rsh', 0, pick([32, 5, 40])));
    draft.afterCall();
  },
  (draft) => {
    const { emit, insns, pick, next, mayCall } = draft;
    if (!mayCall()) return;
    // A record of the ring buffer: reserved, checked, filled, submitted.
    const size = 8 + 8 * next(4);
    draft.mapReference(1, RINGBUF);
    emit(build.alu64Imm('mov', 2, size), build.alu64Imm('mov', 3, 0));
    draft.help('ringbuf_reserve');
    const check = insns.length;
    emit(build.jumpImm('jeq', 0, 0, 0));
    for (let at = 0; at < size; at += 8) emit(build.store(8, 0, at, pick([6, 7, 6])));
    emit(build.alu64Reg('mov', 1, 0), build.alu64Imm('mov', 2, pick([0, 0, 1, 2])));
    draft.help(pick(['ringbuf_submit', 'ringbuf_submit', 'ringbuf_discard'] as const));
    insns[check] = build.jumpImm('jeq', 0, 0, insns.length - check - 1);
    emit(build.alu64Imm('mov', 0, pick(IMMEDIATES)));
    draft.afterCall();
  },
];

/** A condition over numbers, jumping to a later item; out of a loop where it stands in one. */
export const JUMP_ITEMS: readonly Item[] = [
  ({ jumpLater, pick, number, immediate }) =>
    jumpLater(build.jumpImm(pick(JUMP_OPS), number(), immediate('add', 64), 0)),
  ({ jumpLater, pick, number }) => jumpLater(build.jumpReg(pick(JUMP_OPS), number(), number(), 0)),
  ({ jumpLater, pick, number, immediate }) =>
    jumpLater(build.jump32Imm(pick(JUMP_OPS), number(), immediate('add', 32), 0)),
  ({ jumpLater, pick, number }) => jumpLater(build.jump32Reg(pick(JUMP_OPS), number(), number(), 0)),
];
