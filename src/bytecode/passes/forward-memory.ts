import type { AccessSize } from '../../isa/opcodes.ts';
import { helperWrites } from '../ir/effects.ts';
import type { Flow } from '../ir/flow.ts';
import { type Block, type Instr, type IrFunction, type Slot, type SlotAddress, type Value, slotOf } from '../ir/ir.ts';
import { mapOperands, mapTerminatorOperands, operands } from '../ir/operands.ts';
import { SlotSet, numberSlots, slotsBeyond } from '../ir/slot-sets.ts';

interface Known {
  readonly size: AccessSize;
  readonly value: Value;
}
/** What the bytes of slots are known to hold, by slot and offset. */
type Memory = Map<Slot, Map<number, Known>>;

/** Replaces loads from slots by what was stored or loaded there before, along chains of blocks with one predecessor. */
export function forwardMemory(flow: Flow): boolean {
  const { fn } = flow;
  const loads = fn.blocks.some(({ instrs }) =>
    instrs.some((instr) => instr.op === 'load' && slotOf(instr.address) !== undefined),
  );
  if (!loads) return false;
  const exposed = exposedSlots(fn);
  const preds = flow.predecessors;
  const later = readLater(flow);
  const atEnd = new Map<Block, Memory>();
  const replaced = new Map<Value, Value>();
  const resolve = (value: Value): Value => {
    let result = value;
    for (let next = replaced.get(result); next !== undefined; next = replaced.get(result)) result = next;
    return result;
  };
  let changed = false;
  for (const block of flow.order) {
    const above = preds.get(block)!;
    const inherited = above.length === 1 ? atEnd.get(above[0]!) : undefined;
    const memory: Memory = new Map([...(inherited ?? [])].map(([slot, bytes]) => [slot, new Map(bytes)]));
    for (const instr of block.instrs) {
      mapOperands(instr, resolve);
      if (instr.op === 'load') {
        const slot = slotOf(instr.address);
        if (slot === undefined) continue;
        const { offset } = instr.address;
        const known = memory.get(slot)?.get(offset);
        if (known?.size === instr.size) {
          changed = true;
          if (instr.size === 8) replaced.set(instr, known.value);
          else {
            const { size, signed } = instr;
            Object.assign(instr, { op: 'extend', bits: size * 8, signed, value: known.value });
          }
        } else remember(memory, slot, offset, instr.size, instr);
      } else if (instr.op === 'store') {
        const slot = slotOf(instr.address);
        if (slot === undefined) forget(memory, exposed);
        else remember(memory, slot, instr.address.offset, instr.size, instr.value);
      } else if (instr.op === 'atomic_add') {
        const slot = slotOf(instr.address);
        if (slot === undefined) forget(memory, exposed);
        else memory.delete(slot);
      } else if (instr.op === 'call') {
        instr.args.forEach((arg, index) => {
          if (arg.op === 'slot_address' && helperWrites(instr.helper, index)) memory.delete(arg.slot);
        });
        // Whatever else the helper writes it reaches through a pointer that was computed or handed to a callback.
        forget(memory, exposed);
      } else if (instr.op === 'call_function') forget(memory, exposed);
    }
    if (block.terminator !== undefined) mapTerminatorOperands(block.terminator, resolve);
    // What nobody reads any more need not be known.
    for (const slot of [...memory.keys()]) if (!later.get(block)!.has(slot)) memory.delete(slot);
    atEnd.set(block, memory);
  }
  if (replaced.size > 0)
    for (const block of fn.blocks) {
      const kept = block.instrs.filter((instr) => !replaced.has(instr));
      block.instrs.splice(0, block.instrs.length, ...kept);
      for (const instr of block.instrs) mapOperands(instr, resolve);
      if (block.terminator !== undefined) mapTerminatorOperands(block.terminator, resolve);
    }
  return changed;
}

function remember(memory: Memory, slot: Slot, offset: number, size: AccessSize, value: Value): void {
  const bytes = memory.get(slot) ?? new Map<number, Known>();
  memory.set(slot, bytes);
  for (const [at, known] of bytes) if (at < offset + size && offset < at + known.size) bytes.delete(at);
  bytes.set(offset, { size, value });
}

function forget(memory: Memory, slots: ReadonlySet<Slot>): void {
  for (const slot of slots) memory.delete(slot);
}

/** Slots with an address that goes anywhere but straight into a helper's arguments. */
function exposedSlots(fn: IrFunction): Set<Slot> {
  const result = new Set<Slot>();
  const note = (value: Value): void => {
    if (value.op === 'slot_address') result.add(value.slot);
  };
  for (const block of fn.blocks)
    for (const instr of block.instrs) {
      if (instr.op === 'call') {
        if (instr.helper === 'for_each_map_elem' || instr.helper === 'loop') instr.args.forEach(note);
      } else operands(instr).forEach(note);
    }
  return result;
}

/** Drops stores to slots that are overwritten or never read afterwards. */
export function removeDeadStores(flow: Flow): boolean {
  const { fn } = flow;
  const stores = fn.blocks.some(({ instrs }) =>
    instrs.some((instr) => instr.op === 'store' && slotOf(instr.address) !== undefined),
  );
  if (!stores) return false;
  const exposed = exposedSlots(fn);
  const later = readLater(flow);
  let changed = false;
  for (const block of fn.blocks) {
    // Per slot the ranges that are written again before anybody reads.
    const dead = new Map<Slot, { from: number; to: number }[]>();
    const live = later.get(block)!;
    const kept: Instr[] = [];
    for (let index = block.instrs.length - 1; index >= 0; index--) {
      const instr = block.instrs[index]!;
      if (instr.op === 'store') {
        const slot = slotOf(instr.address);
        if (slot !== undefined && !exposed.has(slot)) {
          const { offset } = instr.address;
          const ranges = dead.get(slot) ?? [];
          const overwritten = ranges.some((range) => range.from <= offset && offset + instr.size <= range.to);
          if (overwritten || !live.has(slot)) {
            changed = true;
            continue;
          }
          dead.set(slot, joined(ranges, offset, offset + instr.size));
        }
      }
      if (instr.op === 'call')
        instr.args.forEach((arg, index) => {
          if (arg.op !== 'slot_address' || !helperWrites(instr.helper, index)) return;
          const size = instr.args[index + 1];
          // The helpers that fill memory take its size next and write all of it, whatever comes out.
          if (size?.op !== 'const' || !FILLING.has(instr.helper)) return;
          dead.set(arg.slot, joined(dead.get(arg.slot) ?? [], arg.offset, arg.offset + Number(size.value)));
        });
      for (const slot of slotsReadBy(instr)) {
        dead.delete(slot);
        live.add(slot);
      }
      kept.push(instr);
    }
    if (kept.length < block.instrs.length) block.instrs.splice(0, block.instrs.length, ...kept.reverse());
  }
  return changed;
}

/** Helpers that write every byte of the memory they are handed, also when they fail. */
const FILLING: ReadonlySet<string> = new Set([
  'probe_read_kernel',
  'probe_read_user',
  'probe_read',
  'get_current_comm',
  'get_stack',
]);

function joined(
  ranges: readonly { from: number; to: number }[],
  from: number,
  to: number,
): { from: number; to: number }[] {
  const touching = ranges.filter((range) => range.from <= to && from <= range.to);
  const rest = ranges.filter((range) => !touching.includes(range));
  return [
    ...rest,
    {
      from: Math.min(from, ...touching.map((range) => range.from)),
      to: Math.max(to, ...touching.map((range) => range.to)),
    },
  ];
}

const NO_SLOTS: readonly Slot[] = [];

function slotsReadBy(instr: Instr): readonly Slot[] {
  if (instr.op === 'load' || instr.op === 'atomic_add') {
    const slot = slotOf(instr.address);
    return slot === undefined ? NO_SLOTS : [slot];
  }
  if (instr.op !== 'call' || !instr.args.some(isSlotAddress)) return NO_SLOTS;
  return instr.args.flatMap((arg, index) =>
    isSlotAddress(arg) && !helperWrites(instr.helper, index) ? [arg.slot] : NO_SLOTS,
  );
}

const isSlotAddress = (value: Value): value is SlotAddress => value.op === 'slot_address';

/** Slots that may be read behind each block. */
function readLater(flow: Flow): ReadonlyMap<Block, SlotSet> {
  const { fn } = flow;
  const numbers = numberSlots(fn);
  const read = fn.blocks.map((block) => {
    const slots = new SlotSet(numbers);
    for (const instr of block.instrs) for (const slot of slotsReadBy(instr)) slots.add(slot);
    return [block, slots] as const;
  });
  return slotsBeyond(flow, 'forward', new Map(read));
}
