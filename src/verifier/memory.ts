import { MAP_FLAGS } from '../abi/map-types.ts';
import { walkArgument, walkMapObject, walkStruct, type Loaded } from './btf-access.ts';
import { type Access, contextFieldOf, isLowEnd } from './check-memory.ts';
import { noteAccess, noteStackDepth } from './facts.ts';
import { markPrecise } from './precision.ts';
import {
  type Register,
  UNKNOWN_SCALAR,
  ZERO_SCALAR,
  isNull,
  isPointer,
  pointerRegister,
  scalarRegister,
  withId,
  withValue,
  withoutLink,
} from './register.ts';
import { constant, signExtended, truncated, widthOf } from './scalar.ts';
import {
  BYTE,
  type Slot,
  byteIndex,
  isSpill,
  kindOf,
  scrubbed,
  slotIndex,
  spillSize,
  spilled,
  withKind,
} from './stack.ts';
import { type Frame, currentFrame, growStack, slotAt } from './state.ts';
import { type Walk, newId, recordStackAccess, registersOf } from './walk.ts';

/** A number that is about to be copied gets an id, by which later comparisons narrow both. */
export function withLinkId(w: Walk, r: Register): Register {
  if (r.type !== 'scalar') return r;
  // A number that is another plus a constant cannot itself be the base of such a relation.
  const base = r.link !== 0 ? withoutLink(r) : r;
  return base.id !== 0 || base.value.isConst ? base : withId(base, newId(w));
}

/** What reading these stack bytes as one number yields, when they are not a whole spilled register. */
function readBytes(frame: Frame, first: number, end: number): Register {
  for (let at = first; at < end; at++) {
    if (kindOf(slotAt(frame, slotIndex(at)), byteIndex(at)) !== BYTE.zero) return UNKNOWN_SCALAR;
  }
  return ZERO_SCALAR;
}

function fill(w: Walk, frame: Frame, at: number, size: number): Register {
  const index = slotIndex(at);
  const slot = slotAt(frame, index);
  if (!isSpill(slot)) return readBytes(frame, at, at + size);
  const whole = spillSize(slot);
  if (size === 8 && whole === 8) {
    recordStackAccess(w, frame.index, index);
    return linkSpill(w, frame, index, slot);
  }
  if (size <= whole && isLowEnd(at, size, whole)) {
    recordStackAccess(w, frame.index, index);
    const linked = size === 4 && whole === 4 && widthOf(slot.spill!.value) <= 32;
    const spill = linked ? linkSpill(w, frame, index, slot) : slot.spill!;
    return widthOf(spill.value) > size * 8 ? withoutLink(spill) : spill;
  }
  return fillPart(w, frame, at, size, slot, index);
}

function linkSpill(w: Walk, frame: Frame, index: number, slot: Slot): Register {
  const spill = withLinkId(w, slot.spill!);
  if (spill !== slot.spill) frame.stack[index] = { kinds: slot.kinds, spill };
  return spill;
}

/** Bytes of a spilled number that are not its low end. */
function fillPart(w: Walk, frame: Frame, at: number, size: number, slot: Slot, index: number): Register {
  let spills = 0;
  let zeros = 0;
  for (let i = 0; i < size; i++) {
    const kind = kindOf(slot, byteIndex(at + i));
    if (kind === BYTE.spill) spills++;
    else if (kind === BYTE.zero) zeros++;
  }
  if (spills === size && slot.spill!.value.isZero) {
    recordStackAccess(w, frame.index, index);
    return ZERO_SCALAR;
  }
  return zeros === size ? ZERO_SCALAR : readBytes(frame, at, at + size);
}

function loadStack(w: Walk, a: Access): Register {
  const frame = w.state.frames[a.pointer.frame]!;
  const { value } = a.pointer;
  if (value.isConst) {
    const at = a.pointer.value.signed + a.offset;
    growStack(frame, at);
    noteStackDepth(w.facts, frame);
    return fill(w, frame, at, a.size);
  }
  const first = Number(value.smin) + a.offset;
  growStack(frame, first);
  noteStackDepth(w.facts, frame);
  return readBytes(frame, first, Number(value.smax) + a.offset + a.size);
}

function loadMapValue(a: Access): Register {
  const map = a.pointer.map!;
  const { value } = a.pointer;
  // Contents that neither side can change any more are known.
  const frozen = map.initial !== undefined && (map.flags & MAP_FLAGS.rdonly_prog) !== 0 && map.type === 'array';
  if (!frozen || !value.isConst) return UNKNOWN_SCALAR;
  const at = a.pointer.value.signed + a.offset;
  let bits = 0n;
  for (let i = a.size - 1; i >= 0; i--) bits = (bits << 8n) | BigInt(map.initial[at + i] ?? 0);
  return scalarRegister(constant(a.signed ? BigInt.asIntN(a.size * 8, bits) : bits));
}

function typedRegister(w: Walk, loaded: Loaded): Register {
  if (!('pointer' in loaded)) return UNKNOWN_SCALAR;
  const { pointer: btf, trust, maybeNull = false } = loaded;
  return pointerRegister('ptr_', { btf, trust, maybeNull, id: maybeNull ? newId(w) : 0 });
}

function loadContext(w: Walk, a: Access): Register {
  const field = contextFieldOf(w, a);
  if (field?.pointer !== undefined) {
    const maybeNull = field.maybeNull === true;
    return pointerRegister(field.pointer, { maybeNull, id: maybeNull ? newId(w) : 0 });
  }
  if (w.context.traced !== true) return UNKNOWN_SCALAR;
  return typedRegister(w, walkArgument(w, a.offset + Number(a.pointer.value.umax), a.size));
}

function loadAny(w: Walk, a: Access): Register {
  switch (a.pointer.type) {
    case 'fp':
      return loadStack(w, a);
    case 'map_value':
      return loadMapValue(a);
    case 'ctx':
      return loadContext(w, a);
    case 'ptr_':
      return typedRegister(w, walkStruct(w, a));
    case 'map_ptr':
      return typedRegister(w, walkMapObject(w, a));
    default:
      return UNKNOWN_SCALAR;
  }
}

/** Carries out an allowed load: what the destination then holds. */
export function load(w: Walk, a: Access): Register {
  noteAccess(w.facts, w.slot, a.pointer, currentFrame(w.state), a.offset);
  const loaded = loadAny(w, a);
  if (loaded.type !== 'scalar' || a.size === 8) return loaded;
  if (!a.signed) {
    const value = truncated(loaded.value, a.size);
    return value === loaded.value ? loaded : withValue(loaded, value);
  }
  const keepsSign = loaded.value.umax < 1n << BigInt(a.size * 8 - 1);
  const extended = withValue(loaded, signExtended(loaded.value, a.size));
  return keepsSign ? extended : withoutLink(extended);
}

/** What a store puts there: a register's number, or an immediate. */
export interface Stored {
  readonly register: number | undefined;
  readonly content: Register | undefined;
}

function storeBytes(w: Walk, frame: Frame, at: number, size: number, stored: Stored): void {
  const index = slotIndex(at);
  const slot = scrubbed(slotAt(frame, index));
  let kind: (typeof BYTE)['misc'] | (typeof BYTE)['zero'] = BYTE.misc;
  if (stored.content !== undefined && isNull(stored.content)) {
    // The bytes' being zero is now relied upon.
    if (stored.register !== undefined) markPrecise(w, stored.register);
    kind = BYTE.zero;
  }
  let kinds = slot.kinds;
  for (let i = 0; i < size; i++) kinds = withKind(kinds, byteIndex(at + i), kind);
  frame.stack[index] = { kinds, spill: undefined };
}

function storeFixed(w: Walk, frame: Frame, at: number, size: number, stored: Stored): void {
  const index = slotIndex(at);
  let content = stored.content;
  const spills = content !== undefined && at % 8 === 0 && content.type === 'scalar';
  if (content === undefined || !(spills || isPointer(content))) return storeBytes(w, frame, at, size, stored);
  if (content.type === 'scalar' && stored.register !== undefined) {
    const fits = widthOf(content.value) <= size * 8;
    if (fits) {
      content = withLinkId(w, content);
      registersOf(w)[stored.register] = content;
    } else content = withoutLink(content);
  }
  frame.stack[index] = spilled(slotAt(frame, index), content, size);
  recordStackAccess(w, frame.index, index);
}

/** A store whose place is not known: every slot it may hit loses what it held. */
function storeVariable(w: Walk, frame: Frame, a: Access, stored: Stored): void {
  const first = Number(a.pointer.value.smin) + a.offset;
  const end = Number(a.pointer.value.smax) + a.offset + a.size;
  const zero = stored.content !== undefined && isNull(stored.content);
  let usedZero = false;
  for (let at = first; at < end; at++) {
    const index = slotIndex(at);
    const byte = byteIndex(at);
    const before = slotAt(frame, index);
    const kind = kindOf(before, byte);
    if (zero && kind === BYTE.spill && before.spill?.type === 'scalar' && before.spill.value.isZero) {
      usedZero = true;
      continue;
    }
    const slot = scrubbed(before);
    const keeps = zero && kindOf(slot, byte) === BYTE.zero;
    usedZero ||= keeps;
    frame.stack[index] = { kinds: withKind(slot.kinds, byte, keeps ? BYTE.zero : BYTE.misc), spill: undefined };
  }
  if (usedZero && stored.register !== undefined) markPrecise(w, stored.register);
}

/** Carries out an allowed store. */
export function store(w: Walk, a: Access, stored: Stored): void {
  noteAccess(w.facts, w.slot, a.pointer, currentFrame(w.state), a.offset);
  if (a.pointer.type === 'fp') storeStack(w, a, stored);
}

/** The same for helpers, whose accesses the engines do not translate. */
export function storeStack(w: Walk, a: Access, stored: Stored): void {
  const frame = w.state.frames[a.pointer.frame]!;
  const { value } = a.pointer;
  const lowest = (value.isConst ? a.pointer.value.signed : Number(value.smin)) + a.offset;
  growStack(frame, lowest);
  noteStackDepth(w.facts, frame);
  if (value.isConst) storeFixed(w, frame, lowest, a.size, stored);
  else storeVariable(w, frame, a, stored);
}
