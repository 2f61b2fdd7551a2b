import { printDefinition } from '../btf/print.ts';
import type { Target } from '../lang/target.ts';
import type { TypedProgram } from '../lang/typed-program.ts';
import { listAttachPoint, listProbes, listTypes, type ListedProbe } from './list.ts';

const PARAMETER_INDENT = '    ';

function lines(probes: readonly ListedProbe[], verbose: boolean): readonly string[] {
  return probes.flatMap(({ name, parameters }) => [
    name,
    ...(verbose ? parameters().map((text) => PARAMETER_INDENT + text) : []),
  ]);
}

/** What -l SEARCH prints, with -p of the files of one process: for each pattern between commas, probes, or types for `struct NAME`. */
export function listSearch(target: Target, search: string, verbose: boolean, pid?: number): readonly string[] {
  const inView = pid === undefined ? target : { ...target, userFiles: () => target.processFiles(pid) ?? [] };
  return search
    .split(',')
    .flatMap((pattern) => listPattern(inView, pattern.trim().replace(/\s+/g, ' '), verbose, pid !== undefined));
}

function listPattern(target: Target, pattern: string, verbose: boolean, withFiles: boolean): readonly string[] {
  const types = listTypes(target, pattern, (kind, name) => {
    const type = target.types[kind](name);
    return verbose && type !== undefined ? `vmlinux: ${printDefinition(type)}` : `${kind} ${name}`;
  });
  return types ?? lines(listProbes(target, pattern, withFiles), verbose);
}

/** What -l prints for a script: what its attach points match; begin, end and self have nothing to list. */
export function listProbesOfScript(target: Target, typed: TypedProgram, verbose: boolean): readonly string[] {
  return typed.probes.flatMap(({ attach, probeName }) => lines(listAttachPoint(target, attach, probeName), verbose));
}
