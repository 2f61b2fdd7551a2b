import { helperPrototype, type Prototype } from '../abi/known-helpers.ts';
import type { MapDefinition, ProgramType } from '../abi/program-image.ts';
import { MAX_BPF_STACK, type Insn } from '../isa/instruction.ts';
import type { Operation } from '../isa/operation.ts';
import { type Graph, type Postorder, successors } from './graph.ts';
import { type Held, type Holding, followStackPointers, reached } from './stack-pointers.ts';

/**
 * Which stack may still be read: what nobody reads any more need not agree for states to be equal. In units of four
 * bytes, the first being fp-4, of the function's own frame; a call that hands out an address of the frame reads all of it.
 * (Linux 7.2 does the same, following addresses into callees as well; kernel/bpf/liveness.c.)
 */
const UNIT = 4;
const UNITS = MAX_BPF_STACK / UNIT;
const WORDS = UNITS / 32;

export interface LiveStack {
  /** Bit sets of WORDS words a slot. */
  readonly before: Uint32Array;
  /** Calls to functions of the program that get an address of the caller's frame. */
  readonly handsOut: Uint8Array;
}

/** Whether the unit may be read at or after the slot. */
export const isLiveUnit = (live: LiveStack, slot: number, unit: number): boolean =>
  (live.before[slot * WORDS + (unit >> 5)]! & (1 << (unit & 31))) !== 0;

/** Which units instructions read and which they overwrite; the one at hand has its words from `at` on. */
interface Touched {
  readonly reads: Uint32Array;
  readonly writes: Uint32Array;
  at: number;
}

function setUnits(bits: Uint32Array, from: number, first: number, last: number): void {
  for (let unit = Math.max(first, 0); unit <= Math.min(last, UNITS - 1); unit++) {
    bits[from + (unit >> 5)]! |= 1 << (unit & 31);
  }
}
const readAll = (t: Touched): void => void t.reads.fill(0xffff_ffff, t.at, t.at + WORDS);

const unitAt = (offset: number): number => (-offset - 1) >> 2;

/** Every unit with a byte in [offset, offset + size). */
function noteRead(t: Touched, held: Held, offset: number, size: number): void {
  if (held.kind !== 'stack' || size === 0) return;
  const offsets = reached(held, offset);
  if (offsets === undefined) readAll(t);
  else for (const at of offsets) setUnits(t.reads, t.at, unitAt(at + size - 1), unitAt(at));
}

/** Every unit that lies in [offset, offset + size) for sure. */
function noteWrite(t: Touched, held: Held, offset: number, size: number): void {
  if (held.kind !== 'stack' || !held.certain) return;
  const offsets = reached(held, offset);
  if (offsets?.length !== 1) return;
  const at = offsets[0]!;
  setUnits(t.writes, t.at, Math.ceil(-(at + size) / UNIT), Math.floor(-at / UNIT) - 1);
}

/** A read of who knows how much, up to the end of the frame. */
function noteReadOfAny(t: Touched, held: Held): void {
  if (held.kind !== 'stack') return;
  const offsets = held.offsets;
  if (offsets === undefined) readAll(t);
  else for (const at of offsets) noteRead(t, held, 0, Math.max(-at, 1));
}

const FIXED_BYTES = { long: 8, int: 4 } as const;

function noteArguments(t: Touched, prototype: Prototype | undefined, registers: readonly Held[]): void {
  if (prototype === undefined) {
    for (let r = 1; r <= 5; r++) noteReadOfAny(t, registers[r]!);
    return;
  }
  const mapArgument = registers[prototype.args.indexOf('const_map_ptr') + 1];
  const map = mapArgument?.kind === 'map' ? mapArgument.map : undefined;
  const read = (held: Held, size: number | undefined): void =>
    size === undefined ? noteReadOfAny(t, held) : noteRead(t, held, 0, size);
  prototype.args.forEach((kind, index) => {
    const held = registers[index + 1]!;
    if (held.kind !== 'stack') return;
    const next = registers[index + 2];
    const size = next?.kind === 'number' && next.value >= 0 ? next.value : undefined;
    switch (kind) {
      case 'map_key':
        return read(held, map?.keySize);
      case 'map_value':
        return read(held, map?.valueSize);
      case 'uninit_map_value':
        return map === undefined ? undefined : noteWrite(t, held, 0, map.valueSize);
      case 'mem':
      case 'mem_or_null':
      case 'written_mem':
      case 'written_mem_or_null':
        return read(held, size);
      case 'uninit_mem':
        return size === undefined ? noteReadOfAny(t, held) : noteWrite(t, held, 0, size);
      case 'long':
      case 'int':
        return noteWrite(t, held, 0, FIXED_BYTES[kind]);
      case 'anything':
      case 'unchecked':
      case 'ctx':
        return undefined;
      case 'stack_or_null':
        return readAll(t);
      default:
        return noteReadOfAny(t, held);
    }
  });
}

function noteTouched(t: Touched, insn: Insn, op: Operation, { registers }: Holding, type: ProgramType): void {
  switch (op.kind) {
    case 'load':
    case 'load_acquire':
      noteRead(t, registers[insn.src]!, insn.off, op.size);
      return;
    case 'store':
    case 'store_release':
      noteWrite(t, registers[insn.dst]!, insn.off, op.size);
      return;
    case 'atomic':
      noteRead(t, registers[insn.dst]!, insn.off, op.size);
      return;
    case 'call':
      if (op.callee !== 'subprogram') noteArguments(t, helperPrototype(insn.imm, type), registers);
      else if (handsOutStack(registers)) readAll(t);
      return;
    case 'callx':
      readAll(t);
      return;
    default:
      return;
  }
}

const handsOutStack = (registers: readonly Held[]): boolean => registers.slice(1, 6).some((r) => r.kind === 'stack');

/** Finds what of its stack each function may still read, before each slot. */
export function liveStack(
  g: Graph,
  orders: readonly Postorder[],
  type: ProgramType,
  mapAt: (slot: number) => MapDefinition | undefined,
): LiveStack {
  const count = g.insns.length;
  const holdings: (Holding | undefined)[] = new Array<Holding | undefined>(count + 2).fill(undefined);
  for (const order of orders) followStackPointers(g, order, mapAt, holdings, type);
  const handsOut = new Uint8Array(count);
  const words = (): Uint32Array => new Uint32Array((count + 2) * WORDS);
  const touched: Touched = { reads: words(), writes: words(), at: 0 };
  for (let slot = 0; slot < count; slot++) {
    const op = g.operations[slot];
    const holding = holdings[slot];
    if (op === undefined || holding === undefined) continue;
    if (op.kind === 'call' && op.callee === 'subprogram' && handsOutStack(holding.registers)) handsOut[slot] = 1;
    touched.at = slot * WORDS;
    noteTouched(touched, g.insns[slot]!, op, holding, type);
  }
  const before = words();
  for (const { slots, hasLoops } of orders) while (liveBefore(g, slots, touched, before) && hasLoops);
  return { before, handsOut };
}

/** One round backwards; true if anything changed. */
function liveBefore(g: Graph, order: readonly number[], touched: Touched, before: Uint32Array): boolean {
  let changed = false;
  for (const slot of order) {
    const next = successors(g, slot);
    for (let at = slot * WORDS, w = 0; w < WORDS; w++, at++) {
      let live = 0;
      for (const s of next) live |= before[s * WORDS + w]!;
      live = ((live & ~touched.writes[at]!) | touched.reads[at]!) >>> 0;
      if (live === before[at]) continue;
      before[at] = live;
      changed = true;
    }
  }
  return changed;
}
