/** A mistake in an object file; `readObject` catches it and returns its text. */
export class BadObject extends Error {
  override readonly name = 'BadObject';
}

export function badObject(message: string): never {
  throw new BadObject(message);
}

export function demand(condition: boolean, message: string): asserts condition {
  if (!condition) badObject(message);
}
