import { kernelFunctionNamed } from '../abi/helpers.ts';
import { helperPrototype } from '../abi/known-helpers.ts';
import { PROBES, type ProbeKind } from '../lang/probes.ts';

/** Whether the machine's kernel offers programs a function of this name. */
export const isOffered = (name: string): boolean => kernelFunctionNamed(name) !== undefined;

/**
 * Whether a plain program of a probe may call it. bpftrace tries with one that is attached to nothing: what only sessions may
 * call is refused then.
 */
export function mayCall(name: string, kind: ProbeKind): boolean {
  const row = kernelFunctionNamed(name);
  if (row === undefined || row.kfunc?.sessions === true) return false;
  return helperPrototype(row.id, PROBES[kind].programType) !== undefined;
}
