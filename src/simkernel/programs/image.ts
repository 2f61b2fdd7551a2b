import type { UserContext } from './user.ts';

/** A step of a user program: what `next` yields (see run-user.ts). */
export type UserStep =
  typeof WORK | typeof SYSTEM_CALL | typeof PAGE_FAULT | typeof SOFTWARE_INTERRUPT | typeof EXCEPTION;
export const WORK = 1;
export const SYSTEM_CALL = 2;
/** The program touches a page that is not there; the address is in `args[0]`, whether it writes in `args[1]`. */
export const PAGE_FAULT = 3;
/** `int N`; the vector is in `args[0]`, what eax, ebx, ecx, edx, esi and edi hold in `registers`. */
export const SOFTWARE_INTERRUPT = 4;
/** An instruction that raises an exception by itself; the vector is in `args[0]`. */
export const EXCEPTION = 5;
/** A running program: yields steps, receives results of system calls. */
export type UserBody = Generator<UserStep, number | void, number>;

/** An executable or library of the simulated machine: its symbols and what running it does. */
export interface Image {
  readonly path: string;
  /** Functions of the text, in order of address. */
  readonly symbols: readonly string[];
  readonly main: ((u: UserContext, argv: readonly string[]) => UserBody) | null;
}

/** Text starts one page into the file; every function takes this many bytes. */
const TEXT_START = 0x1000;
export const FUNCTION_BYTES = 0x200;

export function imageSymbolOffset(image: Image, name: string): number {
  const index = image.symbols.indexOf(name);
  if (index < 0) throw new Error(`${image.path} has no function ${name}`);
  return TEXT_START + index * FUNCTION_BYTES;
}
export function imageSymbolAt(image: Image, offset: number): { name: string; offset: number } | undefined {
  const index = Math.floor((offset - TEXT_START) / FUNCTION_BYTES);
  const name = offset < TEXT_START ? undefined : image.symbols[index];
  return name === undefined ? undefined : { name, offset: (offset - TEXT_START) % FUNCTION_BYTES };
}
export function imageSize(image: Image): number {
  return TEXT_START + image.symbols.length * FUNCTION_BYTES;
}
