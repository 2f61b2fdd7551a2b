import { type IrFunction, type Slot, slotOf } from '../ir/ir.ts';

/**
 * Gives parts of a slot that are only ever accessed on their own slots of their own, so that they can become values: the
 * elements of a tuple, the words of a freshly made element.
 */
export function splitSlots(fn: IrFunction): void {
  const parts = new Map<Slot, Map<number, number>>();
  const whole = new Set<Slot>();
  for (const block of fn.blocks)
    for (const instr of block.instrs) {
      if (instr.op === 'slot_address') whole.add(instr.slot);
      if (instr.op !== 'load' && instr.op !== 'store' && instr.op !== 'atomic_add') continue;
      const slot = slotOf(instr.address);
      if (slot === undefined) continue;
      const sizes = parts.get(slot) ?? new Map<number, number>();
      parts.set(slot, sizes);
      const size = sizes.get(instr.address.offset) ?? instr.size;
      if (size !== instr.size) whole.add(slot);
      sizes.set(instr.address.offset, size);
    }
  const renamed = new Map<Slot, Map<number, Slot>>();
  for (const [slot, sizes] of parts) {
    if (whole.has(slot) || sizes.size < 2 || overlapping(sizes)) continue;
    const pieces = new Map<number, Slot>();
    for (const [offset, size] of sizes) {
      const piece: Slot = { kind: 'slot', id: fn.nextId++, name: `${slot.name}+${offset}`, size, align: size };
      pieces.set(offset, piece);
      fn.slots.push(piece);
    }
    renamed.set(slot, pieces);
  }
  if (renamed.size === 0) return;
  fn.slots = fn.slots.filter((slot) => !renamed.has(slot));
  for (const block of fn.blocks)
    for (const instr of block.instrs) {
      if (instr.op !== 'load' && instr.op !== 'store' && instr.op !== 'atomic_add') continue;
      const slot = slotOf(instr.address);
      const piece = slot === undefined ? undefined : renamed.get(slot)?.get(instr.address.offset);
      if (piece !== undefined) instr.address = { base: piece, offset: 0 };
    }
}

function overlapping(sizes: ReadonlyMap<number, number>): boolean {
  const sorted = [...sizes].sort((a, b) => a[0] - b[0]);
  return sorted.some(([offset, size], index) => {
    const next = sorted[index + 1];
    return next !== undefined && offset + size > next[0];
  });
}
