/** Largest PID of a 64-bit kernel (PID_MAX_LIMIT). */
const PID_LIMIT = 0x40_0000n;
const U64_LIMIT = 1n << 64n;

/** The argument of -p, a number as scripts write it; a string is the message of a mistake. */
export function parsePid(text: string): number | string {
  const digits = text.replaceAll('_', '');
  const match = /^(?:0x([\da-f]+)|0b([01]+)|0([0-7]+)|(\d+))$/i.exec(digits);
  if (match === null)
    return `Failed to parse pid: ${/^\d/.test(digits) ? 'invalid trailing bytes' : 'invalid integer'}: ${text}`;
  const [, hex, binary, octal, decimal] = match;
  const value =
    hex !== undefined
      ? BigInt(`0x${hex}`)
      : binary !== undefined
        ? BigInt(`0b${binary}`)
        : octal !== undefined
          ? BigInt(`0o${octal}`)
          : BigInt(decimal!);
  if (value >= U64_LIMIT) return `Failed to parse pid: overflow error, maximum value is ${U64_LIMIT - 1n}: ${text}`;
  return value > PID_LIMIT ? `Pid out of range: ${value}` : Number(value);
}
