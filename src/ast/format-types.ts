import type { StringLiteral, TypeExpression } from './nodes.ts';

/** A type as the formatter writes it: `struct a*`, `int8[4]`. */
export function formatType(type: TypeExpression): string {
  const suffixes = type.suffixes.map((suffix) => (suffix === '*' ? '*' : `[${suffix.length || ''}]`));
  return `${type.name}${suffixes.join('')}`;
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r', '\\': '\\\\', '"': '\\"' };

/** A string with everything but printable ASCII escaped, byte by byte. */
export function escapeString(value: StringLiteral['value']): string {
  let text = '';
  for (const character of value) {
    const code = character.codePointAt(0)!;
    if (ESCAPES[character] !== undefined) text += ESCAPES[character];
    else if (code >= 0x20 && code < 0x7f) text += character;
    else
      text += bytesOf(character, code)
        .map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`)
        .join('');
  }
  return text;
}

function bytesOf(character: string, code: number): number[] {
  // A byte that was written as an escape (ast/nodes.ts, StringLiteral).
  if (code >= 0xdc80 && code <= 0xdcff) return [code - 0xdc00];
  return [...new TextEncoder().encode(character)];
}
