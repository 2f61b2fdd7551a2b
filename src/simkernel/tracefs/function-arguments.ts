import { stripType } from '../../btf/layout.ts';
import type { CType } from '../../btf/types.ts';
import { textSymbolAt } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import { nameOf, prototypeNamed } from '../probes/symbols.ts';
import { loadInteger } from './print-format.ts';

/** FTRACE_REGS_MAX_ARGS */
export const MOST_SHOWN_ARGUMENTS = 6;

/** print_function_args(): `(file=0xffff..., count=4096)`, by the function's BTF and the words at `at` of a record. */
export function argumentsText(m: Machine, ip: bigint, data: Uint8Array, at: number): string {
  const symbol = textSymbolAt(Number(BigInt.asUintN(31, ip)));
  const prototype = symbol && prototypeNamed(m, nameOf(m, symbol));
  if (prototype === undefined) return '()';
  const shown = prototype.parameters.slice(0, MOST_SHOWN_ARGUMENTS).map(({ name, type }, i) => {
    const value = loadInteger(data, at + 8 * i, 8, true);
    return `${name === '' ? '' : `${name}=`}${argumentText(stripType(type), value)}`;
  });
  const more = prototype.parameters.length > MOST_SHOWN_ARGUMENTS ? ['...'] : [];
  return `(${[...shown, ...more].join(', ')})`;
}
function argumentText(type: CType, value: bigint): string {
  const hex = `0x${BigInt.asUintN(64, value).toString(16)}`;
  if (type.kind === 'pointer') return hex;
  if (type.kind === 'int' || type.kind === 'enum') return value.toString();
  return `(${type.kind})${hex}`;
}
