import type { Action } from '../../lang/resources.ts';

/** What is one thing if it is the same object: sources, and types of C, which may lead back to themselves. */
const BY_IDENTITY: ReadonlySet<string> = new Set(['source', 'struct', 'enum']);

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const others = new Map<string, unknown>(Object.entries(b));
  const entries = Object.entries(a);
  return (
    entries.length === others.size &&
    entries.every(([key, value]) => {
      if (!others.has(key)) return false;
      return BY_IDENTITY.has(key) ? value === others.get(key) : isSame(value, others.get(key));
    })
  );
}

/**
 * What user space does on events, by number. The same is one action: programs made from one clause for many matches
 * stay alike to the byte, so that one of them need be verified.
 */
export class ActionList {
  readonly actions: Action[] = [];
  readonly #byPlace = new Map<string, number[]>();

  /** The number of an action: an event's first word. */
  numberOf(action: Action): number {
    const place = `${action.kind} ${'span' in action ? action.span.start : ''}`;
    const rivals = this.#byPlace.get(place) ?? [];
    const known = rivals.find((number) => isSame(this.actions[number], action));
    if (known !== undefined) return known;
    const number = this.actions.push(action) - 1;
    rivals.push(number);
    this.#byPlace.set(place, rivals);
    return number;
  }
}
