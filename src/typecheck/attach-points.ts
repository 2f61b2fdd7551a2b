import type { AttachPoint, Program } from '../ast/nodes.ts';
import type { AttachTarget } from '../lang/attach-target.ts';
import { PROBES } from '../lang/probes.ts';
import type { ProbeKind } from '../lang/probes.ts';
import type { ParsedAttachPoint, Pass, PassContext } from './context.ts';
import { error } from './messages.ts';
import { checkTarget } from './attach-point-checks.ts';

/** What the parts of an attach point mean, or what is wrong with them. */
type Parsed =
  /** `parts` where the probe's name has others than the script. */
  { readonly target: AttachTarget | undefined; readonly parts?: readonly string[] } | { readonly problem: string };
type PartsParser = (parts: readonly string[], context: PassContext, kind: ProbeKind) => Parsed;

/** Gives every attach point its meaning; those with wildcards keep their parts for expansion. */
export const parseAttachPoints: Pass = {
  name: 'attach points',
  run(program: Program, context: PassContext): Program {
    for (const probe of program.probes) {
      let iterators = 0;
      for (const attachPoint of probe.attachPoints) {
        const parsed = parseAttachPoint(attachPoint, context);
        if (parsed === undefined) continue;
        if (parsed.kind === 'iter' && (iterators += 1) > 1) {
          context.report(error('one-iter', attachPoint.span, 'iter probe only supports one attach point.\n'));
        }
        context.attachPoints.set(attachPoint, parsed);
      }
    }
    for (const [attachPoint, parsed] of context.attachPoints) checkTarget(attachPoint, parsed, context);
    return program;
  },
};

/** The kind that a name or short name stands for. */
export function probeKind(text: string): ProbeKind | undefined {
  // Kinds are written in any case, short names as they are.
  const name = Object.hasOwn(PROBES, text.toLowerCase()) ? text.toLowerCase() : text;
  for (const [kind, row] of Object.entries(PROBES)) {
    const aliases: readonly string[] = row.aliases;
    if (kind === name || aliases.includes(name)) return kind as ProbeKind;
  }
  return undefined;
}

export function hasWildcard(text: string): boolean {
  return text.includes('*') || (text.includes('[') && text.includes(']'));
}

function parseAttachPoint(node: AttachPoint, context: PassContext): ParsedAttachPoint | undefined {
  const fail = (message: string): undefined => {
    context.report(error('attach-point', node.span, message));
    return undefined;
  };
  const parts: string[] = [];
  for (const [index, part] of node.parts.entries()) {
    if (node.quoted[index] === true || !part.includes('$')) {
      parts.push(part);
      continue;
    }
    const substituted = substitute(part, context);
    if ('problem' in substituted) return fail(substituted.problem);
    // A parameter may bring several parts, even a whole attach point.
    parts.push(...substituted.text.split(':'));
  }
  // `name=kind:...` gives the probe a name of the user's own.
  const name = parts[0]?.replace(/^[^=]*=(?=.)/, '') ?? '';
  const kind = probeKind(name);
  if (kind === undefined) {
    return fail(hasWildcard(name) ? `No probe type matched for ${name}` : `Invalid probe type: ${name}`);
  }
  const parsed = PARSERS[kind](parts.slice(1), context, kind);
  if ('problem' in parsed) return fail(parsed.problem);
  return describe(kind, [kind, ...(parsed.parts ?? parts.slice(1))], parsed.target);
}

/** An attach point as later passes see it. */
export function describe(
  kind: ProbeKind,
  parts: readonly string[],
  target: AttachTarget | undefined,
): ParsedAttachPoint {
  const expanded = [kind, ...parts.slice(1)];
  return { kind, parts: expanded, name: expanded.join(':'), ...(target === undefined ? {} : { target }) };
}

/** `$1` in an attach point is the positional parameter's text. */
function substitute(part: string, context: PassContext): { readonly text: string } | { readonly problem: string } {
  let problem: string | undefined;
  const text = part.replace(/\$([1-9]\d*|.|$)/g, (_match: string, index: string) => {
    if (/^[1-9]/.test(index)) return context.positional[Number(index) - 1] ?? '';
    problem ??=
      `invalid trailing character for positional param: ${index}. ` +
      `Try quoting this entire part if this is intentional e.g. "$${index}".`;
    return '';
  });
  return problem === undefined ? { text } : { problem };
}

function countProblem(kind: ProbeKind, expected: string, parts: readonly string[]): Parsed {
  return { problem: `${kind} probe type requires ${expected} arguments, found ${parts.length}` };
}

function parseNumber(text: string): number | undefined {
  if (/^(0x[0-9a-f]+|\d[\d_]*)$/i.test(text)) return Number(text.replaceAll('_', ''));
  return undefined;
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
    if (parts.some(hasWildcard)) return { target: undefined };
    return { target: { kind: 'rawtracepoint', name: parts[parts.length - 1]! } };
  },
  uprobe: (parts, context, kind) => userFunction(parts, context, kind as 'uprobe'),
  uretprobe: (parts, context, kind) => userFunction(parts, context, kind as 'uretprobe'),
  usdt: (parts, _context, kind) => {
    if (parts.length !== 2 && parts.length !== 3) return countProblem(kind, '2 or 3', parts);
    if (parts.some(hasWildcard)) return { target: undefined };
    const [path, ...rest] = parts as [string, ...string[]];
    const provider = rest.length === 2 ? rest[0]! : '';
    return { target: { kind: 'usdt', path, provider, name: rest[rest.length - 1]! } };
  },
  profile: (parts, _context, kind) => timer(parts, kind as 'profile'),
  interval: (parts, _context, kind) => timer(parts, kind as 'interval'),
  software: (parts, _context, kind) => event(parts, kind as 'software'),
  hardware: (parts, _context, kind) => event(parts, kind as 'hardware'),
  watchpoint: (parts, _context, kind) => {
    if (parts.length !== 3) return countProblem(kind, '3', parts);
    const [address, length] = parts.map(parseNumber);
    if (address === undefined) return { problem: `Invalid function/address argument: ${invalidInteger(parts[0]!)}` };
    if (length === undefined) return { problem: `Invalid length argument: ${invalidInteger(parts[1]!)}` };
    return { target: { kind: 'watchpoint', address: BigInt(address), length, mode: parts[2]! } };
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

function invalidInteger(text: string): string {
  return `invalid integer: ${text}`;
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
  const parsed = parseNumber(offset);
  return parsed === undefined ? { problem: `Invalid offset: ${invalidInteger(offset)}` } : { name, offset: parsed };
}

function kernelFunction(parts: readonly string[], context: PassContext, kind: 'kprobe' | 'kretprobe'): Parsed {
  if (parts.length !== 1 && parts.length !== 2) return countProblem(kind, '1 or 2', parts);
  const text = parts[parts.length - 1]!;
  const module = parts.length === 2 ? { module: parts[0]! } : {};
  const split = splitOffset(text, kind === 'kprobe');
  if ('problem' in split) return split;
  const address = parseNumber(text);
  if (address !== undefined) {
    if (!context.unsafe) return { problem: 'Probing by address requires --unsafe' };
    return kind === 'kprobe'
      ? { target: { kind, function: '', offset: 0, address: BigInt(address), ...module } }
      : { target: { kind, function: '', ...module } };
  }
  if (parts.some(hasWildcard)) return { target: undefined };
  if (kind === 'kprobe') return { target: { kind, function: split.name, offset: split.offset, ...module } };
  return { target: { kind, function: split.name, ...module } };
}

function tracedFunction(parts: readonly string[], context: PassContext, kind: 'fentry' | 'fexit'): Parsed {
  if (parts.length < 1 || parts.length > 3) return countProblem(kind, '1 or 3', parts);
  if (parts.length === 3 && parts[0] !== 'bpf') {
    return { problem: "Only the 'bpf' variant of this probe supports 4 arguments" };
  }
  if (parts.some(hasWildcard)) return { target: undefined };
  const name = parts[parts.length - 1]!;
  if (parts.length === 2) return { target: { kind, function: name, module: parts[0]! } };
  const modules = context.target
    .functions()
    .filter((candidate) => candidate.name === name)
    .map((candidate) => candidate.module);
  if (modules.length > 1) {
    return { problem: `ambiguous attach point, please specify module containing the function '${name}'` };
  }
  return { target: { kind, function: name, module: modules[0] ?? 'vmlinux' } };
}

function userFunction(parts: readonly string[], _context: PassContext, kind: 'uprobe' | 'uretprobe'): Parsed {
  if (parts.length !== 2 && parts.length !== 3) return countProblem(kind, '2 or 3', parts);
  const path = parts[0]!;
  const text = parts[parts.length - 1]!;
  const split = splitOffset(text, kind === 'uprobe');
  if ('problem' in split) return split;
  const address = parseNumber(text);
  if (address !== undefined) {
    if (hasWildcard(path)) return { problem: 'Cannot use wildcards with absolute address' };
    return { target: { kind, path, function: '', offset: 0, address: BigInt(address) } };
  }
  if (hasWildcard(path) || hasWildcard(text)) return { target: undefined };
  return { target: { kind, path, function: split.name, offset: split.offset } };
}

/** Nanoseconds in a unit of time; `hz` is a rate. */
export const TIME_UNITS: Readonly<Record<string, number>> = { s: 1e9, ms: 1e6, us: 1e3, hz: 0 };

function timer(parts: readonly string[], kind: 'profile' | 'interval'): Parsed {
  if (parts.length === 1) {
    const ns = parseDuration(parts[0]!);
    if (ns === undefined) return { problem: `Invalid rate of ${kind} probe: ${invalidInteger(parts[0]!)}` };
    if (ns < 1000) {
      return { problem: `Invalid rate of ${kind} probe. Minimum is 1000 or 1us. Found: ${ns} nanoseconds` };
    }
    // bpftrace knows the probe by its microseconds from then on.
    const microseconds = Math.floor(ns / 1000);
    return { target: { kind, periodNs: microseconds * 1000 }, parts: ['us', String(microseconds)] };
  }
  if (parts.length !== 2) return countProblem(kind, '1 or 2', parts);
  const [unit, text] = parts as [string, string];
  const count = parseNumber(text);
  if (count === undefined) return { problem: `Invalid rate of ${kind} probe: ${invalidInteger(text)}` };
  if (unit === 'hz') return { target: { kind, frequency: count } };
  // An unknown unit is reported by the checks, which see the parts.
  return { target: { kind, periodNs: count * (TIME_UNITS[unit] ?? 1) } };
}

/** `5s`, `10ms`: a number with a unit, in nanoseconds; without a unit it is nanoseconds. */
function parseDuration(text: string): number | undefined {
  const match = /^(\d[\d_]*)(ns|us|ms|s|m|h|d)?$/.exec(text);
  if (match === null) return parseNumber(text);
  return Number(match[1]!.replaceAll('_', '')) * DURATION_UNITS[match[2] ?? 'ns']!;
}

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
  d: 86_400e9,
};

function event(parts: readonly string[], kind: 'software' | 'hardware'): Parsed {
  if (parts.length !== 1 && parts.length !== 2) return countProblem(kind, '1 or 2', parts);
  const [name, text] = parts as [string, string | undefined];
  const count = text === undefined || text === '' || text === '*' ? 0 : parseNumber(text);
  if (count === undefined) return { problem: `Invalid count for ${kind} probe: ${invalidInteger(text ?? '')}` };
  return { target: { kind, event: name, count } };
}
