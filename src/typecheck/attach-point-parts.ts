import { KERNEL_MODULE, type AttachTarget } from '../lang/attach-target.ts';
import type { ProbeKind } from '../lang/probes.ts';
import type { PassContext } from './context.ts';
import { readInteger } from './integer-text.ts';

/** What the parts of an attach point mean, or what is wrong with them. */
export type Parsed =
  /** `parts` where the probe's name has others than the script. */
  { readonly target: AttachTarget | undefined; readonly parts?: readonly string[] } | { readonly problem: string };
type PartsParser = (parts: readonly string[], context: PassContext, kind: ProbeKind) => Parsed;

/** Languages whose names are mangled, as bpftrace 0.27 knows them. */
export const LANGUAGES: ReadonlySet<string> = new Set(['cpp']);
/** Stands between the parts of `uprobe:TARGET@FILE:LINE`. */
export const LOCATION_MARK = '@';

export function hasWildcard(text: string): boolean {
  return text.includes('*') || (text.includes('[') && text.includes(']'));
}

/** Reads the parts behind a probe's kind. */
export function parseParts(kind: ProbeKind, parts: readonly string[], context: PassContext): Parsed {
  return PARSERS[kind](parts, context, kind);
}

const PARSERS: Readonly<Record<ProbeKind, PartsParser>> = {
  begin: (parts, _context, kind) => special(parts, kind),
  end: (parts, _context, kind) => special(parts, kind),
  self: (parts, _context, kind) => {
    if (parts.length !== 2) return countProblem(kind, '2', parts);
    return { target: { kind: 'self', signal: parts[1]! } };
  },
  test: (parts, _context, kind) => named(parts, kind as 'test'),
  bench: (parts, _context, kind) => named(parts, kind as 'bench'),
  kprobe: (parts, context, kind) => kernelFunction(parts, context, kind as 'kprobe'),
  kretprobe: (parts, context, kind) => kernelFunction(parts, context, kind as 'kretprobe'),
  fentry: (parts, context, kind) => tracedFunction(parts, context, kind as 'fentry'),
  fexit: (parts, context, kind) => tracedFunction(parts, context, kind as 'fexit'),
  tracepoint: (parts, _context, kind) => {
    if (parts.length === 1 && hasWildcard(parts[0]!)) return { target: undefined };
    if (parts.length !== 2) return countProblem(kind, '2', parts);
    const [category, name] = parts as [string, string];
    if (hasWildcard(category) || hasWildcard(name)) return { target: undefined };
    return { target: { kind: 'tracepoint', category, name } };
  },
  rawtracepoint: (parts, _context, kind) => {
    if (parts.length !== 1 && parts.length !== 2) return countProblem(kind, '2 or 1', parts);
    // Old scripts name no module: any will do.
    const [module, name] = parts.length === 2 ? (parts as [string, string]) : ['*', parts[0]!];
    if (hasWildcard(module) || hasWildcard(name)) return { target: undefined, parts: [module, name] };
    return { target: { kind: 'rawtracepoint', name } };
  },
  uprobe: (parts, context, kind) => userFunction(parts, context, kind as 'uprobe'),
  uretprobe: (parts, context, kind) => userFunction(parts, context, kind as 'uretprobe'),
  usdt: (parts, context, kind) => {
    // With a PID the path may be left out.
    const given = context.pid !== undefined && parts.length === 1 ? ['', ...parts] : parts;
    if (given.length !== 2 && given.length !== 3) return countProblem(kind, '2 or 3', given);
    if (given.some(hasWildcard)) return { target: undefined };
    const [path, ...rest] = given as [string, ...string[]];
    const provider = rest.length === 2 ? rest[0]! : '';
    return { target: { kind: 'usdt', path, provider, name: rest[rest.length - 1]! } };
  },
  profile: (parts, _context, kind) => timer(parts, kind as 'profile'),
  interval: (parts, _context, kind) => timer(parts, kind as 'interval'),
  software: (parts, _context, kind) => event(parts, kind as 'software'),
  hardware: (parts, _context, kind) => event(parts, kind as 'hardware'),
  watchpoint: (parts, _context, kind) => {
    if (parts.length !== 3) return countProblem(kind, '3', parts);
    const [address, length] = [readInteger(parts[0]!), readInteger(parts[1]!)];
    if (typeof address !== 'bigint') return { problem: `Invalid function/address argument: ${address}` };
    if (typeof length !== 'bigint') return { problem: `Invalid length argument: ${length}` };
    return { target: { kind: 'watchpoint', address, length: Number(length), mode: parts[2]! } };
  },
  iter: (parts, _context, kind) => {
    if (parts.length !== 1 && parts.length !== 2) {
      return { problem: `${kind} probe type takes 2 arguments (1 optional)` };
    }
    if (parts.some(hasWildcard)) return { problem: `${kind} probe type does not support wildcards` };
    const [name, pin] = parts as [string, string | undefined];
    return { target: { kind: 'iter', name, ...(pin === undefined ? {} : { pin }) } };
  },
};

function countProblem(kind: ProbeKind, expected: string, parts: readonly string[]): Parsed {
  return { problem: `${kind} probe type requires ${expected} arguments, found ${parts.length}` };
}

function special(parts: readonly string[], kind: ProbeKind): Parsed {
  const rest = parts.length === 1 && parts[0] === '*' ? [] : parts;
  if (rest.length !== 0) return countProblem(kind, '0', rest);
  return { target: { kind: kind as 'begin' | 'end' } };
}

function named(parts: readonly string[], kind: 'test' | 'bench'): Parsed {
  return parts.length === 1 ? { target: { kind, name: parts[0]! } } : countProblem(kind, '1', parts);
}

/** `func`, `func+0x10` or an address. */
function splitOffset(
  text: string,
  allowOffset: boolean,
): { readonly name: string; readonly offset: number } | { readonly problem: string } {
  if (!text.includes('+')) return { name: text, offset: 0 };
  if (!allowOffset) return { problem: 'Offset not allowed' };
  const [name, offset, ...more] = text.split('+');
  if (more.length > 0) return { problem: 'Cannot take more than one offset' };
  if (name === '' || name === undefined || offset === undefined || offset === '') return { problem: 'Invalid offset' };
  const parsed = readInteger(offset);
  return typeof parsed === 'bigint' ? { name, offset: Number(parsed) } : { problem: `Invalid offset: ${parsed}` };
}

/** How probes' names have a place: the offset in decimal, and none for the start. */
export const placeName = (name: string, offset: number): string => (offset === 0 ? name : `${name}+${offset}`);

function kernelFunction(parts: readonly string[], context: PassContext, kind: 'kprobe' | 'kretprobe'): Parsed {
  if (parts.length !== 1 && parts.length !== 2) return countProblem(kind, '1 or 2', parts);
  const text = parts[parts.length - 1]!;
  const module = parts.length === 2 ? { module: parts[0]! } : {};
  const split = splitOffset(text, kind === 'kprobe');
  if ('problem' in split) return split;
  const address = readInteger(text);
  if (typeof address === 'bigint') {
    if (!context.unsafe) return { problem: 'Probing by address requires --unsafe' };
    return kind === 'kprobe'
      ? {
          target: { kind, function: '', offset: 0, address, ...module },
          parts: [...parts.slice(0, -1), String(address)],
        }
      : { target: { kind, function: '', ...module } };
  }
  if (parts.some(hasWildcard)) return { target: undefined };
  if (kind === 'kprobe') {
    const named = [...parts.slice(0, -1), placeName(split.name, split.offset)];
    return { target: { kind, function: split.name, offset: split.offset, ...module }, parts: named };
  }
  return { target: { kind, function: split.name, ...module } };
}

function tracedFunction(parts: readonly string[], context: PassContext, kind: 'fentry' | 'fexit'): Parsed {
  if (parts.length < 1 || parts.length > 3) return countProblem(kind, '1 or 3', parts);
  if (parts[0] === 'bpf') return tracedProgram(parts, kind);
  if (parts.length === 3) return { problem: "Only the 'bpf' variant of this probe supports 4 arguments" };
  if (parts.some(hasWildcard)) return { target: undefined };
  const name = parts[parts.length - 1]!;
  if (parts.length === 2) return { target: { kind, function: name, module: parts[0]! } };
  const modules = context.names.functions.matching(name).map((candidate) => candidate.module);
  if (modules.length > 1) {
    return { problem: `ambiguous attach point, please specify module containing the function '${name}'` };
  }
  return { target: { kind, function: name, module: modules[0] ?? KERNEL_MODULE } };
}

/** `fentry:bpf[:ID]:NAME`: a BPF program of the kernel, of which the machine runs none but ours. */
function tracedProgram(parts: readonly string[], kind: 'fentry' | 'fexit'): Parsed {
  if (parts.length === 1) {
    return {
      problem: "the 'bpf' variant of this probe requires a bpf program name and optional bpf program id",
    };
  }
  if (parts.length === 3 && parts[1] !== '*' && typeof readInteger(parts[1]!) !== 'bigint') {
    return { problem: "bpf program id must be a number or '*'" };
  }
  const name = parts[parts.length - 1]!;
  return { target: hasWildcard(name) ? undefined : { kind, function: name, module: 'bpf' } };
}

function userFunction(given: readonly string[], context: PassContext, kind: 'uprobe' | 'uretprobe'): Parsed {
  const parts = withExecutable(given, context);
  if (parts[1] === LOCATION_MARK) return sourceLocation(parts, context, kind);
  if (parts.length !== 2 && parts.length !== 3) return countProblem(kind, '2 or 3', parts);
  const path = libraryPath(parts[0]!, context);
  const text = parts[parts.length - 1]!;
  const split = splitOffset(text, kind === 'uprobe');
  if ('problem' in split) return split;
  const names = [path, ...parts.slice(1)];
  const unchecked = context.unsafe ? ({ unchecked: true } as const) : {};
  const address = readInteger(text);
  if (typeof address === 'bigint') {
    if (hasWildcard(path)) return { problem: 'Cannot use wildcards with absolute address' };
    const numbered = [...names.slice(0, -1), String(address)];
    return { target: { kind, path, function: '', offset: 0, address, ...unchecked }, parts: numbered };
  }
  // A name of C++ stands for all functions that are overloaded under it.
  const isMangled = parts.length === 3 && LANGUAGES.has(parts[1]!);
  if (isMangled || hasWildcard(path) || hasWildcard(text)) return { target: undefined, parts: names };
  return {
    target: { kind, path, function: split.name, offset: split.offset, ...unchecked },
    parts: [...names.slice(0, -1), placeName(split.name, split.offset)],
  };
}

/** `libc` is the machine's C library: the first file `libc.so` or `libc.so.N`. */
function libraryPath(path: string, context: PassContext): string {
  if (!path.startsWith('lib') || hasWildcard(path)) return path;
  const isLibrary = (file: string): boolean => {
    const name = file.slice(file.lastIndexOf('/') + 1);
    return name === path || name.startsWith(`${path}.so`);
  };
  return context.target.userFiles().find(isLibrary) ?? path;
}

/** With a PID the path may be left out: it is the process's executable. */
function withExecutable(parts: readonly string[], { pid, target }: PassContext): readonly string[] {
  const isNameOnly = parts.length === 1 || (parts.length === 2 && LANGUAGES.has(parts[0]!));
  return pid === undefined || !isNameOnly ? parts : [target.processFiles(pid)?.[0] ?? '', ...parts];
}

function sourceLocation(parts: readonly string[], context: PassContext, kind: 'uprobe' | 'uretprobe'): Parsed {
  const [given = '', , file, line, column] = parts;
  const path = libraryPath(given, context);
  if (kind === 'uretprobe') return { problem: 'Source code location not allowed' };
  if (hasWildcard(path)) return { problem: 'Cannot use wildcards with source code location' };
  if (!file || !line || parts.length > 5) {
    return { problem: 'Invalid uprobe arguments, expected format: uprobe:TARGET@FILE:LINE[:COL]' };
  }
  const lineNumber = readInteger(line);
  if (typeof lineNumber !== 'bigint') return { problem: `Invalid line number: ${lineNumber}` };
  const columnNumber = column === undefined ? 0n : readInteger(column);
  if (typeof columnNumber !== 'bigint') return { problem: `Invalid column number: ${columnNumber}` };
  const lineAddress = context.target.userFile(path)?.lineAddress;
  if (lineAddress === undefined) {
    const missing = path === '' ? 'Unspecified target binary' : `No DWARF debug info found for '${path}'`;
    return { problem: `${missing}, cannot attach by source code location.` };
  }
  const found = lineAddress(file, Number(lineNumber), Number(columnNumber));
  if (typeof found === 'string') return { problem: `DWARF error: ${found}` };
  const unchecked = context.unsafe ? ({ unchecked: true } as const) : {};
  return {
    target: { kind, path, function: '', offset: 0, address: BigInt(found), ...unchecked },
    parts: [path, String(found)],
  };
}

/** Nanoseconds in a unit of time; `hz` is a rate. */
export const TIME_UNITS: Readonly<Record<string, number>> = { s: 1e9, ms: 1e6, us: 1e3, hz: 0 };

const SHORTEST_PERIOD_NS = 1000n;

function timer(parts: readonly string[], kind: 'profile' | 'interval'): Parsed {
  if (parts.length === 1) {
    if (hasWildcard(parts[0]!)) return { target: undefined };
    const ns = readInteger(parts[0]!);
    if (typeof ns !== 'bigint') return { problem: `Invalid rate of ${kind} probe: ${ns}` };
    if (ns < SHORTEST_PERIOD_NS) {
      return { problem: `Invalid rate of ${kind} probe. Minimum is 1000 or 1us. Found: ${ns} nanoseconds` };
    }
    // bpftrace knows the probe by its microseconds from then on.
    const microseconds = Number(ns / 1000n);
    return { target: { kind, periodNs: microseconds * 1000 }, parts: ['us', String(microseconds)] };
  }
  if (parts.length !== 2) return countProblem(kind, '1 or 2', parts);
  const [unit, text] = parts as [string, string];
  const rate = readInteger(text);
  if (typeof rate !== 'bigint') return { problem: `Invalid rate of ${kind} probe: ${rate}` };
  const count = narrowed(rate);
  if (unit === 'hz') return { target: { kind, frequency: count } };
  // An unknown unit is reported by the checks, which see the parts.
  return { target: { kind, periodNs: count * (Object.hasOwn(TIME_UNITS, unit) ? TIME_UNITS[unit]! : 1) } };
}

/** bpftrace keeps rates and counts with a sign. */
function narrowed(count: bigint): number {
  return Number(BigInt.asIntN(64, count));
}

function event(parts: readonly string[], kind: 'software' | 'hardware'): Parsed {
  if (parts.length !== 1 && parts.length !== 2) return countProblem(kind, '1 or 2', parts);
  const [name, text] = parts as [string, string | undefined];
  const count = text === undefined || text === '*' ? 0n : readInteger(text);
  if (typeof count !== 'bigint') return { problem: `Invalid count for ${kind} probe: ${count}` };
  return { target: { kind, event: name, count: narrowed(count) } };
}
