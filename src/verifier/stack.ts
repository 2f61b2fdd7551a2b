import type { Register } from './register.ts';

/** What one byte of the stack holds. */
export const BYTE = {
  /** Never written. */
  invalid: 0,
  /** Part of a spilled register. */
  spill: 1,
  /** Something. */
  misc: 2,
  zero: 3,
} as const;
export type ByteKind = (typeof BYTE)[keyof typeof BYTE];

/**
 * Eight bytes of stack, immutable. `kinds` has four bits a byte, byte 0 being the one with the highest address (fp-1 in
 * the first slot): the kernel counts the same way, downwards from the frame pointer. A register spilled with less than
 * eight bytes fills the bytes 7 downwards, which are the lowest addresses.
 */
export interface Slot {
  readonly kinds: number;
  readonly spill: Register | undefined;
}

const SLOT_BYTES = 8;
export const EMPTY_SLOT: Slot = { kinds: 0, spill: undefined };

export const kindOf = (slot: Slot, byte: number): ByteKind => ((slot.kinds >>> (byte * 4)) & 0xf) as ByteKind;
export const withKind = (kinds: number, byte: number, kind: ByteKind): number =>
  (kinds & ~(0xf << (byte * 4))) | (kind << (byte * 4));

/** Index of the slot and the byte inside it for an offset below the frame pointer. */
export const slotIndex = (offset: number): number => (-offset - 1) >> 3;
export const byteIndex = (offset: number): number => (-offset - 1) & 7;

/** A register was spilled here and its lowest byte is still its own. */
export const isSpill = (slot: Slot): boolean => kindOf(slot, 7) === BYTE.spill;
export const isScalarSpill = (slot: Slot): boolean => isSpill(slot) && slot.spill?.type === 'scalar';

/** Bytes of the spilled register that are intact. */
export function spillSize(slot: Slot): number {
  let size = 0;
  for (let byte = 7; byte >= 0 && kindOf(slot, byte) === BYTE.spill; byte--) size++;
  return size;
}

/** A register stored at the slot's lowest `size` bytes. Bytes above that held something keep being something. */
export function spilled(slot: Slot, register: Register, size: number): Slot {
  let kinds = slot.kinds;
  for (let byte = 7; byte >= 0; byte--) {
    if (byte > 7 - size) kinds = withKind(kinds, byte, BYTE.spill);
    else if (kindOf(slot, byte) !== BYTE.zero && kindOf(slot, byte) !== BYTE.invalid) {
      kinds = withKind(kinds, byte, BYTE.misc);
    }
  }
  return { kinds, spill: register };
}

/** The slot without its spilled register, whose bytes are now just something. */
export function scrubbed(slot: Slot): Slot {
  if (!isSpill(slot)) return slot.spill === undefined ? slot : { kinds: slot.kinds, spill: undefined };
  let kinds = slot.kinds;
  for (let byte = 0; byte < SLOT_BYTES; byte++) {
    if (kindOf(slot, byte) === BYTE.spill) kinds = withKind(kinds, byte, BYTE.misc);
  }
  return { kinds, spill: undefined };
}

/** The bytes of half a slot: `low` those with the lower addresses, where spilled registers start. */
const LOW_HALF = [4, 5, 6, 7];
const HIGH_HALF = [0, 1, 2, 3];

/**
 * The slot without the halves that nobody reads any more. A spilled pointer keeps being one as long as any of it is read:
 * reading part of it must go on to be refused.
 */
export function withoutDead(slot: Slot, lowLives: boolean, highLives: boolean): Slot {
  if ((lowLives && highLives) || slot === EMPTY_SLOT) return slot;
  let { kinds, spill } = slot;
  if (!lowLives) {
    if (highLives && isSpill(slot)) {
      if (spill?.type !== 'scalar') return slot;
      const kind = spill.value.isZero ? BYTE.zero : BYTE.misc;
      for (const byte of HIGH_HALF) if (kindOf(slot, byte) === BYTE.spill) kinds = withKind(kinds, byte, kind);
    }
    spill = undefined;
    for (const byte of LOW_HALF) kinds = withKind(kinds, byte, BYTE.invalid);
  }
  if (!highLives) for (const byte of HIGH_HALF) kinds = withKind(kinds, byte, BYTE.invalid);
  if (kinds === slot.kinds && spill === slot.spill) return slot;
  return kinds === 0 ? EMPTY_SLOT : { kinds, spill };
}

const KIND_LETTER: Record<ByteKind, string> = { 0: '?', 1: 'r', 2: 'm', 3: '0' };
export function formatKinds(slot: Slot): string {
  let text = '';
  for (let byte = 0; byte < SLOT_BYTES; byte++) text += KIND_LETTER[kindOf(slot, byte)];
  return text;
}
