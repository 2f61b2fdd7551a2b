import type { CurrentLocations } from '../abi/execution.ts';
import type { MemoryAccess } from '../abi/verified-image.ts';
import type { Step } from './control-flow.ts';
import { FRAME_SYMBOL, type State } from './transfer.ts';
import { alignOf, asConstant, type Value } from './value.ts';

/*
 * Words that generated JavaScript moves as doubles: one access in place of two. A double carries the bits of a word unchanged
 * unless it is no number: of the bits of a NaN JavaScript promises nothing.
 */

/** The place of `current` that a store copies to its own as a double; undefined where it stores halves. */
export function copiedLocation(
  { insn, operation }: Step,
  state: State,
  access: MemoryAccess | undefined,
): keyof CurrentLocations | undefined {
  if (operation.kind !== 'store' || operation.size !== 8 || operation.source !== 'reg') return undefined;
  const place = state[insn.dst]!;
  // Words of the stack may be in variables.
  if (access?.region === 'stack' || place.symbol === FRAME_SYMBOL) return undefined;
  return Math.min(place.align, alignOf(insn.off)) < 3 ? undefined : state[insn.src]!.copyOf;
}

/** The double with the bits of a known word, as JavaScript. */
export function doubleText(value: Value): string | undefined {
  const known = asConstant(value);
  if (known === undefined) return undefined;
  const number = new Float64Array(Int32Array.of(known.low, known.high).buffer)[0]!;
  if (!Number.isFinite(number)) return undefined;
  return Object.is(number, -0) ? '-0' : String(number);
}
