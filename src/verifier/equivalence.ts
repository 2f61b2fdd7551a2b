import { isSubset32, isSubset64 } from './arc.ts';
import { type Register, UNKNOWN_SCALAR, sameContents } from './register.ts';
import type { Scalar } from './scalar.ts';
import { BYTE, type Slot, isSpill, kindOf } from './stack.ts';
import { type Frame, type State, frameSlot } from './state.ts';
import { tnumContains } from './tnum.ts';

/**
 * When a remembered state makes exploring the current one needless. `range`: the current must hold no more than what the
 * remembered one was proved for, but numbers that proved not to matter may differ; `exact`: no difference at all;
 * `ranges_of_all`: as `range`, but every number matters, since the marks inside a loop are not complete yet.
 */
export type Exactness = 'range' | 'exact' | 'ranges_of_all';

/** Pairs ids of the remembered state with ids of the current one, one to one. */
class IdPairs {
  readonly #old: number[] = [];
  readonly #current: number[] = [];
  #count = 0;
  #temporary = 0;

  /** Forgets all pairs; ids from here on are nobody's. */
  restart(lastId: number): void {
    this.#count = 0;
    this.#temporary = lastId;
  }

  match(old: number, current: number): boolean {
    if ((old === 0) !== (current === 0)) return false;
    if (old === 0) return true;
    for (let i = 0; i < this.#count; i++) {
      if (this.#old[i] === old) return this.#current[i] === current;
      if (this.#current[i] === current) return false;
    }
    this.#old[this.#count] = old;
    this.#current[this.#count++] = current;
    return true;
  }

  /** For numbers: one that stood alone may be linked now; one that was linked must be linked in the same way. */
  matchScalar(old: Register, current: Register): boolean {
    if (old.id === 0) return true;
    const fresh = current.id === 0 ? ++this.#temporary : current.id;
    const key = (id: number, link: number): number => id * 128 + link;
    if (!this.match(key(old.id, old.link), key(fresh, current.link))) return false;
    return old.link === 0 || this.match(key(old.id, 0), key(fresh, 0));
  }
}

function within(old: Scalar, current: Scalar): boolean {
  if (old === current) return true;
  if (!Number.isNaN(old.plain) && !Number.isNaN(current.plain)) return old.plain === current.plain;
  return isSubset64(old.r64, current.r64) && isSubset32(old.r32, current.r32) && tnumContains(old.bits, current.bits);
}

// Ids of pointers share the table with scalar ids, so they are spelt alike.
const plainKey = (id: number): number => id * 128;

const sameIds = (old: Register, current: Register, ids: IdPairs): boolean =>
  ids.match(plainKey(old.id), plainKey(current.id)) && ids.match(plainKey(old.reference), plainKey(current.reference));

function exactlySame(old: Register, current: Register, ids: IdPairs): boolean {
  return sameContents(old, current) && sameIds(old, current, ids);
}

function registerSafe(old: Register, current: Register, ids: IdPairs, exactness: Exactness): boolean {
  if (exactness === 'exact') return exactlySame(old, current, ids);
  if (old.type === 'not_init') return true;
  if (old.type !== current.type || old.maybeNull !== current.maybeNull) return false;
  switch (old.type) {
    case 'scalar':
      if (!old.precise && exactness === 'range') return true;
      if (old.id !== 0 && old.link !== current.link) return false;
      if (old.id !== 0 && old.link !== 0 && old.delta !== current.delta) return false;
      return ids.matchScalar(old, current) && within(old.value, current.value);
    case 'map_key':
    case 'map_value':
    case 'mem':
    case 'rdonly_mem':
    case 'ringbuf_mem':
      if (old.map !== current.map || old.memSize !== current.memSize || old.trust !== current.trust) return false;
      return within(old.value, current.value) && sameIds(old, current, ids);
    case 'pkt':
    case 'pkt_meta':
      if (old.range < 0 || current.range < 0 ? old.range !== current.range : old.range > current.range) return false;
      return ids.match(plainKey(old.id), plainKey(current.id)) && within(old.value, current.value);
    case 'fp':
      return exactlySame(old, current, ids) && old.frame === current.frame;
    default:
      return exactlySame(old, current, ids);
  }
}

/** The number that a load of the slot's bytes from `byte` on would yield, if that is simple to say. */
function scalarFrom(slot: Slot, byte: number, uninitAllowed: boolean): Register | undefined {
  if (kindOf(slot, byte) === BYTE.spill && slot.spill?.type === 'scalar') return slot.spill;
  for (let i = byte; i < 8; i++) {
    const kind = kindOf(slot, i);
    if (kind !== BYTE.misc && (kind !== BYTE.invalid || !uninitAllowed)) return undefined;
  }
  return UNKNOWN_SCALAR;
}

function slotSafe(
  old: Slot,
  current: Slot | undefined,
  ids: IdPairs,
  exactness: Exactness,
  uninitAllowed: boolean,
): boolean {
  if (old === current && old.spill === undefined) return true;
  for (let byte = 0; byte < 8; byte++) {
    const kind = kindOf(old, byte);
    if (exactness === 'exact' && (current === undefined || kind !== kindOf(current, byte))) return false;
    // Who may read what was never written gets nothing more from bytes that hold just something.
    if (kind === BYTE.invalid || (kind === BYTE.misc && uninitAllowed)) continue;
    if (current === undefined) return false;
    if (byte === 0 || byte === 4) {
      const before = scalarFrom(old, byte, uninitAllowed);
      const now = scalarFrom(current, byte, uninitAllowed);
      if (before !== undefined && now !== undefined) {
        if (!registerSafe(before, now, ids, exactness)) return false;
        byte += byte === 0 ? 7 : 3;
        continue;
      }
    }
    if (kind === BYTE.misc && kindOf(current, byte) === BYTE.zero) continue;
    if (kind !== kindOf(current, byte)) return false;
    if (byte === 7 && isSpill(old) && !registerSafe(old.spill!, current.spill!, ids, exactness)) return false;
  }
  return true;
}

function frameSafe(
  old: Frame,
  current: Frame,
  live: number,
  ids: IdPairs,
  exactness: Exactness,
  uninitAllowed: boolean,
): boolean {
  if (old.callbackDepth > current.callbackDepth) return false;
  for (let r = 0; r < old.registers.length; r++) {
    if ((live & (1 << r)) === 0) continue;
    if (!registerSafe(old.registers[r]!, current.registers[r]!, ids, exactness)) return false;
  }
  for (let i = 0; i < old.stack.length; i++) {
    if (!slotSafe(old.stack[i]!, current.stack[i], ids, exactness, uninitAllowed)) return false;
  }
  return true;
}

/** What comparing states needs to know of the walk. */
export interface CoverInput {
  readonly live: Uint16Array;
  readonly lastId: number;
  readonly allowUninitStack: boolean;
}

/** Of the one comparison at a time: there are as many as instructions walked, and few get to pair anything. */
const ids = new IdPairs();

/** Whether what was proved from `old` covers `current`. */
export function covers(old: State, current: State, w: CoverInput, exactness: Exactness): boolean {
  if (old.frames.length !== current.frames.length) return false;
  ids.restart(w.lastId);
  if (old.references.length !== current.references.length) return false;
  for (let i = 0; i < old.references.length; i++) {
    if (!ids.match(plainKey(old.references[i]!.id), plainKey(current.references[i]!.id))) return false;
  }
  for (let f = 0; f < old.frames.length; f++) {
    const before = old.frames[f]!;
    const now = current.frames[f]!;
    if (before.callsite !== now.callsite) return false;
    if (!frameSafe(before, now, w.live[frameSlot(old, f)]!, ids, exactness, w.allowUninitStack)) return false;
  }
  return true;
}

/** A quick look before the exact comparison that proves an endless loop: ids included. */
export function mayLoop(old: State, current: State): boolean {
  if (old.frames.length !== current.frames.length) return false;
  const before = old.frames[old.frames.length - 1]!.registers;
  const now = current.frames[current.frames.length - 1]!.registers;
  if (differ(before[lastDifference]!, now[lastDifference]!)) return false;
  for (let i = 0; i < before.length; i++) {
    if (!differ(before[i]!, now[i]!)) continue;
    lastDifference = i;
    return false;
  }
  return true;
}

/** The register that told two states apart last: in a loop it is likely to do so again. */
let lastDifference = 0;

function differ(r: Register, other: Register): boolean {
  if (r === other) return false;
  if (r.id !== other.id || r.reference !== other.reference) return true;
  return r.link !== other.link || r.delta !== other.delta || !sameContents(r, other);
}
