import type { AttachPoint, Probe, Program } from '../ast/nodes.ts';
import { KERNEL_MODULE, type AttachTarget } from '../lang/attach-target.ts';
import { withHint } from '../source/diagnostic.ts';
import { hasWildcard } from './attach-point-parts.ts';
import { describe } from './attach-points.ts';
import type { ParsedAttachPoint, Pass, PassContext } from './context.ts';
import { matchAttachPoint } from './match-probes.ts';
import { error, warning } from './messages.ts';
import { relocate, walk } from './rewrite.ts';
import { pairSessions } from './session-probes.ts';

/** One probe per program: wildcards are matched against the machine, bodies are copied where matches do not share one. */
export const expandProbes: Pass = {
  name: 'probe expansion',
  run(program: Program, context: PassContext): Program {
    const probes: Probe[] = [];
    const empty: Probe[] = [];
    const alone: Probe[] = [];
    for (const probe of program.probes) {
      const isOwn = asksWhichMatch(probe);
      const attachPoints = probe.attachPoints.flatMap((attachPoint) => expand(attachPoint, !isOwn, context));
      if (attachPoints.length === 0) empty.push(probe);
      attachPoints.forEach((attachPoint) => {
        const own = attachPoints.length === 1 ? probe : copyOf(probe);
        probes.push({ ...own, attachPoints: [attachPoint] });
      });
      if (probe.attachPoints.length === 1 && attachPoints.length === 1 && !isOwn) alone.push(probes.at(-1)!);
    }
    if (context.kprobeSessions !== false) pairSessions(alone, context);
    const limit = context.config.max_bpf_progs;
    if (probes.length > limit) {
      const text =
        `Your program is trying to generate more than ${probes.length} BPF programs, ` +
        `which exceeds the current limit of ${limit}`;
      const hint = 'You can increase the limit through the BPFTRACE_MAX_BPF_PROGS environment variable.';
      context.report(withHint(error('too-many-programs', program.probes[0]?.attachPoints[0]?.span, text), hint));
    }
    if (context.config.missing_probes !== 'error' || !empty.some((probe) => isReported(probe, context)))
      for (const probe of empty) reportEmpty(probe, context);
    warnOfDeadlock(probes, context);
    return { ...program, probes };
  },
};

/** One of several: its messages say that it came out of the probe that the script wrote. */
function copyOf(probe: Probe): Probe {
  const { body, predicate, predicateSpan } = probe;
  // A predicate is an `if` around the body, and stands for both.
  const from = predicateSpan ?? body.span;
  return {
    ...probe,
    body: relocate(body, from),
    ...(predicate === undefined ? {} : { predicate: relocate(predicate, from) }),
    ...(predicateSpan === undefined ? {} : { predicateSpan: { ...predicateSpan, expandedFrom: from } }),
  };
}

/** A place that is not there was named without wildcards: that is an error of its own. */
function isReported(probe: Probe, context: PassContext): boolean {
  return probe.attachPoints.some((node) => !(context.attachPoints.get(node)?.parts ?? ['']).some(hasWildcard));
}

function reportEmpty({ attachPoints }: Probe, context: PassContext): void {
  const span = { ...attachPoints[0]!.span, end: attachPoints[attachPoints.length - 1]!.span.end };
  const text = 'Probe has no valid attach points.';
  if (context.config.missing_probes === 'error') {
    const advice = "If this is expected, set the 'missing_probes' config variable to 'warn'.";
    context.report(error('empty-probe', span, `${text} ${advice}`));
  } else if (context.config.missing_probes === 'warn') {
    const advice = 'It is being removed which may cause issues with program behavior.';
    context.report(warning('empty-probe', span, `${text} ${advice}`));
  }
}

/** What a spinlock does: a program inside it that takes one itself could wait for ever. */
const SPINLOCK_INTERNALS: ReadonlySet<string> = new Set([
  '_raw_spin_lock',
  '_raw_spin_lock_irqsave',
  '_raw_spin_unlock_irqrestore',
  'queued_spin_lock_slowpath',
]);

/** Kprobes are protected by the kernel; tracing programs are not. Said once, about the script. */
function warnOfDeadlock(probes: readonly Probe[], context: PassContext): void {
  for (const probe of probes) {
    const target = context.attachPoints.get(probe.attachPoints[0]!)?.target;
    if (target?.kind !== 'fentry' && target?.kind !== 'fexit') continue;
    if (target.module !== KERNEL_MODULE || !SPINLOCK_INTERNALS.has(target.function)) continue;
    const text =
      `Attaching to dangerous function: ${target.module}:${target.function}. bpftrace has added mitigations to ` +
      'prevent a kernel deadlock but they may result in some lost events.';
    context.report(warning('dangerous-function', undefined, text));
    return;
  }
}

/** `probe` is a constant, and what uaddr() adds to: either makes a program of its own of every match. */
function asksWhichMatch(probe: Probe): boolean {
  let found = false;
  walk(probe, (node) => {
    if (node.kind === 'identifier' && node.name === 'probe') found = true;
    if (node.kind === 'call' && node.name === 'uaddr') found = true;
    return !found;
  });
  return found;
}

function expand(node: AttachPoint, mayShare: boolean, context: PassContext): readonly AttachPoint[] {
  const parsed = context.attachPoints.get(node);
  if (parsed === undefined) return [];
  const matches = matchAttachPoint(parsed, context);
  if (matches.length > 0) {
    return byFile(matches)
      .flatMap((group) => (mayShare ? (shareProgram(parsed, group) ?? group) : group))
      .map((match) => {
        const copy: AttachPoint = { ...node };
        context.attachPoints.set(copy, match);
        return copy;
      });
  }
  return reportMissing(node, parsed, context);
}

/** A program is shared by functions of one file at most. */
function byFile(matches: readonly ParsedAttachPoint[]): readonly (readonly ParsedAttachPoint[])[] {
  const groups = new Map<string, ParsedAttachPoint[]>();
  for (const match of matches) {
    const path = match.target !== undefined && 'path' in match.target ? match.target.path : '';
    const group = groups.get(path);
    if (group === undefined) groups.set(path, [match]);
    else group.push(match);
  }
  return [...groups.values()];
}

/** The functions that a pattern of a kprobe or uprobe matches take one program; the kernel's multi links know no modules. */
function shareProgram(parsed: ParsedAttachPoint, matches: readonly ParsedAttachPoint[]): ParsedAttachPoint | undefined {
  const targets = matches.flatMap(({ target }) => (target === undefined || !isShareable(target) ? [] : [target]));
  const [first] = targets;
  if (!parsed.parts.some(hasWildcard) || first === undefined || targets.length !== matches.length) return undefined;
  const pattern = parsed.parts[parsed.parts.length - 1]!;
  const target = { ...first, function: pattern, functions: targets.map((match) => match.function) };
  return describe(parsed.kind, parsed.parts, target);
}

type Shareable = Extract<AttachTarget, { readonly functions?: readonly string[] }>;

function isShareable(target: AttachTarget): target is Shareable {
  switch (target.kind) {
    case 'kprobe':
    case 'kretprobe':
      return target.module === undefined;
    case 'uprobe':
    case 'uretprobe':
      return true;
    default:
      return false;
  }
}

function hasModule(name: string, context: PassContext): boolean {
  return context.target.functions().some((candidate) => candidate.module === name);
}

/** A pattern may match nothing. */
function reportMissing(node: AttachPoint, parsed: ParsedAttachPoint, context: PassContext): readonly AttachPoint[] {
  if (parsed.parts.some(hasWildcard)) return [];
  const kernelFunction = parsed.kind === 'kprobe' || parsed.kind === 'kretprobe';
  const module = kernelFunction && parsed.parts.length === 3 ? parsed.parts[1]! : '';
  if (module !== '' && module !== KERNEL_MODULE && !hasModule(module, context)) {
    const text = `specified module ${module} in probe ${parsed.name} is not loaded.`;
    context.report(error('no-module', node.span, text));
  }
  if (kernelFunction && context.unsafe) return [node];
  const message = `No matches for ${parsed.kind} ${wantedPlace(parsed)}`;
  if (context.config.missing_probes === 'warn') {
    context.report(warning('no-matches', node.span, `${message}. Skipping.`));
  } else if (context.config.missing_probes === 'error') {
    context.report(error('no-matches', node.span, `${message}.`));
  }
  return [];
}

/** What bpftrace says that it has looked for: a file, module or category and a name, without provider or language between them. */
function wantedPlace({ parts }: ParsedAttachPoint): string {
  const [, place = '', ...names] = parts;
  const name = names.at(-1);
  return name === undefined ? place : place === '' ? name : `${place}:${name}`;
}
