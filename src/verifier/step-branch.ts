import type { Insn } from '../isa/instruction.ts';
import { JUMP, type JumpOp } from '../isa/opcodes.ts';
import type { Operation } from '../isa/operation.ts';
import { FRAME_POINTER } from '../isa/instruction.ts';
import { compute } from './arithmetic.ts';
import { type Comparison, type Outcome, compare, unrefined } from './compare.ts';
import { MAX_LINKED, MAX_PACKET_OFFSET } from './limits.ts';
import { markPrecise } from './precision.ts';
import {
  AT_PACKET_END,
  BEYOND_PACKET_END,
  type Register,
  ZERO_SCALAR,
  isNull,
  isPacketOrEnd,
  isPointer,
  isTrusted,
  immediateRegister,
  withChanges,
  withValue,
  withoutLink,
  withoutNull,
} from './register.ts';
import { constant, sane, zeroExtended32 } from './scalar.ts';
import { isSpill } from './stack.ts';
import { type Place, type State, currentFrame, frameSlot, mapRegisters, readPlace, writePlace } from './state.ts';
import { type Walk, fork, recordLinked, recordStackOperands, registersOf } from './walk.ts';

type Jump = Extract<Operation, { kind: 'jump' }>;

/** Types whose pointers the kernel knows not to be null once they are not marked so. */
const NEVER_NULL: ReadonlySet<Register['type']> = new Set([
  'map_value',
  'map_key',
  'map_ptr',
  'mem',
  'rdonly_mem',
  'ringbuf_mem',
]);

function isNeverNull(r: Register): boolean {
  if (r.maybeNull) return false;
  return NEVER_NULL.has(r.type) || (r.type === 'ptr_' && isTrusted(r));
}

function packetOutcome(op: JumpOp, left: Register, right: Register): Outcome {
  const flipped = right.type !== 'pkt_end';
  if (flipped && left.type !== 'pkt_end') return 'unknown';
  const packet = flipped ? right : left;
  const relation = flipped ? JUMP[op].swapped : op;
  if (packet.range >= 0) return 'unknown';
  const beyond = packet.range === BEYOND_PACKET_END;
  if ((relation === 'jle' || relation === 'jgt') && beyond) return relation === 'jgt' ? 'always' : 'never';
  if (relation === 'jlt' || relation === 'jge') return relation === 'jge' ? 'always' : 'never';
  return 'unknown';
}

function pointerOutcome(op: JumpOp, width: 32 | 64, left: Register, right: Register): Outcome {
  // The low half of a pointer that is not null may well be zero.
  if (width === 32) return 'unknown';
  const known = (r: Register): boolean => r.type === 'scalar' && r.value.isConst;
  let [pointer, number, relation] = [left, right, op];
  if (!known(number)) [pointer, number, relation] = [right, left, JUMP[op].swapped];
  if (!known(number) || !isNeverNull(pointer)) return 'unknown';
  if (!number.value.isZero) return 'unknown';
  return relation === 'jeq' ? 'never' : relation === 'jne' ? 'always' : 'unknown';
}

function outcomeOf(op: Jump, left: Register, right: Register, same: boolean): Comparison {
  if (isPointer(left) || isPointer(right)) {
    const packets = isPacketOrEnd(left) && isPacketOrEnd(right) && op.width === 64;
    const outcome = packets ? packetOutcome(op.op, left, right) : pointerOutcome(op.op, op.width, left, right);
    return unrefined(outcome, { left: left.value, right: right.value });
  }
  return compare(op.op, left.value, right.value, op.width, same);
}

/** Places that hold the number `id` or that number plus a constant; those beyond the limit lose their tie. */
function collectLinked(w: Walk, id: number, into: Place[]): void {
  const { state } = w;
  for (let f = state.frames.length - 1; f >= 0; f--) {
    const frame = state.frames[f]!;
    const live = w.live[frameSlot(state, f)]!;
    const visit = (place: Place, r: Register): void => {
      if (r.type !== 'scalar' || r.id !== id) return;
      if (into.length < MAX_LINKED) into.push(place);
      else writePlace(state, place, withoutLink(r));
    };
    for (let r = 0; r < FRAME_POINTER; r++) {
      if ((live & (1 << r)) !== 0) visit({ frame: f, isRegister: true, index: r }, frame.registers[r]!);
    }
    frame.stack.forEach((slot, index) => {
      if (isSpill(slot)) visit({ frame: f, isRegister: false, index }, slot.spill!);
    });
  }
}

/** What was learned of one number holds for those tied to it. */
function spread(state: State, known: Register, places: readonly Place[]): void {
  for (const place of places) {
    const r = readPlace(state, place);
    if (r === undefined || r === known || r.type !== 'scalar' || r.id !== known.id) continue;
    if (r.link !== 0 && known.link !== 0 && r.link !== known.link) continue;
    if ((r.link === 0 && known.link === 0) || r.delta === known.delta) {
      writePlace(state, place, known);
      continue;
    }
    const by = constant(BigInt(r.delta) - BigInt(known.delta));
    const moved = compute('add', known.value, by, 64);
    const value = r.link === 32 || known.link === 32 ? zeroExtended32(moved) : moved;
    writePlace(state, place, withChanges(known, { value, id: r.id, link: r.link, delta: r.delta }));
  }
}

function learnedNull(state: State, id: number, isZero: boolean): void {
  if (isZero) {
    const held = state.references.findIndex((ref) => ref.id === id);
    if (held >= 0) state.references = state.references.toSpliced(held, 1);
  }
  mapRegisters(state, (r) => {
    if (!r.maybeNull || r.id !== id) return r;
    return isZero ? ZERO_SCALAR : withoutNull(r);
  });
}

/** Everything up to `pointer` is inside the packet, for all pointers with its base. */
function learnedRange(state: State, pointer: Register, strictly: boolean): void {
  const { umax } = pointer.value;
  if ((umax === 0n && strictly) || umax > MAX_PACKET_OFFSET) return;
  const range = Number(umax) + (strictly ? 1 : 0);
  mapRegisters(state, (r) =>
    r.type === pointer.type && r.id === pointer.id && r.range < range ? withChanges(r, { range }) : r,
  );
}

function learnedEnd(state: State, register: number, beyond: boolean): void {
  const { registers } = currentFrame(state);
  const r = registers[register]!;
  if (r.type === 'pkt') registers[register] = withChanges(r, { range: beyond ? BEYOND_PACKET_END : AT_PACKET_END });
}

/** Comparisons of packet pointers with the packet's end. */
function learnFromPacket(w: Walk, insn: Insn, op: Jump, left: Register, right: Register, taken: State): boolean {
  if (op.source !== 'reg' || op.width === 32) return false;
  const isStart = (r: Register): boolean => r.type === 'pkt' && r.id === 0 && r.value.isZero;
  const bounds = (a: Register, b: Register): boolean =>
    (a.type === 'pkt' && b.type === 'pkt_end') || (a.type === 'pkt_meta' && isStart(b));
  const forward = bounds(left, right);
  if (!forward && !bounds(right, left)) return false;
  const relation = forward ? op.op : JUMP[op.op].swapped;
  const pointer = forward ? left : right;
  const register = forward ? insn.dst : insn.src;
  // `pointer relation end`: on the side where it does not exceed the end, the bytes before it exist.
  switch (relation) {
    case 'jgt':
      learnedRange(w.state, pointer, false);
      learnedEnd(taken, register, true);
      return true;
    case 'jlt':
      learnedRange(taken, pointer, true);
      learnedEnd(w.state, register, false);
      return true;
    case 'jge':
      learnedRange(w.state, pointer, true);
      learnedEnd(taken, register, false);
      return true;
    case 'jle':
      learnedRange(taken, pointer, false);
      learnedEnd(w.state, register, true);
      return true;
    default:
      return false;
  }
}

/** A nullable pointer equal to one that is not null is not null either. */
function learnFromEqualPointer(
  op: Jump,
  insn: Insn,
  state: State,
  taken: State,
  left: Register,
  right: Register,
): void {
  if (op.width === 32 || op.source !== 'reg' || !isPointer(left) || !isPointer(right)) return;
  if (left.maybeNull === right.maybeNull || left.type === 'ptr_' || right.type === 'ptr_') return;
  const equal = op.op === 'jeq' ? taken : op.op === 'jne' ? state : undefined;
  if (equal === undefined) return;
  const nullable = left.maybeNull ? insn.dst : insn.src;
  if (!isNeverNull(left.maybeNull ? right : left)) return;
  const { registers } = currentFrame(equal);
  registers[nullable] = withoutNull(registers[nullable]!);
}

/** A conditional jump; returns the slot at which the current path goes on. */
export function stepJump(w: Walk, insn: Insn, op: Jump): number {
  const registers = registersOf(w);
  const left = registers[insn.dst]!;
  const right = op.source === 'reg' ? registers[insn.src]! : immediateRegister(insn.imm);
  const leftIsStack = left.type === 'fp';
  const rightIsStack = op.source === 'reg' && right.type === 'fp';
  if (leftIsStack || rightIsStack) recordStackOperands(w, leftIsStack, rightIsStack);
  const result = outcomeOf(op, left, right, op.source === 'reg' && insn.dst === insn.src);
  const target = w.slot + 1 + insn.off;
  if (result.outcome !== 'unknown') {
    if (left.type === 'scalar') markPrecise(w, insn.dst);
    if (op.source === 'reg' && right.type === 'scalar') markPrecise(w, insn.src);
    return result.outcome === 'always' ? target : w.slot + 1;
  }
  return split(w, insn, op, result, target);
}

function split(w: Walk, insn: Insn, op: Jump, result: Comparison, target: number): number {
  const registers = registersOf(w);
  const places: Place[] = [];
  if (op.source === 'reg' && registers[insn.src]!.type === 'scalar' && registers[insn.src]!.id !== 0) {
    collectLinked(w, registers[insn.src]!.id, places);
  }
  if (registers[insn.dst]!.type === 'scalar' && registers[insn.dst]!.id !== 0) {
    collectLinked(w, registers[insn.dst]!.id, places);
  }
  if (places.length > 1) recordLinked(w, places);
  const left = registers[insn.dst]!;
  const right = op.source === 'reg' ? registers[insn.src]! : immediateRegister(insn.imm);
  const taken = fork(w, target);
  if (left.type === 'scalar' && right.type === 'scalar') {
    for (const [state, pair] of [
      [w.state, result.fallthrough],
      [taken, result.taken],
    ] as const) {
      const regs = currentFrame(state).registers;
      regs[insn.dst] = withValue(left, sane(pair.left));
      if (op.source === 'reg') regs[insn.src] = withValue(right, sane(pair.right));
      if (op.source === 'reg' && right.id !== 0) spread(state, regs[insn.src]!, places);
      if (left.id !== 0) spread(state, regs[insn.dst]!, places);
    }
  }
  learnFromEqualPointer(op, insn, w.state, taken, left, right);
  const againstNull = op.width === 64 && left.maybeNull && (op.source === 'imm' ? insn.imm === 0 : isNull(right));
  if (againstNull && (op.op === 'jeq' || op.op === 'jne')) {
    learnedNull(w.state, left.id, op.op === 'jne');
    learnedNull(taken, left.id, op.op === 'jeq');
  } else learnFromPacket(w, insn, op, left, right, taken);
  return w.slot + 1;
}
