const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Decodes base64 without line breaks; a loop over bytes, because atob's string would have to be copied again. */
export function decodeBase64(text: string): Uint8Array {
  const values = new Uint8Array(128);
  for (let i = 0; i < ALPHABET.length; i++) values[ALPHABET.charCodeAt(i)] = i;
  const codes = new TextEncoder().encode(text);
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((text.length >> 2) * 3 - padding);
  for (let i = 0, at = 0; i < text.length; i += 4, at += 3) {
    const word =
      (values[codes[i]!]! << 18) |
      (values[codes[i + 1]!]! << 12) |
      (values[codes[i + 2]!]! << 6) |
      values[codes[i + 3]!]!;
    // Past the end of a typed array nothing is stored: that drops the padding.
    bytes[at] = word >> 16;
    bytes[at + 1] = word >> 8;
    bytes[at + 2] = word;
  }
  return bytes;
}
