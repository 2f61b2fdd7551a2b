import type { Machine } from '../machine.ts';
import type { TextSymbol } from '../execution/text.ts';
import { storeNumber } from '../memory/arena.ts';

/** What a tracer hangs on a hook point: called with the arena offset of the context. */
export type Handler = (context: number) => void;

/**
 * Runs the handlers of a hook point that the current CPU has just reached; they see who runs, when and where. `probed` is
 * the function whose entry or return the hook point is.
 */
export function runHandlers(m: Machine, handlers: readonly Handler[], context: number, probed?: TextSymbol): void {
  const place = m.current.probedFunction >> 2;
  m.words[place] = probed === undefined ? 0 : probed.entry | 0x80000000;
  m.words[place + 1] = probed === undefined ? 0 : -1;
  run(m, handlers, context);
}

/** The same for a place in a program. */
export function runUserHandlers(m: Machine, handlers: readonly Handler[], context: number, probed: number): void {
  storeNumber(m.words, m.current.probedFunction, probed);
  run(m, handlers, context);
}

function run(m: Machine, handlers: readonly Handler[], context: number): void {
  m.locate(m.cpu, m.cpu.current);
  const { inHandler } = m;
  m.inHandler = true;
  for (const handler of handlers) handler(context);
  m.inHandler = inHandler;
}

export function without(handlers: readonly Handler[], gone: Handler): readonly Handler[] {
  return handlers.filter((handler) => handler !== gone);
}
