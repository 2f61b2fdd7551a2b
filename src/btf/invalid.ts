/** Ends what cannot go on: a state that our own code should have made impossible. A hub imports nothing, so this is not `bug`. */
export function invalid(message: string): never {
  throw new Error(`BTF: ${message}`);
}

/** Ends a switch over a union: a new member fails to compile here. */
export function exhausted(value: never): never {
  return invalid(`unexpected ${JSON.stringify(value)}`);
}
