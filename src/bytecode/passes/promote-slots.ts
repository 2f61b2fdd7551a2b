import type { AccessSize } from '../../isa/opcodes.ts';
import type { Flow } from '../ir/flow.ts';
import { type Block, type Instr, type IrFunction, type Phi, type Slot, type Value, slotOf } from '../ir/ir.ts';
import { mapOperands, mapTerminatorOperands } from '../ir/operands.ts';

/**
 * Turns slots that are only loaded and stored whole into SSA values (Braun et al., "Simple and Efficient Construction of
 * Static Single Assignment Form"; the graph is complete, so that every block is sealed).
 */
export function promoteSlots(flow: Flow): void {
  const slots = promotable(flow.fn);
  if (slots.size > 0) new Promotion(flow, slots).run();
}

/** Slots whose address is never taken and that are always accessed at one offset and size. */
function promotable(fn: IrFunction): Map<Slot, AccessSize> {
  const sizes = new Map<Slot, AccessSize>();
  const excluded = new Set<Slot>();
  for (const block of fn.blocks)
    for (const instr of block.instrs) {
      if (instr.op === 'slot_address') excluded.add(instr.slot);
      if (instr.op !== 'load' && instr.op !== 'store' && instr.op !== 'atomic_add') continue;
      const slot = slotOf(instr.address);
      if (slot === undefined) continue;
      const size = sizes.get(slot) ?? instr.size;
      sizes.set(slot, size);
      if (instr.op === 'atomic_add' || instr.address.offset !== 0 || size !== instr.size) excluded.add(slot);
    }
  for (const slot of excluded) sizes.delete(slot);
  return sizes;
}

class Promotion {
  readonly #fn: IrFunction;
  readonly #slots: ReadonlyMap<Slot, AccessSize>;
  readonly #preds: ReadonlyMap<Block, readonly Block[]>;
  readonly #atEntry = new Map<Block, Map<Slot, Value>>();
  readonly #atEnd = new Map<Block, Map<Slot, Value>>();
  readonly #replaced = new Map<Value, Value>();

  constructor(flow: Flow, slots: ReadonlyMap<Slot, AccessSize>) {
    this.#fn = flow.fn;
    this.#slots = slots;
    this.#preds = flow.predecessors;
  }

  run(): void {
    for (const block of this.#fn.blocks) {
      const last = new Map<Slot, Value>();
      for (const instr of block.instrs) {
        if (instr.op !== 'store') continue;
        const slot = slotOf(instr.address);
        if (slot !== undefined && this.#slots.has(slot)) last.set(slot, instr.value);
      }
      this.#atEnd.set(block, last);
    }
    for (const block of [...this.#fn.blocks]) this.#rewrite(block);
    const resolve = (value: Value): Value => this.#resolve(value);
    for (const block of this.#fn.blocks) {
      for (const instr of block.instrs) mapOperands(instr, resolve);
      if (block.terminator !== undefined) mapTerminatorOperands(block.terminator, resolve);
    }
    this.#fn.slots = this.#fn.slots.filter((slot) => !this.#slots.has(slot));
  }

  #rewrite(block: Block): void {
    const current = new Map<Slot, Value>();
    const kept: Instr[] = [];
    // A copy: reading at the entry may put phis in front of what is being walked.
    for (const instr of [...block.instrs]) {
      const slot = instr.op === 'load' || instr.op === 'store' ? slotOf(instr.address) : undefined;
      if (slot === undefined || !this.#slots.has(slot)) {
        kept.push(instr);
      } else if (instr.op === 'store') {
        current.set(slot, instr.value);
      } else if (instr.op === 'load') {
        const value = current.get(slot) ?? this.#readAtEntry(block, slot);
        if (instr.size === 8) {
          this.#replaced.set(instr, value);
        } else {
          const bits = (instr.size * 8) as 8 | 16 | 32;
          const narrowed = { ...instr, op: 'extend', bits, signed: instr.signed, value };
          // Keeps its identity: others refer to it as an operand.
          Object.assign(instr, narrowed);
          kept.push(instr);
        }
      }
    }
    // Phis were put in front while others read from this block.
    const phis = block.instrs.filter((instr) => instr.op === 'phi' && !kept.includes(instr));
    block.instrs.splice(0, block.instrs.length, ...phis, ...kept);
  }

  #readAtEnd(block: Block, slot: Slot): Value {
    return this.#atEnd.get(block)?.get(slot) ?? this.#readAtEntry(block, slot);
  }

  #readAtEntry(block: Block, slot: Slot): Value {
    let known = this.#atEntry.get(block);
    if (known === undefined) this.#atEntry.set(block, (known = new Map()));
    const before = known.get(slot);
    if (before !== undefined) return before;
    const preds = this.#preds.get(block) ?? [];
    let value: Value;
    if (preds.length === 0) {
      // Read before written, on a path that cannot be taken.
      value = { kind: 'instr', id: this.#fn.nextId++, span: undefined, op: 'const', value: 0n };
      block.instrs.unshift(value);
    } else if (preds.length === 1) {
      value = this.#readAtEnd(preds[0]!, slot);
    } else {
      const phi: Phi = { kind: 'instr', id: this.#fn.nextId++, span: undefined, op: 'phi', inputs: new Map() };
      known.set(slot, phi);
      block.instrs.unshift(phi);
      for (const pred of preds) phi.inputs.set(pred, this.#readAtEnd(pred, slot));
      return phi;
    }
    known.set(slot, value);
    return value;
  }

  #resolve(value: Value): Value {
    let result = value;
    for (let next = this.#replaced.get(result); next !== undefined; next = this.#replaced.get(result)) result = next;
    return result;
  }
}
