import type { Identifier, Node, Probe, Program } from '../ast/nodes.ts';
import { builtinRow, messageName } from '../lang/builtins.ts';
import type { ProbeKind } from '../lang/probes.ts';
import { PROBES, probeTypeName } from '../lang/probes.ts';
import type { Pass, PassContext } from './context.ts';
import { attachmentOf } from './context.ts';
import { error } from './messages.ts';
import { forEachChild, walk } from './rewrite.ts';

/** `retval` and `arg0`... stand only in probes that have them; asked of every attach point, before expansion. */
export const checkProbeBuiltins: Pass = {
  name: 'probe builtins',
  run(program: Program, context: PassContext): Program {
    for (const probe of program.probes) {
      walk(probe, (node) => {
        if (node.kind !== 'identifier') return;
        for (const attachPoint of probe.attachPoints) {
          const kind = context.attachPoints.get(attachPoint)?.kind;
          if (kind !== undefined) checkReturnAndArguments(node, kind, context);
        }
      });
    }
    return program;
  },
};

/** The rules that a builtin is under: those of its name, or of all arguments. */
type Ruled = 'ctx' | 'func' | 'args' | 'retval' | 'argument';

function ruledAs({ name }: Identifier): Ruled | undefined {
  if (builtinRow(name)?.argument !== undefined) return 'argument';
  return RULED.has(name) ? (name as Ruled) : undefined;
}

const RULED: ReadonlySet<string> = new Set<Ruled>(['ctx', 'func', 'args', 'retval']);

function allowedIn(node: Identifier, kind: ProbeKind): boolean {
  const probes = builtinRow(node.name)?.probes;
  return probes === undefined || probes.includes(kind);
}

/** Asked of every attach point: what is wrong where the builtin means nothing. */
const BEFORE_EXPANSION: { readonly [K in Ruled]?: (name: string, kind: ProbeKind) => string } = {
  retval: (_name, kind) =>
    "The retval builtin can only be used with 'kretprobe' and 'uretprobe' and 'fentry' probes" +
    (kind === 'tracepoint' ? ' (try to use args.ret instead)' : ''),
  argument: (name) => `The ${name} builtin can only be used with 'kprobes', 'uprobes' and 'usdt' probes`,
};

function checkReturnAndArguments(node: Identifier, kind: ProbeKind, context: PassContext): void {
  const ruled = ruledAs(node);
  if (ruled === undefined || allowedIn(node, kind)) return;
  const text = BEFORE_EXPANSION[ruled]?.(node.name, kind);
  if (text !== undefined) context.report(error('builtin-probe', node.span, text));
}

/** `ctx`, `args`, `func` and argument numbers suit the probe; context values stay out of loop callbacks. */
export const checkContextBuiltins: Pass = {
  name: 'context builtins',
  run(program: Program, context: PassContext): Program {
    for (const subprogram of program.subprograms) walkBuiltins(subprogram.body, undefined, context);
    for (const probe of program.probes) {
      if (probe.predicate !== undefined) walkBuiltins(probe.predicate, probe, context);
      walkBuiltins(probe.body, probe, context);
    }
    return program;
  },
};

function walkBuiltins(node: Node, probe: Probe | undefined, context: PassContext): void {
  if (node.kind === 'for') {
    // The callback that a loop's body becomes does not get the probe's context.
    walk(node.body, (child) => {
      if (child.kind !== 'identifier' || !NOT_IN_LOOPS.has(ruledAs(child))) return;
      const text = `'${messageName(child.name)}' builtin is not allowed in a for-loop`;
      context.report(error('context-in-loop', child.span, text));
    });
  }
  if (node.kind === 'identifier') checkBuiltin(node, probe, context);
  forEachChild(node, (child) => walkBuiltins(child, probe, context));
}

const NOT_IN_LOOPS: ReadonlySet<Ruled | undefined> = new Set<Ruled>(['argument', 'retval']);

function checkBuiltin(node: Identifier, probe: Probe | undefined, context: PassContext): void {
  const ruled = ruledAs(node);
  if (ruled === undefined) return;
  const report = (message: string): void => context.report(error('builtin-probe', node.span, message));
  if (probe === undefined) {
    report(`Builtin ${messageName(node.name)} not supported outside probe`);
    return;
  }
  const kind = attachmentOf(probe, context)?.kind;
  const problem = kind === undefined ? undefined : AFTER_EXPANSION[ruled]?.(node, kind, context);
  if (problem !== undefined) report(problem);
}

/** Asked of the one attach point that a probe has after expansion. */
const AFTER_EXPANSION: {
  readonly [K in Ruled]?: (node: Identifier, kind: ProbeKind, context: PassContext) => string | undefined;
} = {
  ctx(_node, kind) {
    const { programType } = PROBES[kind];
    if (programType === 'kprobe' || programType === 'perf_event' || kind === 'iter') return undefined;
    if (programType === 'tracepoint') return 'Use args instead of ctx in tracepoint';
    return `The ctx builtin can not be used with '${kind}' probes`;
  },
  func: (node, kind) => (allowedIn(node, kind) ? undefined : `The func builtin can not be used with '${kind}' probes`),
  args: (node, kind) =>
    allowedIn(node, kind)
      ? undefined
      : 'The args builtin can only be used with tracepoint, rawtracepoint, fentry/fexit, and uprobe probes ' +
        `(${probeTypeName(kind)} used here)`,
  argument: ({ name }, kind, { target: { abi } }) =>
    kind === 'usdt' || builtinRow(name)!.argument! < abi.arguments.length
      ? undefined
      : `${abi.name} doesn't support ${name}`,
};
