import type { Block } from '../../ast/nodes.ts';
import type { VariableSymbol } from '../../lang/typed-program.ts';
import type { Slot, Value } from '../ir/ir.ts';
import type { Lowerer } from './lowerer.ts';
import { addressOf } from './memory.ts';
import type { Place } from './operand.ts';

/**
 * What a loop's callback shares with the function around it: a slot of addresses, of the variables that the body uses, of
 * what the loop itself needs and of the word that says whether the body returned (with the value behind it).
 */
export interface Closure {
  /** The slot's address; 0 where nothing is shared. */
  readonly address: Value;
  readonly captured: readonly VariableSymbol[];
  readonly extras: number;
  readonly returned: Slot | undefined;
  readonly hasValue: boolean;
}

/** Fills the slot in the function around the loop. */
export function openClosure(l: Lowerer, body: Block, extras: readonly Slot[]): Closure {
  const { b } = l;
  const facts = inspect(l, body);
  const captured = facts.symbols.filter((symbol) => l.variables.has(symbol));
  const returned = facts.returns ? b.slot('returned', 16) : undefined;
  const words = captured.length + extras.length + (returned === undefined ? 0 : 1);
  const shape = { captured, extras: extras.length, returned, hasValue: facts.returnsValue };
  if (words === 0) return { address: b.const(0), ...shape };
  const slot = b.slot('closure', 8 * words);
  let offset = 0;
  const put = (address: Value): void => {
    b.store(slot, offset, 8, address);
    offset += 8;
  };
  for (const symbol of captured) put(addressOf(b, l.variable(symbol)));
  for (const extra of extras) put(b.slotAddress(extra));
  if (returned !== undefined) {
    b.store(returned, 0, 8, 0);
    b.store(returned, 8, 8, 0);
    put(b.slotAddress(returned));
  }
  return { address: b.slotAddress(slot), ...shape };
}

/** Lowers a callback whose context is parameter `context`: 0 goes on, 1 ends the loop. */
export function runCallback(
  inner: Lowerer,
  closure: Closure,
  context: number,
  body: (extras: readonly Value[]) => void,
): void {
  const { b } = inner;
  const pointer = b.param(context);
  let offset = 0;
  const next = (): Value => {
    const value = b.load(pointer, offset, 8);
    offset += 8;
    return value;
  };
  for (const symbol of closure.captured) {
    const place: Place = { base: next(), offset: 0 };
    inner.variables.set(symbol, place);
  }
  const extras = Array.from({ length: closure.extras }, next);
  const returned = closure.returned === undefined ? undefined : next();
  inner.onReturn = (value) => {
    if (returned !== undefined) {
      b.store(returned, 0, 8, 1);
      if (value !== undefined) b.store(returned, 8, 8, value);
    }
    b.return(1);
  };
  inner.loops.push({ onBreak: () => b.return(1), onContinue: () => b.return(0) });
  body(extras);
  inner.loops.pop();
  b.return(0);
}

interface BodyFacts {
  readonly symbols: readonly VariableSymbol[];
  readonly returns: boolean;
  readonly returnsValue: boolean;
}

function inspect(l: Lowerer, body: Block): BodyFacts {
  const symbols = new Set<VariableSymbol>();
  let returns = false;
  let returnsValue = false;
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if ('kind' in node) {
      if (node.kind === 'variable') {
        const symbol = l.unit.typed.variables.get(node as Parameters<Lowerer['symbol']>[0]);
        if (symbol !== undefined) symbols.add(symbol);
      }
      if (node.kind === 'jump' && 'jump' in node && node.jump === 'return') {
        returns = true;
        if ('value' in node && node.value !== undefined) returnsValue = true;
      }
    }
    for (const [key, value] of Object.entries(node)) if (!/span$/i.test(key)) visit(value);
  };
  visit(body);
  return { symbols: [...symbols], returns, returnsValue };
}
