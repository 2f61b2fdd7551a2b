/** Our own mistake, never the user's. */
export class InternalError extends Error {
  override readonly name = 'InternalError';
}

/** Reports a state that our own code should have made impossible. */
export function bug(message: string): never {
  throw new InternalError(message);
}

/** Ends a switch over a union: a new member fails to compile here. */
export function assertNever(value: never): never {
  return bug(`unexpected ${JSON.stringify(value)}`);
}
