import { commonDominator } from '../ir/dominators.ts';
import type { Flow } from '../ir/flow.ts';
import {
  type Address,
  type Block,
  type Instr,
  type IrFunction,
  type Slot,
  type Value,
  slotOf,
  successors,
} from '../ir/ir.ts';
import { operands, terminatorOperands } from '../ir/operands.ts';
import { SlotSet, numberSlots, slotsBeyond } from '../ir/slot-sets.ts';
import { Builder } from '../ir/builder.ts';

/** Where the slots of one function went. */
export interface Placement {
  /** Offsets from r10, negative. */
  readonly frame: ReadonlyMap<Slot, number>;
  readonly frameSize: number;
  /** Bytes that it uses of the program's scratch area. */
  readonly scratchSize: number;
}

/** The scratch area of a program: the element of this map at this index. */
export interface Scratch {
  readonly map: number;
  readonly index: number;
  /** The map has no value for each CPU: a CPU's elements stand so many behind those of the one before. */
  readonly perCpuElements?: number;
  /** Where this function's part starts in it. */
  readonly offset: number;
  /** What the function returns when there is no such element. */
  readonly otherwise: number;
}

/**
 * Gives every slot its place: slots larger than `stackLimit`, and the largest of the others while the frame would not
 * hold them, in the program's scratch area, the rest in the frame. Slots whose lives do not overlap may share bytes.
 */
export function placeSlots(
  flow: Flow,
  stackLimit: number,
  frameLimit: number,
  scratch: (size: number) => Scratch,
): Placement {
  const { fn } = flow;
  const lives = slotLives(flow);
  const used = fn.slots.filter((slot) => lives.has(slot));
  const pinned = stackOnly(fn);
  const onStack = used.filter((slot) => slot.size <= stackLimit || pinned.has(slot));
  let packed = pack(onStack, lives);
  while (packed.size > frameLimit) {
    const movable = onStack.filter((slot) => !pinned.has(slot));
    if (movable.length === 0) break;
    const largest = movable.reduce((a, b) => (b.size > a.size ? b : a));
    onStack.splice(onStack.indexOf(largest), 1);
    packed = pack(onStack, lives);
  }
  const frame = new Map([...packed.offsets].map(([slot, offset]) => [slot, offset - packed.size]));
  const inScratch = used.filter((slot) => !frame.has(slot));
  if (inScratch.length === 0) return { frame, frameSize: packed.size, scratchSize: 0 };
  const area = pack(inScratch, lives);
  const place = scratch(area.size);
  const key = moveToScratch(flow, place, area.offsets);
  // The key's life is over before any other slot's begins only where the lookup is: it gets bytes of its own.
  const frameSize = packed.size + 8;
  frame.set(key, -frameSize + 4);
  return { frame, frameSize, scratchSize: area.size };
}

/** Slots that a helper demands on the stack: the context of callbacks. */
function stackOnly(fn: IrFunction): Set<Slot> {
  const result = new Set<Slot>();
  for (const block of fn.blocks)
    for (const instr of block.instrs)
      if (instr.op === 'call' && (instr.helper === 'for_each_map_elem' || instr.helper === 'loop')) {
        const context = instr.args[2];
        if (context?.op === 'slot_address') result.add(context.slot);
      }
  return result;
}

/** Where a slot is alive: ranges of instruction positions, both ends inclusive, in order. */
type Life = readonly { readonly from: number; readonly to: number }[];

/** Where a block first and last accesses each slot. */
type Accesses = ReadonlyMap<Slot, { readonly first: number; last: number }>;

/** What each block accesses. Pointers into a slot, and what is computed from them, count where they are used. */
function slotAccesses(order: readonly Block[]): ReadonlyMap<Block, Accesses> {
  const derived = derivedPointers(order);
  const accesses = new Map<Block, Accesses>();
  let position = 0;
  for (const block of order) {
    const here = new Map<Slot, { readonly first: number; last: number }>();
    accesses.set(block, here);
    const note = (slot: Slot): void => {
      const known = here.get(slot);
      if (known === undefined) here.set(slot, { first: position, last: position });
      else known.last = position;
    };
    const noteThrough = (values: readonly Value[]): void => {
      for (const value of values) derived.get(value)?.forEach(note);
    };
    for (const instr of block.instrs) {
      if (derived.size > 0) noteThrough(operands(instr));
      if (instr.op === 'load' || instr.op === 'store' || instr.op === 'atomic_add') {
        const direct = slotOf(instr.address);
        if (direct !== undefined) note(direct);
      }
      position++;
    }
    noteThrough(terminatorOperands(block.terminator));
    position++;
  }
  return accesses;
}

/** The instructions at which each slot is alive: behind an access and before another, on some path. */
function slotLives(flow: Flow): Map<Slot, Life> {
  const { fn, order } = flow;
  const accesses = slotAccesses(order);
  const numbers = numberSlots(fn);
  const named = new Map(
    order.map((block) => {
      const slots = new SlotSet(numbers);
      for (const slot of accesses.get(block)!.keys()) slots.add(slot);
      return [block, slots];
    }),
  );
  const earlier = slotsBeyond(flow, 'backward', named);
  const later = slotsBeyond(flow, 'forward', named);
  const lives = new Map<Slot, { from: number; to: number }[]>();
  let start = 0;
  for (const block of order) {
    const here = accesses.get(block)!;
    const behind = earlier.get(block)!;
    const ahead = later.get(block)!;
    const end = start + block.instrs.length;
    for (const slot of fn.slots) {
      const before = behind.has(slot);
      const after = ahead.has(slot);
      const own = here.get(slot);
      if (own === undefined && !(before && after)) continue;
      const from = before ? start : own!.first;
      const to = after ? end : own!.last;
      const life = lives.get(slot);
      const last = life?.[life.length - 1];
      if (life === undefined) lives.set(slot, [{ from, to }]);
      else if (last!.to === from - 1) last!.to = to;
      else life.push({ from, to });
    }
    start = end + 1;
  }
  return lives;
}

/** For each value that may point into slots, which ones. */
function derivedPointers(order: readonly Block[]): Map<Value, Set<Slot>> {
  const result = new Map<Value, Set<Slot>>();
  const held = new Map<Slot, Set<Slot>>();
  const carriers: Instr[] = [];
  let handsOn = false;
  for (const { instrs } of order)
    for (const instr of instrs) {
      if (!CARRIERS.has(instr.op)) continue;
      carriers.push(instr);
      if (instr.op === 'slot_address') result.set(instr, new Set([instr.slot]));
      else if (operands(instr).some(({ op }) => op === 'slot_address')) handsOn = true;
    }
  // Mostly addresses go straight into calls: then there is nothing to follow.
  let changed = handsOn;
  const add = (to: Set<Slot>, slots: Iterable<Slot> | undefined): void => {
    const before = to.size;
    for (const slot of slots ?? []) to.add(slot);
    if (to.size !== before) changed = true;
  };
  while (changed) {
    changed = false;
    for (const instr of carriers) {
      if (instr.op === 'store') {
        const holder = slotOf(instr.address);
        const stored = holder === undefined ? undefined : result.get(instr.value);
        if (stored !== undefined) add(setOf(held, holder!), stored);
      } else if (instr.op === 'slot_address') {
        const slots = setOf(result, instr);
        add(slots, [instr.slot]);
        // Who holds the slot with the pointer holds what it points at: closures of callbacks.
        add(slots, held.get(instr.slot));
      } else for (const value of operands(instr)) if (result.has(value)) add(setOf(result, instr), result.get(value));
    }
  }
  return result;
}

/** What makes, computes and stores pointers into slots. */
const CARRIERS: ReadonlySet<Instr['op']> = new Set<Instr['op']>(['slot_address', 'phi', 'alu', 'store']);

function setOf<K, V>(sets: Map<K, Set<V>>, key: K): Set<V> {
  let set = sets.get(key);
  if (set === undefined) sets.set(key, (set = new Set()));
  return set;
}

/** First fit, the largest first, each at its alignment and clear of every slot with which it is alive. */
function pack(
  slots: readonly Slot[],
  lives: ReadonlyMap<Slot, Life>,
): { readonly offsets: Map<Slot, number>; readonly size: number } {
  const offsets = new Map<Slot, number>();
  let size = 0;
  for (const slot of [...slots].sort((a, b) => b.size - a.size || a.id - b.id)) {
    const life = lives.get(slot)!;
    const rivals = [...offsets].filter(([other]) => intersects(life, lives.get(other)!)).sort((a, b) => a[1] - b[1]);
    let offset = 0;
    for (const [other, at] of rivals)
      if (offset + slot.size > at && offset < at + other.size) offset = roundUp(at + other.size, slot.align);
    offsets.set(slot, offset);
    size = Math.max(size, offset + slot.size);
  }
  return { offsets, size: roundUp(size, 8) };
}

function intersects(a: Life, b: Life): boolean {
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i]!.to < b[j]!.from) i++;
    else if (b[j]!.to < a[i]!.from) j++;
    else return true;
  }
  return false;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

function elementOf(builder: Builder, { index, perCpuElements }: Scratch): Value | number {
  if (perCpuElements === undefined) return index;
  const cpu = builder.call('get_smp_processor_id');
  return builder.add(builder.alu('mul', cpu, perCpuElements), index);
}
/**
 * Looks the scratch element up where it dominates every use, leaves the program when there is none (there always is), and
 * turns the slots into offsets from it. Returns the slot of the lookup's key.
 */
function moveToScratch(flow: Flow, scratch: Scratch, offsets: ReadonlyMap<Slot, number>): Slot {
  const uses = (instr: Instr): boolean =>
    (instr.op === 'slot_address' && offsets.has(instr.slot)) ||
    ((instr.op === 'load' || instr.op === 'store' || instr.op === 'atomic_add') &&
      slotOf(instr.address) !== undefined &&
      offsets.has(slotOf(instr.address)!));
  const { fn, dominators: doms } = flow;
  const blocks = doms.order.filter((block) => block.instrs.some(uses));
  const home = blocks.reduce((a, b) => commonDominator(doms, a, b));
  const firstUse = home.instrs.findIndex(uses);
  const at = firstUse < 0 ? home.instrs.length : firstUse;
  // Split there: [before, lookup] -> null? leave : [rest].
  const builder = new Builder(fn, home);
  const rest = builder.newBlock();
  rest.instrs.push(...home.instrs.splice(at));
  rest.terminator = home.terminator;
  home.terminator = undefined;
  for (const next of successors(rest))
    for (const instr of next.instrs)
      if (instr.op === 'phi' && instr.inputs.has(home)) {
        instr.inputs.set(rest, instr.inputs.get(home)!);
        instr.inputs.delete(home);
      }
  const key = builder.slot('scratch_key', 4, 4);
  builder.store(key, 0, 4, elementOf(builder, scratch));
  const base = builder.call('map_lookup_elem', builder.map(scratch.map), builder.slotAddress(key));
  const leave = builder.newBlock();
  builder.branch('jeq', base, 0, leave, rest);
  builder.enter(leave);
  builder.return(scratch.otherwise);
  flow.changed();

  const into = (address: Address): void => {
    const slot = slotOf(address);
    const offset = slot === undefined ? undefined : offsets.get(slot);
    if (offset === undefined) return;
    address.base = base;
    address.offset += scratch.offset + offset;
  };
  for (const block of fn.blocks)
    block.instrs.forEach((instr) => {
      if (instr.op === 'load' || instr.op === 'store' || instr.op === 'atomic_add') into(instr.address);
    });
  for (const block of fn.blocks)
    for (let index = 0; index < block.instrs.length; index++) {
      const instr = block.instrs[index]!;
      if (instr.op !== 'slot_address' || !offsets.has(instr.slot)) continue;
      const distance = scratch.offset + offsets.get(instr.slot)! + instr.offset;
      const constant: Instr = {
        kind: 'instr',
        id: fn.nextId++,
        span: instr.span,
        op: 'const',
        value: BigInt(distance),
      };
      block.instrs.splice(index++, 0, constant);
      const sum = { op: 'alu', alu: 'add', width: 64, left: base, right: constant } as const;
      Object.assign(instr, sum);
    }
  return key;
}
