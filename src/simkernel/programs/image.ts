import type { ImageLayout } from './image-layout.ts';
import { layoutOf } from './image-layout.ts';
import type { UserContext } from './user.ts';
import type { UserFunction, UserWord } from './user-function.ts';
import { bug } from '../../source/bug.ts';

/** A step of a user program: what `next` yields (see run-user.ts). */
export type UserStep =
  | typeof WORK
  | typeof SYSTEM_CALL
  | typeof PAGE_FAULT
  | typeof SOFTWARE_INTERRUPT
  | typeof EXCEPTION
  | typeof BREAKPOINT
  | typeof SINGLE_STEP
  | typeof ACCESS
  | typeof EXECUTE;
export const WORK = 1;
export const SYSTEM_CALL = 2;
/** The program touches a page that is not there; the address is in `args[0]`, whether it writes in `args[1]`. */
export const PAGE_FAULT = 3;
/** `int N`; the vector is in `args[0]`, what eax, ebx, ecx, edx, esi and edi hold in `registers`. */
export const SOFTWARE_INTERRUPT = 4;
/** An instruction that raises an exception by itself; the vector is in `args[0]`. */
export const EXCEPTION = 5;
/** It has executed an int3 that somebody put into its text. */
export const BREAKPOINT = 6;
/** It has executed the one instruction that it was sent to with the trap flag. */
export const SINGLE_STEP = 7;
/** It reads or writes memory that somebody may watch: the address is in `args[0]`, the size in `args[1]`, `args[2]` says write. */
export const ACCESS = 8;
/** It is about to execute the instruction at `args[0]`. */
export const EXECUTE = 9;
/** A running program: yields steps, receives results of system calls. */
export type UserBody = Generator<UserStep, UserWord | void, number>;

/** A static probe of a program: a nop in one of its functions, and a note that says where the arguments are. */
export interface UsdtProbe {
  readonly provider: string;
  readonly name: string;
  /** As in the note: `-4@%edi 8@-16(%rbp)`. */
  readonly operands: string;
  /** The function whose text has the nop. */
  readonly in: string;
  /** A counter in the program's data that says whether somebody listens; probes of one name share theirs. */
  readonly semaphore?: boolean;
}

/** A global variable: its type in C and what it starts as. */
export interface ImageVariable {
  readonly name: string;
  readonly type: string;
  /** A pointer may be to another variable of the image. */
  readonly value: UserWord | string | { readonly addressOf: string };
}

/** An executable or library of the simulated machine: its symbols and what running it does. */
export interface Image {
  readonly path: string;
  /** Functions of the text, in order of address: by name, or declared. */
  readonly symbols: readonly (string | UserFunction<never>)[];
  readonly main: ((u: UserContext, argv: readonly string[]) => UserBody) | null;
  /** Prototype of main, where the image has debugging information about it. */
  readonly mainPrototype?: string;
  /** Libraries that it loads beside the C library. */
  readonly libraries?: readonly Image[];
  readonly variables?: readonly ImageVariable[];
  readonly usdt?: readonly UsdtProbe[];
  /** Structures by name with their members in C (`char b[10]`): the image has debugging information. */
  readonly structs?: Readonly<Record<string, readonly string[]>>;
  /** Where everything is, for images that were read from a file. */
  readonly layout?: ImageLayout;
}

export function imageSymbolOffset(image: Image, name: string): number {
  const found = layoutOf(image).byName.get(name);
  if (found === undefined) bug(`${image.path} has no function ${name}`);
  return found.offset;
}
export function imageSymbolAt(image: Image, offset: number): { name: string; offset: number } | undefined {
  const { functions } = layoutOf(image);
  let low = 0;
  let high = functions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (functions[middle]!.offset <= offset) low = middle + 1;
    else high = middle;
  }
  const found = functions[low - 1];
  if (found === undefined || offset >= found.offset + Math.max(found.size, 1)) return undefined;
  return { name: found.name, offset: offset - found.offset };
}
/** Bytes of address space that the text takes. */
export function imageSize(image: Image): number {
  return layoutOf(image).textEnd;
}
