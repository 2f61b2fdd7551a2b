/** What a blob that is not ours may do wrong. Caught in this file alone. */
class MalformedBtf extends Error {}

/** Ends the reading of a blob. */
export function malformed(message: string): never {
  throw new MalformedBtf(message);
}

export type Reading<T> = { readonly value: T } | { readonly problem: string };

/** Reads a blob that is not ours: what is wrong with it is the result, our own mistakes are still thrown. */
export function readForeign<T>(read: () => T): Reading<T> {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof MalformedBtf) return { problem: error.message };
    // A read outside the blob, or types that nest deeper than our stack.
    if (error instanceof RangeError) return { problem: error.message };
    throw error;
  }
}
