import { demangle, withoutParameters } from '../btf/cxx/demangle.ts';
import type { AttachTarget } from '../lang/attach-target.ts';
import { describe } from './attach-points.ts';
import { placeName } from './attach-point-parts.ts';
import type { ParsedAttachPoint, PassContext } from './context.ts';
import { matchesPattern } from '../lang/name-pattern.ts';
import { findUserFiles } from './user-files.ts';

/** What bpftrace calls the kernel itself among the modules. */
const KERNEL = 'vmlinux';

/** The places that an attach point means; empty when the machine has none. */
export function matchAttachPoint(parsed: ParsedAttachPoint, context: PassContext): readonly ParsedAttachPoint[] {
  const { target } = parsed;
  const { names, target: machine } = context;
  const found = (targets: readonly AttachTarget[]): readonly ParsedAttachPoint[] =>
    targets.map((match) => describe(parsed.kind, [parsed.kind, ...targetParts(match)], match));
  const [, ...parts] = parsed.parts;
  switch (parsed.kind) {
    case 'kprobe':
    case 'kretprobe': {
      const kind = parsed.kind;
      if (target?.kind === 'kprobe' && target.address !== undefined) return [parsed];
      const module = parts.length === 2 ? parts[0]! : undefined;
      const name = target !== undefined && 'function' in target ? target.function : parts[parts.length - 1]!;
      const matches = names.functions
        .matching(name)
        .filter((candidate) => module === undefined || matchesPattern(candidate.module, module));
      if (target !== undefined) return matches.length > 0 ? [parsed] : [];
      return found(
        matches.map((match) => {
          const inModule = module === undefined ? {} : { module: match.module };
          return kind === 'kprobe'
            ? { kind, function: match.name, offset: 0, ...inModule }
            : { kind, function: match.name, ...inModule };
        }),
      );
    }
    case 'fentry':
    case 'fexit': {
      const kind = parsed.kind;
      const module = parts.length === 2 ? parts[0]! : '*';
      const name = parts[parts.length - 1]!;
      return found(
        names.functions
          .matching(name)
          .filter((candidate) => matchesPattern(candidate.module, module))
          .filter((candidate) => machine.types.function(candidate.name) !== undefined)
          .map((match) => ({ kind, function: match.name, module: match.module })),
      );
    }
    case 'tracepoint': {
      const [category, name] = parts.length === 1 ? ['*', parts[0]!] : (parts as [string, string]);
      return found(
        names.tracepoints
          .matching(name!)
          .filter((candidate) => matchesPattern(candidate.category, category!))
          .map((match) => ({ kind: 'tracepoint', category: match.category, name: match.name })),
      );
    }
    case 'rawtracepoint': {
      const [module, name] = parts as [string, string];
      // All raw tracepoints of the machine belong to the kernel itself.
      if (!matchesPattern(KERNEL, module)) return [];
      const tracepoints = machine.rawTracepoints().filter((candidate) => matchesPattern(candidate, name));
      const matches = found(tracepoints.map((match) => ({ kind: 'rawtracepoint', name: match })));
      return target === undefined ? matches : matches.length > 0 ? [parsed] : [];
    }
    case 'uprobe':
    case 'uretprobe': {
      const kind = parsed.kind;
      if (target !== undefined && 'address' in target && target.address !== undefined) return [parsed];
      const name = target !== undefined && 'function' in target ? target.function : parts[parts.length - 1]!;
      const files = findUserFiles(parts[0]!, context);
      return found(
        (parts[0]!.includes('*') ? files : files.slice(0, 1)).flatMap((path) => {
          const symbols = machine.userFile(path)?.symbols ?? [];
          const isCpp = parts.length === 3 && parts[1] === 'cpp';
          const matches = symbols.filter(
            (symbol) => matchesPattern(symbol.name, name) || (isCpp && matchesDeclaration(symbol.name, name)),
          );
          const found = target?.kind === kind ? target : { offset: 0, ...(context.unsafe ? { unchecked: true } : {}) };
          const { offset, unchecked } = found as { readonly offset: number; readonly unchecked?: true };
          return matches.map((match) => ({
            kind,
            path,
            function: match.name,
            offset,
            ...(unchecked === undefined ? {} : { unchecked }),
            ...(isCpp ? { language: 'cpp' as const } : {}),
          }));
        }),
      );
    }
    case 'usdt':
      return found(staticProbes(parts, context));
    default:
      return target === undefined ? [] : [parsed];
  }
}

/** By the name that C++ knows; parameters count where the pattern has some. */
function matchesDeclaration(symbol: string, pattern: string): boolean {
  const declaration = demangle(symbol);
  if (declaration === undefined) return false;
  return matchesPattern(pattern.includes('(') ? declaration : withoutParameters(declaration), pattern);
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
      return [KERNEL, target.name];
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
