import type { UserBody } from './image.ts';
import type { UserContext } from './user.ts';
import { bug } from '../../source/bug.ts';

/** What registers of a program hold: numbers up to 2^53, bigints beyond. */
export type UserWord = number | bigint;

/** A function of an image with a prototype and, where programs of the machine call it, a body. */
export interface UserFunctionFacts {
  readonly name: string;
  /** In C, as debugging information has it. */
  readonly prototype: string;
  /** What the symbol table says where that is not the function's real size. */
  readonly size?: number;
}

/** Calls it from another function's body: `const line = yield* readline(u, prompt)`. */
export type UserFunction<A extends UserWord[] = UserWord[]> = ((u: UserContext, ...args: A) => UserBody) & {
  readonly facts: UserFunctionFacts;
};

/**
 * Declares a function of a program or library by its C prototype. A call pushes the return address on the program's stack and
 * loads the argument registers, so that probes on it see what they would see on a CPU.
 */
export function userFunction<A extends UserWord[]>(
  prototype: string,
  body: (u: UserContext, ...args: A) => UserBody,
  options: Pick<UserFunctionFacts, 'size'> = {},
): UserFunction<A> {
  const facts: UserFunctionFacts = { name: functionName(prototype), prototype, ...options };
  const call = (u: UserContext, ...args: A): UserBody => u.invoke(facts, args, () => body(u, ...args));
  return Object.assign(call, { facts });
}

function functionName(prototype: string): string {
  const match = /([\w$]+)\s*\(/.exec(prototype);
  if (match === null) bug(`no function prototype: ${prototype}`);
  return match[1]!;
}
