/**
 * Output is bytes, some of which are no UTF-8. Inside this folder text is a string of one UTF-16 unit per byte
 * ("byte text"), so that widths count bytes as bpftrace's do; the session turns it into a Uint8Array at the end.
 */
const ENCODER = new TextEncoder();

/** Byte text of script text: UTF-8, except that the lone surrogates U+DC80..U+DCFF stand for the bytes 0x80..0xff. */
export function byteText(text: string): string {
  let result = '';
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code < 0x80) result += character;
    else if (code >= 0xdc80 && code <= 0xdcff) result += String.fromCharCode(code - 0xdc00);
    else result += bytesToText(ENCODER.encode(character));
  }
  return result;
}

export function bytesToText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

export function textToBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** For what takes real text, such as file names and messages on standard error. */
export function decodeText(text: string): string {
  return new TextDecoder().decode(textToBytes(text));
}
