const encoder = new TextEncoder();

/** Where bytes that are no UTF-8 stand in a string literal's value: `\xff` is U+DCFF (ast/nodes.ts). */
const ESCAPED = 0xdc00;

/** The bytes of a string literal's value, without the NUL behind them. */
export function literalBytes(value: string): readonly number[] {
  const bytes: number[] = [];
  for (const character of value) {
    const unit = character.charCodeAt(0);
    if (character.length === 1 && unit >= ESCAPED + 0x80 && unit <= ESCAPED + 0xff) bytes.push(unit - ESCAPED);
    else bytes.push(...encoder.encode(character));
  }
  return bytes;
}

/** A string literal's value with such bytes. */
export function literalOfBytes(bytes: readonly number[]): string {
  let value = '';
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    value +=
      length === 0
        ? String.fromCharCode(ESCAPED + bytes[at]!)
        : new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes.slice(at, at + length)));
    at += Math.max(1, length);
  }
  return value;
}

/** How long the UTF-8 sequence is that starts there; 0 if none does. */
function sequenceLength(bytes: readonly number[], at: number): number {
  const first = bytes[at]!;
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  const sequence = Uint8Array.from(bytes.slice(at, at + length));
  if (length === 0 || sequence.length < length) return 0;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(sequence);
    return length;
  } catch {
    return 0;
  }
}
