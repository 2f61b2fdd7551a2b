import { KERNEL_MODULE, type AttachTarget } from '../lang/attach-target.ts';
import { matchesDeclaration, matchesPattern } from '../lang/name-pattern.ts';
import type { ProbeKind } from '../lang/probes.ts';
import { describe } from './attach-points.ts';
import { placeName } from './attach-point-parts.ts';
import type { ParsedAttachPoint, PassContext } from './context.ts';
import { findUserFiles } from './user-files.ts';

/** The places of one kind that the parts behind it mean; `target` is what the attach point says without wildcards. */
type Match = (
  parts: readonly string[],
  target: AttachTarget | undefined,
  context: PassContext,
) => readonly AttachTarget[];

/** Kinds whose places are looked up by name: all others are as the script says. */
const MATCHES: Partial<Record<ProbeKind, Match>> = {
  kprobe: (parts, target, context) =>
    kernelFunctions(parts, target, context).map((place) => ({ kind: 'kprobe', offset: 0, ...place })),
  kretprobe: (parts, target, context) =>
    kernelFunctions(parts, target, context).map((place) => ({ kind: 'kretprobe', ...place })),
  fentry: (parts, _target, context) => tracedFunctions(parts, context).map((place) => ({ kind: 'fentry', ...place })),
  fexit: (parts, _target, context) => tracedFunctions(parts, context).map((place) => ({ kind: 'fexit', ...place })),
  tracepoint: (parts, _target, { names }) => {
    const [category, name] = parts.length === 1 ? ['*', parts[0]!] : (parts as [string, string]);
    return names.tracepoints
      .matching(name)
      .filter((candidate) => matchesPattern(candidate.category, category))
      .map((match) => ({ kind: 'tracepoint', category: match.category, name: match.name }));
  },
  rawtracepoint: ([module, name], _target, { target: machine }) =>
    // All raw tracepoints of the machine belong to the kernel itself.
    matchesPattern(KERNEL_MODULE, module!)
      ? machine
          .rawTracepoints()
          .filter((candidate) => matchesPattern(candidate, name!))
          .map((match) => ({ kind: 'rawtracepoint', name: match }))
      : [],
  uprobe: (parts, target, context) =>
    userFunctions(parts, target, context).map((place) => ({ kind: 'uprobe', ...place })),
  uretprobe: (parts, target, context) =>
    userFunctions(parts, target, context).map((place) => ({ kind: 'uretprobe', ...place })),
  usdt: (parts, _target, context) => staticProbes(parts, context),
};
/** Kinds whose places stay as the script says when there is one: they are only looked up to see that it is there. */
const KEPT: ReadonlySet<ProbeKind> = new Set(['kprobe', 'kretprobe', 'rawtracepoint']);

/** The places that an attach point means; empty when the machine has none. */
export function matchAttachPoint(parsed: ParsedAttachPoint, context: PassContext): readonly ParsedAttachPoint[] {
  const { kind, target } = parsed;
  const match = MATCHES[kind];
  if (match === undefined) return target === undefined ? [] : [parsed];
  if (target !== undefined && 'address' in target && target.address !== undefined) return [parsed];
  const found = match(parsed.parts.slice(1), target, context);
  if (target !== undefined && KEPT.has(kind)) return found.length > 0 ? [parsed] : [];
  return found.map((place) => describe(kind, [kind, ...targetParts(place)], place));
}

/** The function that an attach point names, without the offset that may stand behind it. */
const functionOf = (parts: readonly string[], target: AttachTarget | undefined): string =>
  target !== undefined && 'function' in target ? target.function : parts[parts.length - 1]!;

/** `[MODULE:]FUNCTION`: the module is said again only where the script says one. */
function kernelFunctions(
  parts: readonly string[],
  target: AttachTarget | undefined,
  { names }: PassContext,
): readonly { readonly function: string; readonly module?: string }[] {
  const module = parts.length === 2 ? parts[0]! : undefined;
  return names.functions
    .matching(functionOf(parts, target))
    .filter((candidate) => module === undefined || matchesPattern(candidate.module, module))
    .map((match) => ({ function: match.name, ...(module === undefined ? {} : { module: match.module }) }));
}

/** `[MODULE:]FUNCTION` whose prototype the machine's BTF knows. */
function tracedFunctions(
  parts: readonly string[],
  { names, target: machine }: PassContext,
): readonly { readonly function: string; readonly module: string }[] {
  const module = parts.length === 2 ? parts[0]! : '*';
  return names.functions
    .matching(parts[parts.length - 1]!)
    .filter((candidate) => matchesPattern(candidate.module, module))
    .filter((candidate) => machine.types.function(candidate.name) !== undefined)
    .map((match) => ({ function: match.name, module: match.module }));
}

type UserPlace = Omit<Extract<AttachTarget, { readonly kind: 'uprobe' | 'uretprobe' }>, 'kind'>;

/** `PATH:[cpp:]FUNCTION` with wildcards; without them, in the first of the files that the path means. */
function userFunctions(
  parts: readonly string[],
  target: AttachTarget | undefined,
  context: PassContext,
): readonly UserPlace[] {
  const name = functionOf(parts, target);
  const isCpp = parts.length === 3 && parts[1] === 'cpp';
  const { offset, unchecked } =
    target !== undefined && 'offset' in target
      ? (target as UserPlace)
      : { offset: 0, ...(context.unsafe ? { unchecked: true as const } : {}) };
  const files = findUserFiles(parts[0]!, context);
  return (parts[0]!.includes('*') ? files : files.slice(0, 1)).flatMap((path) =>
    (context.target.userFile(path)?.symbols ?? [])
      .filter((symbol) => matchesPattern(symbol.name, name) || (isCpp && matchesDeclaration(symbol.name, name)))
      .map((match) => ({
        path,
        function: match.name,
        offset,
        ...(unchecked === undefined ? {} : { unchecked }),
        ...(isCpp ? { language: 'cpp' as const } : {}),
      })),
  );
}

/** `PATH:[PROVIDER:]NAME` with wildcards in any of them; without a path, in whatever the process has mapped. */
function staticProbes(parts: readonly string[], context: PassContext): readonly AttachTarget[] {
  const path = parts[0] === '' ? '*' : parts[0]!;
  const name = parts[parts.length - 1]!;
  const provider = parts.length === 3 && parts[1] !== '' ? parts[1]! : '*';
  const targets = new Map<string, AttachTarget>();
  for (const file of findUserFiles(path, context)) {
    for (const place of context.target.userFile(file)?.usdt ?? []) {
      if (!matchesPattern(place.provider, provider) || !matchesPattern(place.name, name)) continue;
      const key = `${file}:${place.provider}:${place.name}`;
      targets.set(key, { kind: 'usdt', path: file, provider: place.provider, name: place.name });
    }
  }
  return [...targets.keys()].sort().map((key) => targets.get(key)!);
}

function targetParts(target: AttachTarget): readonly string[] {
  switch (target.kind) {
    case 'kprobe':
    case 'kretprobe':
      return target.module === undefined ? [target.function] : [target.module, target.function];
    case 'fentry':
    case 'fexit':
      return [target.module, target.function];
    case 'tracepoint':
      return [target.category, target.name];
    case 'rawtracepoint':
      return [KERNEL_MODULE, target.name];
    case 'uprobe':
    case 'uretprobe':
      return [
        target.path,
        ...(target.language === undefined ? [] : [target.language]),
        placeName(target.function, target.offset),
      ];
    case 'usdt':
      return [target.path, target.provider, target.name];
    default:
      return [];
  }
}
