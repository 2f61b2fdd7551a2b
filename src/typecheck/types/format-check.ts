import type { TypeKind } from '../../lang/types.ts';
import type { FormatSpec } from '../../lang/format.ts';
import { formatSpecs } from '../../lang/format.ts';
import { typeName } from '../../lang/type-name.ts';
import type { Typing } from './typing.ts';

const INTEGERS: readonly TypeKind[] = ['int', 'enum', 'bool', 'pointer'];
const BUFFERS: readonly TypeKind[] = ['buffer'];

/** What each conversion takes; an empty list: anything. */
const ACCEPTED: Readonly<Record<string, readonly TypeKind[]>> = {
  d: INTEGERS,
  i: INTEGERS,
  u: INTEGERS,
  o: INTEGERS,
  x: INTEGERS,
  X: INTEGERS,
  c: INTEGERS,
  r: BUFFERS,
  rx: BUFFERS,
  rh: BUFFERS,
  s: [],
  p: INTEGERS,
  gr: INTEGERS,
};

/** Why the arguments do not suit the format; undefined when they do. */
export function formatProblem(format: string, args: readonly (Typing | undefined)[]): string | undefined {
  const specs = formatSpecs(format);
  const counts = `(${args.length} supplied, ${specs.length} expected)`;
  if (args.length < specs.length) return `not enough arguments for format string ${counts}`;
  if (args.length > specs.length) return `too many arguments for format string ${counts}`;
  for (const [index, spec] of specs.entries()) {
    const problem = argumentProblem(spec, args[index]);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function argumentProblem({ specifier }: FormatSpec, argument: Typing | undefined): string | undefined {
  if (argument === undefined || argument.type.kind === 'void') {
    return `unable to print none type for specifier: ${specifier}`;
  }
  const accepted = ACCEPTED[specifier];
  if (accepted === undefined) return `unsupported format specifier: ${specifier}`;
  if (accepted.length === 0 || accepted.includes(argument.type.kind)) return undefined;
  return `unsupported format specifier for type '${typeName(argument.type)}': ${specifier}`;
}
