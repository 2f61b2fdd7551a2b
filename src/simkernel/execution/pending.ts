/**
 * How a kernel function sleeps. A function that cannot finish now returns a Pending instead of its value; each caller on the
 * way out leaves behind what it still has to do. When the task runs again, the continuations run from the innermost outwards,
 * so resuming costs nothing for depth. A plain function passes a Pending on by returning it; one that has work left either
 * uses `then` or is written as a generator (`sleepingFunction`), which yields the Pending and receives the value.
 */
export class Pending {
  readonly continuations: ((value: never) => unknown)[] = [];
  then<T, U>(next: (value: T) => Result<U>): this {
    this.continuations.push(next as (value: never) => unknown);
    return this;
  }
}

export type Result<T = number> = T | Pending;
/** The body of a function that may sleep: `const n = yield* wait(callee(m, ...))` or, faster, `if (n instanceof Pending) n = yield n`. */
export type Sleeping<T = number> = Generator<Pending, T, unknown>;

/** Runs what was left undone; may sleep again, and then the same Pending protocol continues. */
export function resume(pending: Pending, value: unknown): unknown {
  const { continuations } = pending;
  let result = value;
  for (let i = 0; i < continuations.length; i += 1) {
    result = (continuations[i] as (value: unknown) => unknown)(result);
    if (result instanceof Pending) {
      for (let j = i + 1; j < continuations.length; j += 1) result.continuations.push(continuations[j]!);
      return result;
    }
  }
  return result;
}

/** Advances a generator body to its end or its next sleep. */
export function drive<T>(body: Sleeping<T>, value: unknown): Result<T> {
  const step = body.next(value);
  if (step.done === true) return step.value;
  return step.value.then((next: unknown) => drive(body, next));
}

/** For generator bodies: the value of a call that may sleep. */
export function* wait<T>(result: Result<T>): Sleeping<T> {
  return result instanceof Pending ? ((yield result) as T) : result;
}
