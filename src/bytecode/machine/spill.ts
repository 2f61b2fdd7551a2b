import { FRAME_POINTER } from '../../isa/instruction.ts';
import {
  type MachineBlock,
  type MachineFunction,
  type MachineInsn,
  type Reg,
  type SpillSlot,
  endReads,
  mapEndRegisters,
  mapRegisters,
  reads,
  writes,
} from './insn.ts';
import { type Accesses, type Range, liveRanges, overlap } from './liveness.ts';

const SPILL_BYTES = 8;

/** Keeps each spilled value in a slot, and gives each use a short-lived value of its own. */
export function spill(fn: MachineFunction, spilled: ReadonlySet<Reg>, temporaries: Set<Reg>): void {
  const short = (): Reg => {
    const reg = fn.nextVirtual++;
    temporaries.add(reg);
    return reg;
  };
  for (const block of fn.blocks) {
    const before: MachineInsn[] = block.insns;
    block.insns = [];
    for (const insn of before) {
      if (insn.op === 'mov' && (spilled.has(insn.src) || spilled.has(insn.dst))) move(block, insn, spilled, short);
      else spillIn(block, insn, spilled, short);
    }
    const names = reload(block, endReads(block.end), block.end.span, spilled, short);
    mapEndRegisters(block.end, (reg) => names.get(reg) ?? reg);
  }
}

/** A move from or to the frame is a load or store itself. */
function move(
  { insns }: MachineBlock,
  insn: Extract<MachineInsn, { op: 'mov' }>,
  spilled: ReadonlySet<Reg>,
  short: () => Reg,
): void {
  const { dst, src, span } = insn;
  const isCopy = spilled.has(src) && spilled.has(dst);
  const through = isCopy ? short() : spilled.has(src) ? dst : src;
  if (spilled.has(src)) insns.push({ op: 'reload', dst: through, slot: src, span, ...(isCopy ? { isCopy } : {}) });
  if (spilled.has(dst)) insns.push({ op: 'keep', slot: dst, src: through, span });
}

function spillIn(block: MachineBlock, insn: MachineInsn, spilled: ReadonlySet<Reg>, short: () => Reg): void {
  const names = reload(block, reads(insn), insn.span, spilled, short);
  const written = new Map<Reg, Reg>();
  for (const reg of writes(insn)) if (spilled.has(reg)) written.set(reg, names.get(reg) ?? short());
  mapRegisters(
    insn,
    (reg) => names.get(reg) ?? reg,
    // A two-address operand was renamed when it was read.
    (reg) => written.get(reg) ?? reg,
  );
  block.insns.push(insn);
  for (const [slot, src] of written) block.insns.push({ op: 'keep', slot, src, span: insn.span });
}

function reload(
  { insns }: MachineBlock,
  regs: readonly Reg[],
  span: MachineInsn['span'],
  spilled: ReadonlySet<Reg>,
  short: () => Reg,
): ReadonlyMap<Reg, Reg> {
  const names = new Map<Reg, Reg>();
  for (const slot of new Set(regs)) {
    if (!spilled.has(slot)) continue;
    const dst = short();
    names.set(slot, dst);
    insns.push({ op: 'reload', dst, slot, span });
  }
  return names;
}

const SLOTS: Accesses = {
  reads: (insn) => (insn.op === 'reload' ? [insn.slot] : []),
  writes: (insn) => (insn.op === 'keep' ? [insn.slot] : []),
  endReads: () => [],
};

/** Gives slots 8 bytes of the frame each: those that never hold something at the same time share them. */
export function placeSpills(fn: MachineFunction): void {
  const { ranges } = liveRanges(fn, SLOTS);
  if (ranges.size === 0) return;
  const copies = copiedSlots(fn);
  const first = Math.ceil(fn.frame / SPILL_BYTES);
  const places: (readonly Range[])[][] = [];
  const placeOf = new Map<SpillSlot, number>();
  const isFree = (place: number, own: readonly Range[]): boolean =>
    !places[place]!.some((other) => overlap(other, 0, own));
  for (const [slot, own] of [...ranges].sort(([, a], [, b]) => a[0]!.from - b[0]!.from)) {
    const hinted = (copies.get(slot) ?? []).flatMap((partner) => placeOf.get(partner) ?? []);
    let place =
      hinted.find((candidate) => isFree(candidate, own)) ?? places.findIndex((_, index) => isFree(index, own));
    if (place === -1) place = places.push([]) - 1;
    places[place]!.push(own);
    placeOf.set(slot, place);
  }
  const offsetOf = (slot: SpillSlot): number => -(first + placeOf.get(slot)! + 1) * SPILL_BYTES;
  for (const block of fn.blocks) block.insns = placed(block.insns, offsetOf);
  fn.frame = (first + places.length) * SPILL_BYTES;
}

/** Slots between which values are copied: in one place, nothing need be done. */
function copiedSlots(fn: MachineFunction): ReadonlyMap<SpillSlot, readonly SpillSlot[]> {
  const partners = new Map<SpillSlot, SpillSlot[]>();
  const add = (slot: SpillSlot, partner: SpillSlot): void => {
    const list = partners.get(slot);
    if (list === undefined) partners.set(slot, [partner]);
    else list.push(partner);
  };
  for (const { insns } of fn.blocks)
    for (const [index, insn] of insns.entries()) {
      const from = insns[index - 1];
      if (insn.op !== 'keep' || from?.op !== 'reload' || from.dst !== insn.src) continue;
      add(insn.slot, from.slot);
      add(from.slot, insn.slot);
    }
  return partners;
}

function placed(insns: readonly MachineInsn[], offsetOf: (slot: SpillSlot) => number): MachineInsn[] {
  const result: MachineInsn[] = [];
  for (const [index, insn] of insns.entries()) {
    const { span } = insn;
    if (insn.op === 'reload') {
      const offset = offsetOf(insn.slot);
      const next = insns[index + 1];
      if (insn.isCopy === true && next?.op === 'keep' && offsetOf(next.slot) === offset) continue;
      result.push({ op: 'load', size: 8, signed: false, dst: insn.dst, base: FRAME_POINTER, offset, span });
    } else if (insn.op === 'keep') {
      const offset = offsetOf(insn.slot);
      const from = insns[index - 1];
      // What was just loaded from there is still there.
      if (from?.op === 'reload' && from.dst === insn.src && offsetOf(from.slot) === offset) continue;
      result.push({ op: 'store', size: 8, base: FRAME_POINTER, offset, source: { reg: insn.src }, span });
    } else result.push(insn);
  }
  return result;
}
