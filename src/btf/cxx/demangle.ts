import { readMangledName } from './encoding.ts';
import { Reader, Unknown } from './reader.ts';

/** Stacks and lists show the same few functions over and over; what is read again costs time only. */
const MOST_KNOWN = 4096;
const known = new Map<string, string | undefined>();

/** The C++ declaration of a mangled name, as `c++filt` shows it; undefined when it is none, or in a way that is not known here. */
export function demangle(name: string): string | undefined {
  const start = /^(?:____?Z|_Z)/.exec(name)?.[0].length;
  if (start === undefined) return undefined;
  if (!known.has(name)) {
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(name, read(name, start));
  }
  return known.get(name);
}

function read(name: string, start: number): string | undefined {
  try {
    return readMangledName(new Reader(name, start));
  } catch (error) {
    if (error instanceof Unknown) return undefined;
    throw error;
  }
}

/** Without the parameters, as bpftrace compares names: the last parenthesis and what belongs to it. */
export function withoutParameters(declaration: string): string {
  let depth = 0;
  for (let i = declaration.lastIndexOf(')'); i >= 0; i -= 1) {
    if (declaration[i] === ')') depth += 1;
    if (declaration[i] === '(') depth -= 1;
    if (depth === 0) return declaration.slice(0, i);
  }
  return declaration;
}
