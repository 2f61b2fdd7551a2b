import type { LiteralMistake } from './integer.ts';
import { matchEnd } from './match.ts';

/** Where the string that opens at `start` ends: behind its quote, or at the end of the line that lacks one. */
export function scanString(text: string, start: number): number {
  return matchEnd(STRING, text, start);
}

// A backslash takes the next character with it, be it a newline.
const STRING = /"(?:[^"\\\n]+|\\[^])*"?/y;

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '"': '"', '\\': '\\' };

export interface DecodedString {
  readonly value: string;
  /** Offsets are those of the text. */
  readonly mistakes: readonly LiteralMistake[];
}

/** Resolves the escapes of the string literal text[start, end). */
export function decodeString(text: string, start: number, end: number): DecodedString {
  const mistakes: LiteralMistake[] = [];
  let value = '';
  let i = start + 1;
  while (i < end && text[i] !== '"') {
    const character = text[i]!;
    if (character !== '\\') {
      value += character;
      i++;
      continue;
    }
    const escape = text[i + 1];
    if (escape === undefined) {
      i++;
      break;
    }
    const octal = /^[0-7]{1,3}/.exec(text.slice(i + 1, i + 4))?.[0];
    if (octal !== undefined) {
      const code = Number.parseInt(octal, 8);
      const after = i + 1 + octal.length;
      if (code > 0xff) {
        mistakes.push({ message: `octal escape sequence out of range '\\${octal}'`, start: i, end: after });
      }
      value += byteText(code & 0xff);
      i = after;
    } else if (escape === 'x' || escape === 'X') {
      const hex = /^[0-9a-fA-F]{0,2}/.exec(text.slice(i + 2, i + 4))![0];
      if (hex === '') mistakes.push({ message: 'invalid hex escape sequence', start: i + 2 });
      else value += byteText(Number.parseInt(hex, 16));
      i += 2 + hex.length;
    } else {
      const simple = SIMPLE_ESCAPES[escape];
      if (simple === undefined) mistakes.push({ message: `invalid escape character '\\${escape}'`, start: i + 1 });
      value += simple ?? '';
      i += 2;
    }
  }
  if (text[i] !== '"' || i >= end) mistakes.push({ message: 'unterminated string', start: i });
  return { value, mistakes };
}

/** Escaped bytes from 0x80 on become U+DC80.. so that they stay apart from characters of the source. */
function byteText(byte: number): string {
  return String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte);
}
