import { assertNever } from '../../source/bug.ts';
import type { Primitive } from './value.ts';

/** How a value looks in text output and in %s. Tuples and records are spaced, arrays are not. */
export function primitiveText(value: Primitive): string {
  return primitivePieces(value).join('');
}

/** The same in the pieces in which bpftrace writes it: a width in printf applies to the first piece only. */
export function primitivePieces(value: Primitive): string[] {
  switch (value.kind) {
    case 'none':
      return ['null'];
    case 'bool':
      return [value.value ? 'true' : 'false'];
    case 'int':
      return [String(value.value)];
    case 'string':
      return [value.value];
    case 'symbolic':
      return [value.symbol];
    case 'buffer':
      return [bufferText(value.value)];
    case 'array':
      return listPieces('[', value.values, ',', ']');
    case 'tuple':
      return listPieces('(', value.values, ', ', ')');
    case 'record': {
      if (value.fields.length === 0) return ['{}'];
      const pieces = ['{ '];
      value.fields.forEach(([name, field], i) => {
        pieces.push(`${i === 0 ? '' : ', '}.${name} = `, primitiveText(field));
      });
      return [...pieces, ' }'];
    }
    default:
      return assertNever(value);
  }
}

function listPieces(open: string, values: readonly Primitive[], separator: string, close: string): string[] {
  return [open, values.map(primitiveText).join(separator), close];
}

/** Bytes as text: printable ASCII as it is, the rest as `\xNN`. */
export function bufferText(bytes: Uint8Array): string {
  let result = '';
  for (const byte of bytes) {
    result += byte >= 32 && byte <= 126 ? String.fromCharCode(byte) : `\\x${hexByte(byte)}`;
  }
  return result;
}

export function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** A map key in brackets: the parentheses of a tuple are left out. */
export function keyText(key: Primitive): string {
  const full = primitiveText(key);
  return full.length >= 2 && full.startsWith('(') && full.endsWith(')') ? full.slice(1, -1) : full;
}
