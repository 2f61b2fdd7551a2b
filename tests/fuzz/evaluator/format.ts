import type { Type } from '../../../src/lang/types.ts';
import type { Value } from './values.ts';

const SPECIFIER = /%([-0]*)(\d*)(hh|h|ll|l|)([duxs])/g;
const BITS: Readonly<Record<string, number>> = { hh: 8, h: 16, '': 32, l: 64, ll: 64 };

/** What printf() makes of its values: an integer is as wide as the specifier says, padding knows no sign. */
export function formatted(format: string, values: readonly Value[]): string {
  let next = 0;
  return format.replace(SPECIFIER, (_, flags: string, width: string, length: string, specifier: string) => {
    const text = converted(values[next++]!, specifier, BITS[length]!);
    const fill = flags.includes('0') ? '0' : ' ';
    return flags.includes('-') ? text.padEnd(Number(width), fill) : text.padStart(Number(width), fill);
  });
}

function converted(value: Value, specifier: string, bits: number): string {
  if (specifier === 's' || typeof value !== 'bigint') return String(value);
  if (specifier === 'd') return String(BigInt.asIntN(bits, value));
  return BigInt.asUintN(bits, value).toString(specifier === 'x' ? 16 : 10);
}

/** What print() makes of a value, in JSON without its names and quotes. */
export function shownValue(value: Value, type: Type): string {
  if (type.kind === 'bool') return value === 0n ? 'false' : 'true';
  if (typeof value !== 'object') return String(value);
  return `[${value.map((element, index) => shownValue(element, elementType(type, index))).join()}]`;
}

function elementType(type: Type, index: number): Type {
  switch (type.kind) {
    case 'tuple':
      return type.elements[index]!;
    case 'record':
      return type.fields[index]!.type;
    case 'array':
      return type.element;
    default:
      throw new Error(`a ${type.kind} has no elements`);
  }
}
