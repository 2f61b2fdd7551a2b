import { helperPrototype, type Prototype } from '../abi/known-helpers.ts';
import type { MapDefinition, ProgramType } from '../abi/program-image.ts';
import { FRAME_POINTER, MAX_BPF_STACK, REGISTER_COUNT, type Insn } from '../isa/instruction.ts';
import type { Operation } from '../isa/operation.ts';
import { type Graph, type Postorder, successors } from './graph.ts';

/**
 * What a register or stack slot may hold, as far as it takes to tell which stack an instruction touches: an address in
 * the function's own frame, a number, a map. Anything else, addresses in callers' frames included, is `other`. (The verifier
 * forbids to store an address of one frame in another, so no other way leads to the own frame.)
 */
export type Held =
  | { readonly kind: 'other' }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'map'; readonly map: MapDefinition }
  | {
      readonly kind: 'stack';
      /** Offsets from the frame pointer; undefined when any is possible. */
      readonly offsets: readonly number[] | undefined;
      /** It cannot be anything but one of these addresses. */
      readonly certain: boolean;
    };

/** What is held before an instruction. */
export interface Holding {
  readonly registers: readonly Held[];
  /** By slot of 8 bytes; slots without an entry hold `other`. */
  readonly slots: ReadonlyMap<number, Held>;
}

const OTHER: Held = { kind: 'other' };
const ANY_STACK: Held = { kind: 'stack', offsets: undefined, certain: false };
const NO_SLOTS: ReadonlyMap<number, Held> = new Map();
const SLOTS = MAX_BPF_STACK / 8;
const MAX_OFFSETS = 4;

function joinOffsets(
  a: readonly number[] | undefined,
  b: readonly number[] | undefined,
): readonly number[] | undefined {
  if (a === undefined || b === undefined) return undefined;
  const all = [...new Set([...a, ...b])].sort((x, y) => x - y);
  return all.length <= MAX_OFFSETS ? all : undefined;
}

const sameOffsets = (a: readonly number[] | undefined, b: readonly number[] | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.length === b.length && a.every((x, i) => x === b[i]));

function same(a: Held, b: Held): boolean {
  if (a === b) return true;
  if (a.kind === 'stack' && b.kind === 'stack') return a.certain === b.certain && sameOffsets(a.offsets, b.offsets);
  if (a.kind === 'number' && b.kind === 'number') return a.value === b.value;
  if (a.kind === 'map' && b.kind === 'map') return a.map === b.map;
  return a.kind === b.kind && a.kind === 'other';
}

function join(a: Held, b: Held): Held {
  if (same(a, b)) return a;
  if (a.kind === 'stack' && b.kind === 'stack') {
    return { kind: 'stack', offsets: joinOffsets(a.offsets, b.offsets), certain: a.certain && b.certain };
  }
  if (a.kind === 'stack') return a.certain ? { ...a, certain: false } : a;
  if (b.kind === 'stack') return b.certain ? { ...b, certain: false } : b;
  return OTHER;
}

function joinHoldings(into: Holding | undefined, from: Holding): Holding {
  if (into === undefined || into === from) return from;
  let registers = into.registers;
  for (let r = 0; r < REGISTER_COUNT; r++) {
    const before = into.registers[r]!;
    if (before === from.registers[r]) continue;
    const joined = join(before, from.registers[r]!);
    if (same(joined, before)) continue;
    if (registers === into.registers) registers = into.registers.slice();
    (registers as Held[])[r] = joined;
  }
  let { slots } = into;
  if (slots === from.slots) return registers === into.registers ? into : { registers, slots };
  for (const slot of new Set([...into.slots.keys(), ...from.slots.keys()])) {
    const before = into.slots.get(slot) ?? OTHER;
    const joined = join(before, from.slots.get(slot) ?? OTHER);
    if (same(joined, before)) continue;
    if (slots === into.slots) slots = new Map(into.slots);
    (slots as Map<number, Held>).set(slot, joined);
  }
  return registers === into.registers && slots === into.slots ? into : { registers, slots };
}

/** `held + by`. */
function moved(held: Held, by: number): Held {
  if (held.kind === 'number') return { kind: 'number', value: held.value + by };
  if (held.kind !== 'stack' || held.offsets === undefined) return held;
  return { ...held, offsets: held.offsets.map((at) => at + by) };
}

function added(op: 'add' | 'sub', a: Held, b: Held): Held {
  if (b.kind === 'number') return moved(a, op === 'add' ? b.value : -b.value);
  if (op === 'add' && a.kind === 'number') return moved(b, a.value);
  if (a.kind === 'stack' && b.kind === 'stack') return ANY_STACK;
  if (a.kind === 'stack') return { ...a, offsets: undefined };
  return b.kind === 'stack' ? { ...b, offsets: undefined } : OTHER;
}

function computed(insn: Insn, op: Extract<Operation, { kind: 'alu' }>, registers: readonly Held[]): Held {
  const operand: Held = op.source === 'imm' ? { kind: 'number', value: insn.imm } : registers[insn.src]!;
  if (op.op === 'mov') {
    if (op.width === 64) return operand;
    return operand.kind === 'number' ? { kind: 'number', value: operand.value >>> 0 } : OTHER;
  }
  if (op.width === 32) return OTHER;
  const dst = registers[insn.dst]!;
  if (op.op === 'add' || op.op === 'sub') return added(op.op, dst, operand);
  return dst.kind === 'stack' || operand.kind === 'stack' ? ANY_STACK : OTHER;
}

/** Offsets that an access through a register reaches. */
export function reached(held: Held, offset: number): readonly number[] | undefined {
  return held.kind === 'stack' ? held.offsets?.map((at) => at + offset) : [];
}

const slotOf = (offset: number): number | undefined =>
  offset < 0 && offset >= -MAX_BPF_STACK && offset % 8 === 0 ? -offset / 8 - 1 : undefined;

function filled(from: Held, insn: Insn, size: number, slots: ReadonlyMap<number, Held>): Held {
  if (from.kind !== 'stack' || size !== 8) return OTHER;
  const offsets = reached(from, insn.off);
  if (offsets === undefined) return ANY_STACK;
  let held: Held | undefined;
  for (const at of offsets) {
    const slot = slotOf(at);
    const here = slot === undefined ? OTHER : (slots.get(slot) ?? OTHER);
    held = held === undefined ? here : join(held, here);
  }
  if (held === undefined) return OTHER;
  return from.certain ? held : join(held, OTHER);
}

/** Slots after a store of `value` through `to`. */
function stored(
  to: Held,
  offset: number,
  size: number,
  value: Held,
  slots: ReadonlyMap<number, Held>,
): ReadonlyMap<number, Held> {
  if (to.kind !== 'stack' || (slots.size === 0 && value.kind !== 'stack')) return slots;
  const content = size === 8 ? value : OTHER;
  const after = new Map(slots);
  const offsets = reached(to, offset);
  const sure = to.certain && offsets?.length === 1;
  for (let slot = 0; slot < SLOTS; slot++) {
    const low = -8 * (slot + 1);
    const hit = offsets === undefined || offsets.some((at) => at < low + 8 && at + size > low);
    if (!hit) continue;
    const whole = offsets?.includes(low) === true && size === 8;
    const before = after.get(slot) ?? OTHER;
    after.set(slot, sure ? (whole ? content : OTHER) : join(before, whole || offsets === undefined ? content : OTHER));
  }
  return after;
}

/** Kinds of arguments through which a helper writes, as far as it may go upwards from there. */
const FILLED: ReadonlySet<string> = new Set(['uninit_mem', 'uninit_map_value', 'long', 'int']);

/**
 * Slots after a call: what it may have written over need not be an address any more. A function of the program, and a
 * callback, get everywhere from an address of the frame; new addresses of this frame they may not leave in it.
 */
function afterCall(before: Holding, prototype: Prototype | undefined): ReadonlyMap<number, Held> {
  const { registers, slots } = before;
  if (slots.size === 0) return slots;
  let lowest = Infinity;
  for (let r = 1; r <= 5; r++) {
    const held = registers[r]!;
    const kind = prototype?.args[r - 1];
    if (held.kind !== 'stack') continue;
    if (prototype === undefined || kind === 'stack_or_null') lowest = -Infinity;
    else if (kind !== undefined && FILLED.has(kind)) {
      lowest = Math.min(lowest, ...(held.offsets ?? [-Infinity]));
    }
  }
  if (lowest === Infinity) return slots;
  const after = new Map(slots);
  for (const [slot, held] of slots) if (-8 * slot > lowest) after.set(slot, join(held, OTHER));
  return after;
}

const withRegister = (registers: readonly Held[], r: number, held: Held): readonly Held[] =>
  same(registers[r]!, held) ? registers : registers.map((h, i) => (i === r ? held : h));

/** What is held after an instruction. */
function transfer(
  insn: Insn,
  op: Operation,
  before: Holding,
  map: MapDefinition | undefined,
  second: Insn | undefined,
  type: ProgramType,
): Holding {
  const { registers, slots } = before;
  const set = (r: number, held: Held): Holding => {
    const after = withRegister(registers, r, held);
    return after === registers ? before : { registers: after, slots };
  };
  switch (op.kind) {
    case 'alu':
      return set(insn.dst, computed(insn, op, registers));
    case 'neg':
    case 'end':
    case 'movsx':
      return set(insn.dst, OTHER);
    case 'ld_imm64': {
      if (map !== undefined) return set(insn.dst, { kind: 'map', map });
      const small = op.pseudo === 'none' && second?.imm === 0;
      return set(insn.dst, small ? { kind: 'number', value: insn.imm >>> 0 } : OTHER);
    }
    case 'load':
    case 'load_acquire':
      return set(insn.dst, filled(registers[insn.src]!, insn, op.size, slots));
    case 'store':
    case 'store_release': {
      const value = op.kind === 'store_release' || op.source === 'reg' ? registers[insn.src]! : OTHER;
      return { registers, slots: stored(registers[insn.dst]!, insn.off, op.size, value, slots) };
    }
    case 'atomic': {
      const fetched = op.op === 'cmpxchg' ? 0 : insn.src;
      const after = op.fetch
        ? withRegister(registers, fetched, filled(registers[insn.dst]!, insn, op.size, slots))
        : registers;
      return { registers: after, slots: stored(registers[insn.dst]!, insn.off, op.size, OTHER, slots) };
    }
    case 'call':
    case 'callx':
    case 'ld_packet': {
      const helper = op.kind === 'call' && op.callee !== 'subprogram' ? helperPrototype(insn.imm, type) : undefined;
      const kept = op.kind === 'ld_packet' ? slots : afterCall(before, helper);
      return { registers: registers.map((held, r) => (r <= 5 ? OTHER : held)), slots: kept };
    }
    default:
      return before;
  }
}

function atEntry(): Holding {
  const registers = new Array<Held>(REGISTER_COUNT).fill(OTHER);
  registers[FRAME_POINTER] = { kind: 'stack', offsets: [0], certain: true };
  return { registers, slots: NO_SLOTS };
}

/** Follows stack addresses, sizes and maps through a function; by slot, undefined where nothing leads. */
export function followStackPointers(
  g: Graph,
  { slots, hasLoops }: Postorder,
  mapAt: (slot: number) => MapDefinition | undefined,
  into: (Holding | undefined)[],
  type: ProgramType,
): void {
  into[slots[slots.length - 1]!] = atEntry();
  for (let changed = true; changed;) {
    changed = false;
    for (let i = slots.length - 1; i >= 0; i--) {
      const slot = slots[i]!;
      const before = into[slot];
      const op = g.operations[slot];
      if (before === undefined || op === undefined) continue;
      const after = transfer(g.insns[slot]!, op, before, mapAt(slot), g.insns[slot + 1], type);
      for (const next of successors(g, slot)) {
        const joined = joinHoldings(into[next], after);
        if (joined === into[next]) continue;
        into[next] = joined;
        changed = hasLoops;
      }
    }
  }
}
