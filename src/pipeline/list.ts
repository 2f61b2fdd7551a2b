import { printType } from '../btf/print.ts';
import type { CType } from '../btf/types.ts';
import { PROBES, type ProbeKind } from '../lang/probes.ts';
import type { Target } from '../lang/target.ts';

/** One line of -l; its parameters are the indented lines of -lv. */
export interface ListedProbe {
  readonly name: string;
  readonly parameters: () => readonly string[];
}

type ListedKind = { [K in ProbeKind]: (typeof PROBES)[K]['listed'] extends true ? K : never }[ProbeKind];

/** Fields that the kernel puts in front of every tracepoint record; bpftrace leaves them out. */
const COMMON_FIELD = /^common_/;
const NONE = (): readonly string[] => [];

const parameter = (name: string, type: CType): string => `${printType(type)} ${name}`;

function functionParameters(target: Target, name: string, withResult: boolean): readonly string[] {
  const prototype = target.types.function(name);
  if (prototype === undefined) return [];
  const lines = prototype.parameters.map(({ name, type }) => parameter(name, type));
  return withResult && prototype.returns.kind !== 'void' ? [...lines, parameter('retval', prototype.returns)] : lines;
}

function tracepointParameters(target: Target, category: string, name: string): readonly string[] {
  const record = target.tracepointRecord(category, name);
  return (record?.members ?? [])
    .filter((member) => !COMMON_FIELD.test(member.name))
    .map(({ name, type }) => parameter(name, type));
}

/** Events that perf knows by name; listed as attach points whose count is left open. */
const SOFTWARE_EVENTS = [
  'alignment-faults',
  'bpf-output',
  'context-switches',
  'cpu',
  'cpu-clock',
  'cpu-migrations',
  'cs',
  'dummy',
  'emulation-faults',
  'faults',
  'major-faults',
  'minor-faults',
  'page-faults',
  'task-clock',
] as const;
const HARDWARE_EVENTS = [
  'backend-stalls',
  'branch-instructions',
  'branch-misses',
  'branches',
  'bus-cycles',
  'cache-misses',
  'cache-references',
  'cpu-cycles',
  'cycles',
  'frontend-stalls',
  'instructions',
  'ref-cycles',
] as const;
const ITERATORS = ['task', 'task_file', 'task_vma'] as const;

const LISTERS: Record<ListedKind, (target: Target, pattern: readonly string[]) => readonly ListedProbe[]> = {
  kprobe: (target) =>
    target
      .functions()
      .map(({ name }) => ({ name: `kprobe:${name}`, parameters: () => functionParameters(target, name, false) })),
  fentry: (target) =>
    target.functions().map(({ name, module }) => ({
      name: `fentry:${module}:${name}`,
      parameters: () => functionParameters(target, name, true),
    })),
  tracepoint: (target) =>
    target.tracepoints().map(({ category, name }) => ({
      name: `tracepoint:${category}:${name}`,
      parameters: () => tracepointParameters(target, category, name),
    })),
  rawtracepoint: (target) =>
    target.rawTracepoints().map((name) => ({
      name: `rawtracepoint:vmlinux:${name}`,
      parameters: () => (target.rawTracepoint(name) ?? []).map(({ name, type }) => parameter(name, type)),
    })),
  software: () => SOFTWARE_EVENTS.map((event) => ({ name: `software:${event}:`, parameters: NONE })),
  hardware: () => HARDWARE_EVENTS.map((event) => ({ name: `hardware:${event}:`, parameters: NONE })),
  iter: () => ITERATORS.map((name) => ({ name: `iter:${name}`, parameters: NONE })),
  uprobe: (target, pattern) => userProbes('uprobe', target, pattern),
  // Images with USDT notes are not part of the machine's files, so there is nothing to list.
  usdt: () => [],
};

function userProbes(kind: 'uprobe', target: Target, pattern: readonly string[]): readonly ListedProbe[] {
  const path = pattern[1] ?? '';
  return (target.userSymbols(path) ?? []).map(({ name }) => ({ name: `${kind}:${path}:${name}`, parameters: NONE }));
}

/** A `*` and `?` pattern as bpftrace matches it: over the whole text, case-sensitive. */
export function wildcard(pattern: string): RegExp {
  const escaped = pattern.replace(/[\\^$.|+()[\]{}]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}

function probeKind(name: string): ProbeKind | undefined {
  const kinds = Object.keys(PROBES) as ProbeKind[];
  return kinds.find((kind) => kind === name || (PROBES[kind].aliases as readonly string[]).includes(name));
}

const isListed = (kind: ProbeKind): kind is ListedKind => PROBES[kind].listed;
/** Return probes list what their entry probes do. */
const LISTED_AS: { readonly [K in ProbeKind]?: ListedKind } = {
  kretprobe: 'kprobe',
  fexit: 'fentry',
  uretprobe: 'uprobe',
};

/** Fills in the parts that a short pattern leaves out: `kprobe` is `kprobe:*`, `*sleep*` is any kind of that name. */
function normalise(pattern: string): readonly string[] {
  const parts = pattern.trim().split(':');
  if (parts.length > 1) return parts[1] === '' ? [parts[0]!, '*'] : parts;
  return probeKind(parts[0]!) === undefined ? ['*', parts[0] === '' ? '*' : parts[0]!] : [parts[0]!, '*'];
}

/** Probes that match a search pattern such as `tracepoint:syscalls:*`, `*sleep*` or `kprobe:vfs_*,kprobe:ksys_*`. */
export function listProbes(target: Target, search: string): readonly ListedProbe[] {
  return search.split(',').flatMap((text) => {
    const parts = normalise(text);
    const exact = probeKind(parts[0]!);
    const kindPattern = wildcard(parts[0]!);
    const kinds =
      exact === undefined
        ? (Object.keys(LISTERS) as ListedKind[]).filter((kind) => kindPattern.test(kind)).sort()
        : [exact];
    return kinds.flatMap((kind) => {
      const lister = isListed(kind) ? kind : LISTED_AS[kind];
      if (lister === undefined) return [];
      const matches = wildcard(
        parts.length === 2
          ? `${kind}:*${parts[1] === '*' ? '' : `:${parts[1]}`}`
          : `${kind}:${parts.slice(1).join(':')}`,
      );
      const direct = wildcard(`${kind}:${parts.slice(1).join(':')}`);
      return LISTERS[lister](target, parts)
        .map((probe) => (lister === kind ? probe : { ...probe, name: kind + probe.name.slice(lister.length) }))
        .filter(({ name }) => matches.test(name) || direct.test(name))
        .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    });
  });
}

/** `struct NAME`, `union NAME`, `enum NAME` (wildcards allowed) that the machine's kernel has; with bodies when verbose. */
export function listTypes(
  target: Target,
  search: string,
  print: (kind: 'struct' | 'union' | 'enum', name: string) => string,
): readonly string[] | undefined {
  const match = /^(struct|union|enum)\s+(\S+)$/.exec(search.trim());
  if (match === null) return undefined;
  const kind = match[1] as 'struct' | 'union' | 'enum';
  const matches = wildcard(match[2]!);
  return [...target.types.names(kind)]
    .filter((name) => matches.test(name))
    .sort()
    .map((name) => print(kind, name));
}
