import type { AccessSize } from './opcodes.ts';

/** What is wrong with a line of assembly text. */
export interface Mistake {
  readonly message: string;
  /** What of the line is wrong; absent: all of it. */
  readonly word?: string;
  readonly hint?: string;
}

/** A Mistake in place of what should have been there. */
export const isMistake = (value: unknown): value is Mistake =>
  typeof value === 'object' && value !== null && 'message' in value;

/** Of registers that are called r or w. */
export function width(kind: string | undefined): 32 | 64 {
  return kind === 'r' ? 64 : 32;
}

/** Number of a register. */
export function register(text: string | undefined): number {
  return Number(text);
}

/** Bytes of so many bits. */
export function sizeOf(bits: string | undefined): AccessSize {
  return (Number(bits) / 8) as AccessSize;
}

/** The distance of an access from a register. */
export function offset(text: string | undefined): number | Mistake {
  const value = Number(text!.replace(' ', ''));
  if (value >= -0x8000 && value <= 0x7fff) return value;
  return {
    message: `offset ${value} does not fit in 16 bits`,
    word: text!,
    hint: 'add the rest to the register first',
  };
}

/** A 32-bit immediate: signed, or unsigned as the kernel prints it in jumps. */
export function immediate(text: string): number | Mistake {
  const value = parseBig(text);
  if (value < -(1n << 31n) || value >= 1n << 32n) {
    const hint = `load it into a register first: \`r1 = ${text} ll\``;
    return { message: `${text} does not fit in 32 bits`, word: text, hint };
  }
  return Number(BigInt.asIntN(32, value));
}

/** A number of any size, decimal or hexadecimal. */
export function parseBig(text: string): bigint {
  return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
}
