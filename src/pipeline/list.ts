import { ITERATOR_NAMES } from '../abi/iterators.ts';
import { printType } from '../btf/print.ts';
import type { CType, FunctionProtoType } from '../btf/types.ts';
import { demangle } from '../btf/cxx/demangle.ts';
import { KERNEL_MODULE, type AttachTarget } from '../lang/attach-target.ts';
import { PROBES, type ProbeKind } from '../lang/probes.ts';
import { perfEventNames } from '../lang/perf-events.ts';
import type { Target } from '../lang/target.ts';
import { matchesDeclaration, matchesPattern } from '../lang/name-pattern.ts';

/** One line of -l; its parameters are the indented lines of -lv. */
export interface ListedProbe {
  readonly name: string;
  readonly parameters: () => readonly string[];
}

/** What may stand behind a kind's name and colon: patterns are compared with it. */
interface Candidate {
  readonly text: string;
  /** Of a function of a program, which `FILE:cpp:NAME` finds by how it is declared. */
  readonly symbol?: { readonly path: string; readonly name: string };
  readonly parameters: () => readonly string[];
}

/** Fields that the kernel puts in front of every tracepoint record; bpftrace leaves them out. */
const COMMON_FIELD = /^common_/;
const NONE = (): readonly string[] => [];

const parameter = (name: string, type: CType): string => `${printType(type)} ${name}`;

function functionParameters(target: Target, name: string, withResult: boolean): readonly string[] {
  return prototypeParameters(target.types.function(name), withResult);
}

function prototypeParameters(prototype: FunctionProtoType | undefined, withResult: boolean): readonly string[] {
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

/** Units of interval and profile; how often is left open. */
const TIME_UNITS = ['hz', 'ms', 's', 'us'] as const;
const openEnded = (names: readonly string[]) => (): readonly Candidate[] =>
  names.map((name) => ({ text: `${name}:`, parameters: NONE }));

/** Without a module in the pattern, functions are listed without theirs. */
const kernelFunctions =
  (withResult: boolean) =>
  (target: Target, place: string | undefined): readonly Candidate[] =>
    target.functions().map(({ name, module }) => ({
      text: place === undefined ? name : `${module}:${name}`,
      parameters: () => functionParameters(target, name, withResult),
    }));

const tracedFunctions =
  (withResult: boolean) =>
  (target: Target): readonly Candidate[] =>
    target.functions().map(({ name, module }) => ({
      text: `${module}:${name}`,
      parameters: () => functionParameters(target, name, withResult),
    }));

function filesAt(target: Target, place: string): readonly string[] {
  if (!place.includes('*')) return [place];
  return target.userFiles().filter((path) => matchesPattern(path, place));
}

const CPP = ':cpp:';

function matchesCpp({ text, symbol }: Candidate, pattern: string): boolean {
  const at = pattern.indexOf(CPP);
  const [place, name] = [pattern.slice(0, at), pattern.slice(at + CPP.length).replace(/^"(.*)"$/, '$1')];
  if (matchesPattern(text, `${place}:${name}`)) return true;
  return symbol !== undefined && matchesPattern(symbol.path, place) && matchesDeclaration(symbol.name, name);
}
/** Declarations are quoted, so that the line can be used as an attach point. */
function cppText({ text, symbol }: Candidate): string {
  if (symbol === undefined) return text;
  const declaration = demangle(symbol.name);
  return `${symbol.path}${CPP}${declaration === undefined ? symbol.name : `"${declaration}"`}`;
}

const userFunctions =
  (withResult: boolean) =>
  (target: Target, place = '*'): readonly Candidate[] =>
    filesAt(target, place).flatMap((path) => {
      const file = target.userFile(path);
      return (file?.symbols ?? []).map(({ name }) => ({
        text: `${path}:${name}`,
        symbol: { path, name },
        // As bpftrace spells what debugging information says.
        parameters: () =>
          prototypeParameters(file?.prototype(name), withResult).map((text) => text.replace(/ (\*+)/g, '$1')),
      }));
    });

function staticProbes(target: Target, place = '*'): readonly Candidate[] {
  return filesAt(target, place).flatMap((path) => {
    const names = (target.userFile(path)?.usdt ?? []).map(({ provider, name }) => `${path}:${provider}:${name}`);
    return [...new Set(names)].map((text) => ({ text, parameters: NONE }));
  });
}

/** What each kind can attach to. `place` is the module, category or file of a pattern that has one. */
const CANDIDATES: Record<ProbeKind, (target: Target, place: string | undefined) => readonly Candidate[]> = {
  kprobe: kernelFunctions(false),
  kretprobe: kernelFunctions(true),
  fentry: tracedFunctions(false),
  fexit: tracedFunctions(true),
  tracepoint: (target) =>
    target.tracepoints().map(({ category, name }) => ({
      text: `${category}:${name}`,
      parameters: () => tracepointParameters(target, category, name),
    })),
  rawtracepoint: (target) =>
    target.rawTracepoints().map((name) => ({
      text: `${KERNEL_MODULE}:${name}`,
      parameters: () => (target.rawTracepoint(name) ?? []).map(({ name, type }) => parameter(name, type)),
    })),
  software: openEnded(perfEventNames('software')),
  hardware: openEnded(perfEventNames('hardware')),
  interval: openEnded(TIME_UNITS),
  profile: openEnded(TIME_UNITS),
  iter: () => ITERATOR_NAMES.map((name) => ({ text: name, parameters: NONE })),
  uprobe: userFunctions(false),
  uretprobe: userFunctions(true),
  self: () => [{ text: 'signal:SIGUSR1', parameters: NONE }],
  usdt: staticProbes,
  watchpoint: () => [],
  begin: () => [],
  end: () => [],
  test: () => [],
  bench: () => [],
};

/** Kinds whose names are `PLACE:NAME` even where a pattern leaves the place out. */
const PLACED: ReadonlySet<ProbeKind> = new Set([
  'tracepoint',
  'rawtracepoint',
  'fentry',
  'fexit',
  'uprobe',
  'uretprobe',
  'usdt',
]);
/** Kinds that are listed without how often they fire. */
const OPEN_ENDED: ReadonlySet<ProbeKind> = new Set(['software', 'hardware', 'interval', 'profile']);
/** Kinds that only patterns with a file of their own look through. */
const IN_FILES: readonly ProbeKind[] = ['uprobe', 'usdt'];

const KINDS = Object.keys(PROBES) as ProbeKind[];
const isPattern = (text: string): boolean => text.includes('*');

/** Kinds that the first part of a pattern means. */
function kindsOf(
  target: Target,
  [first = '', place = '']: readonly string[],
  withFiles: boolean,
): readonly ProbeKind[] {
  if (!isPattern(first))
    return KINDS.filter((kind) => kind === first || (PROBES[kind].aliases as readonly string[]).includes(first));
  const hasFile =
    withFiles || (place.includes('/') && filesAt(target, place).some((path) => target.userFile(path) !== undefined));
  return KINDS.filter(
    (kind) => PROBES[kind].listed && (hasFile || !IN_FILES.includes(kind)) && matchesPattern(kind, first),
  ).sort();
}

/** Probes of one kind that match `PLACE:NAME` or `NAME`, in the order of their names. */
function listKind(target: Target, kind: ProbeKind, pattern: string): readonly ListedProbe[] {
  const colon = pattern.indexOf(':');
  const place = colon < 0 || OPEN_ENDED.has(kind) ? undefined : pattern.slice(0, colon);
  const whole = place === undefined && PLACED.has(kind) ? `*:${pattern}` : pattern;
  const isCpp = (kind === 'uprobe' || kind === 'uretprobe') && whole.includes(CPP);
  return CANDIDATES[kind](target, place)
    .filter((candidate) => (isCpp ? matchesCpp(candidate, whole) : matchesPattern(candidate.text, whole)))
    .map((candidate) => ({
      name: `${kind}:${isCpp ? cppText(candidate) : candidate.text}`,
      parameters: candidate.parameters,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Probes that match a search pattern such as `tracepoint:syscalls:*`, `*sleep*` or `vfs_read`. */
export function listProbes(target: Target, search: string, withFiles = false): readonly ListedProbe[] {
  const pattern = search === '' ? '*:*' : search.includes(':') ? search : `*:${search}`;
  const parts = pattern.split(':');
  const rest = parts.slice(1).join(':');
  return kindsOf(target, parts, withFiles).flatMap((kind) => listKind(target, kind, rest === '' ? '*' : rest));
}

/** Probes of the tracer itself: a script's have nothing to list. */
const OWN: ReadonlySet<ProbeKind> = new Set(['begin', 'end', 'self']);

/** What an attach point of a script attaches to. */
export function listAttachPoint(target: Target, attach: AttachTarget, name: string): readonly ListedProbe[] {
  if (OWN.has(attach.kind)) return [];
  const parts = name.split(':');
  // How often or when is left open in a list.
  const pattern = OPEN_ENDED.has(attach.kind) ? `${parts[1]!}:` : parts.slice(1).join(':');
  const names = 'functions' in attach && attach.functions !== undefined ? attach.functions : undefined;
  const patterns = names === undefined ? [pattern] : names.map((one) => [...parts.slice(1, -1), one].join(':'));
  const listed = patterns.flatMap((one) => listKind(target, attach.kind, one));
  return listed.length > 0 ? listed : [{ name, parameters: NONE }];
}

/** `struct NAME`, `union NAME`, `enum NAME` (wildcards allowed) that the machine's kernel has; with bodies when verbose. */
export function listTypes(
  target: Target,
  search: string,
  print: (kind: 'struct' | 'union' | 'enum', name: string) => string,
): readonly string[] | undefined {
  const match = /^(struct|union|enum)\s+(\S+)$/.exec(search);
  if (match === null) return undefined;
  const kind = match[1] as 'struct' | 'union' | 'enum';
  const pattern = match[2]!;
  return [...target.types.names(kind)]
    .filter((name) => matchesPattern(name, pattern))
    .sort()
    .map((name) => print(kind, name));
}
