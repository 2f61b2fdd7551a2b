import type { Flow } from './flow.ts';
import { type Block, type IrFunction, type Slot, successors } from './ir.ts';

/** Sets of a function's slots as bits: what flows through thousands of blocks must not be thousands of hash sets. */
export class SlotSet {
  readonly #numbers: ReadonlyMap<Slot, number>;
  readonly #bits: Uint32Array;

  constructor(numbers: ReadonlyMap<Slot, number>) {
    this.#numbers = numbers;
    this.#bits = new Uint32Array((numbers.size + 31) >> 5);
  }

  has(slot: Slot): boolean {
    const number = this.#numbers.get(slot);
    return number !== undefined && (this.#bits[number >> 5]! & (1 << (number & 31))) !== 0;
  }

  add(slot: Slot): void {
    const number = this.#numbers.get(slot)!;
    this.#bits[number >> 5]! |= 1 << (number & 31);
  }

  /** Adds the other's; says whether there was anything new among them. */
  addAll(other: SlotSet): boolean {
    let changed = false;
    for (let word = 0; word < this.#bits.length; word++) {
      const before = this.#bits[word]!;
      this.#bits[word] = before | other.#bits[word]!;
      if (this.#bits[word] !== before) changed = true;
    }
    return changed;
  }
}

/** Slots by their number in sets. */
export function numberSlots(fn: IrFunction): ReadonlyMap<Slot, number> {
  return new Map(fn.slots.map((slot, index) => [slot, index]));
}

/**
 * For each block, what blocks that come later on some path (`backward`: earlier) name, the block itself left out unless a
 * loop leads back to it.
 */
export function slotsBeyond(
  flow: Flow,
  direction: 'forward' | 'backward',
  named: ReadonlyMap<Block, SlotSet>,
): ReadonlyMap<Block, SlotSet> {
  const numbers = numberSlots(flow.fn);
  const order = direction === 'forward' ? [...flow.order].reverse() : flow.order;
  const beyond = new Map<Block, SlotSet>();
  for (const block of order) beyond.set(block, new SlotSet(numbers));
  const edges: { readonly set: SlotSet; readonly named: SlotSet; readonly further: SlotSet }[] = [];
  for (const block of order)
    for (const next of successors(block)) {
      const [at, from] = direction === 'forward' ? [block, next] : [next, block];
      edges.push({ set: beyond.get(at)!, named: named.get(from)!, further: beyond.get(from)! });
    }
  for (let changed = true; changed;) {
    changed = false;
    for (const edge of edges) {
      const isNew = edge.set.addAll(edge.named);
      if (edge.set.addAll(edge.further) || isNew) changed = flow.hasLoops;
    }
  }
  return beyond;
}
