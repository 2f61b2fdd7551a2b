import type { AttachPoint, Probe, Program } from '../ast/nodes.ts';
import type { AttachTarget } from '../lang/attach-target.ts';
import { PROBES, PROBE_KINDS, probeRow } from '../lang/probes.ts';
import type { ProbeKind } from '../lang/probes.ts';
import type { ParsedAttachPoint, Pass, PassContext } from './context.ts';
import { readInteger } from './integer-text.ts';
import { error } from './messages.ts';
import { checkTarget } from './attach-point-checks.ts';
import { LOCATION_MARK, hasWildcard, parseParts } from './attach-point-parts.ts';
import { matchesPattern } from '../lang/name-pattern.ts';

/** Gives every attach point its meaning; those with wildcards keep their parts for expansion. */
export const parseAttachPoints: Pass = {
  name: 'attach points',
  run(program: Program, context: PassContext): Program {
    const probes = program.probes.map((probe) => parseProbe(probe, context));
    for (const [attachPoint, parsed] of context.attachPoints) checkTarget(attachPoint, parsed, context);
    return { ...program, probes };
  },
};

function parseProbe(probe: Probe, context: PassContext): Probe {
  const attachPoints: AttachPoint[] = [];
  let iterators = 0;
  let failed = false;
  for (const attachPoint of probe.attachPoints) {
    const found = parseAttachPoint(attachPoint, context);
    if (found === undefined) failed = true;
    for (const parsed of found ?? []) {
      if (parsed.kind === 'iter' && (iterators += 1) > 1) {
        context.report(error('one-iter', attachPoint.span, 'iter probe only supports one attach point.\n'));
      }
      // A pattern for the kind makes several of one.
      const own = found!.length === 1 ? attachPoint : { ...attachPoint };
      context.attachPoints.set(own, parsed);
      attachPoints.push(own);
    }
  }
  if (attachPoints.length === 0 && !failed && context.config.missing_probes === 'error') {
    context.report(error('no-attach-points', probe.span, 'No attach points for probe'));
  }
  return { ...probe, attachPoints };
}

/** The kind that a name or short name stands for. */
function probeKind(text: string): ProbeKind | undefined {
  // Kinds are written in any case, short names as they are.
  const name = Object.hasOwn(PROBES, text.toLowerCase()) ? text.toLowerCase() : text;
  for (const [kind, row] of Object.entries(PROBES)) {
    const aliases: readonly string[] = row.aliases;
    if (kind === name || aliases.includes(name)) return kind as ProbeKind;
  }
  return undefined;
}

/** Undefined when something is wrong with it; empty when it is none. */
function parseAttachPoint(node: AttachPoint, context: PassContext): readonly ParsedAttachPoint[] | undefined {
  const fail = (message: string): undefined => {
    context.report(error('attach-point', node.span, message));
    return undefined;
  };
  const parts: string[] = [];
  for (const [index, part] of node.parts.entries()) {
    if (node.quoted[index] === true) {
      parts.push(part);
      continue;
    }
    const substituted = substitute(part, context);
    if ('problem' in substituted) return fail(substituted.problem);
    parts.push(...splitPart(substituted.text));
  }
  if (parts[0] === '') return [];
  // `name=kind:...` gives the probe a name of the user's own.
  const name = parts[0]?.replace(/^[^=]*=(?=.)/, '') ?? '';
  if (hasWildcard(name)) return parseEveryKind(name, parts, context) ?? fail(`No probe type matched for ${name}`);
  const kind = probeKind(name);
  if (kind === undefined) return fail(`Invalid probe type: ${name}`);
  const parsed = parseParts(kind, parts.slice(1), context);
  if ('problem' in parsed) return fail(parsed.problem);
  return [describe(kind, [kind, ...(parsed.parts ?? parts.slice(1))], parsed.target)];
}

/** A parameter may bring several parts, even a whole attach point; `@` starts a place in the source. */
function splitPart(text: string): readonly string[] {
  return text
    .split(':')
    .flatMap((part) => part.split('@').flatMap((each, i) => (i === 0 ? [each] : [LOCATION_MARK, each])));
}

/** `k*:vfs_read`: the kinds that match and can read the parts; a path as the first of them asks for kinds in user space. */
function parseEveryKind(
  pattern: string,
  parts: readonly string[],
  context: PassContext,
): readonly ParsedAttachPoint[] | undefined {
  const space = context.pid !== undefined || parts[1]?.includes('/') === true ? 'user' : 'kernel';
  // A single part is looked for among all kinds.
  const [kindPattern, rest] = parts.length === 1 ? ['*', [pattern]] : [pattern, parts.slice(1)];
  const kinds = PROBE_KINDS.filter((kind) => probeRow(kind).expands === space && matchesPattern(kind, kindPattern));
  if (kinds.length === 0) return undefined;
  return kinds.flatMap((kind) => {
    const parsed = parseParts(kind, rest, context);
    return 'problem' in parsed ? [] : [describe(kind, [kind, ...(parsed.parts ?? rest)], parsed.target)];
  });
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
    if (index === '') {
      problem ??= `positional parameter is not valid: ${String(readInteger(index))}`;
      return '';
    }
    problem ??=
      `invalid trailing character for positional param: ${index}. ` +
      `Try quoting this entire part if this is intentional e.g. "$${index}".`;
    return '';
  });
  return problem === undefined ? { text } : { problem };
}
